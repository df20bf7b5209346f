"""Venn-Abers: two probabilities per score, one for either label that its lead may turn out to have.

Vovk, Petej, Fedorova: Large-scale probabilistic predictors with and without guarantees of validity, NIPS 2015. The one
of the label that comes is calibrated, however the data are distributed; which of the two that is, is not known before.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from leadhouse.models.evaluate import Probabilities
from leadhouse.models.matrix import Integers
from leadhouse.models.split import Labels

MAX_BINS = 200


@dataclass(frozen=True)
class Bins:
    """Scores put together by their order, without a look at labels."""

    centres: Probabilities
    """The mean score of each bin, ascending, no two equal."""
    of: Integers
    """The bin of each example."""


@dataclass(frozen=True)
class Pair:
    """The two probabilities at the bins' centres."""

    x: Probabilities
    """Log odds, ascending."""
    p0: Probabilities
    """The isotonic rate there with one more example of that score that lost; never falls, below 1."""
    p1: Probabilities
    """The same with one that won; never falls, above 0 and above p0."""

    @property
    def merged(self) -> Probabilities:
        """One probability of the two: the one whose log loss at worst exceeds either's the least (ibid., section 4)."""
        return self.p1 / (1 - self.p0 + self.p1)


def venn_abers(log_odds: Probabilities, labels: Labels) -> Pair:
    """Return the inductive Venn-Abers pair of a calibration set, computed by the package ``venn-abers``.

    Scores are put into at most 200 bins first: up to so many different ones stay as they are.
    """
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        # Imported here: scoring needs none of it, and the import sets numpy's error state for good outside of errstate.
        from venn_abers import calc_p0p1

        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)  # at the last point it divides 0 by 0
        bins = binned(log_odds)
        scores = bins.centres[bins.of]
        lost, won, centres = calc_p0p1(np.column_stack([-scores, scores]), np.asarray(labels, dtype=np.float64))
    # It gives p0 from a score on and p1 up to a score, each with one place more for what lies beyond all scores.
    return Pair(centres, np.asarray(lost[1:, 1]), np.asarray(won[:-1, 1]))


def binned(log_odds: Probabilities) -> Bins:
    """Put scores into at most 200 bins of equal count; equal scores share one."""
    values, place, counts = np.unique(log_odds, return_inverse=True, return_counts=True)
    if len(values) <= MAX_BINS:
        return Bins(values, place)
    middle = np.cumsum(counts) - counts / 2
    _, group = np.unique((middle * MAX_BINS / len(log_odds)).astype(np.int64), return_inverse=True)
    centres = np.bincount(group, values * counts) / np.bincount(group, counts)
    return Bins(centres, group[place])

"""How far a figure may be off: leads drawn anew, with replacement, many times.

The percentile bootstrap (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13) over leads rather than
examples, since a lead's examples are no independent evidence (the cluster bootstrap: Field & Welsh, Bootstrapping
clustered data, JRSS B 69, 2007).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from leadhouse.models.evaluate import Probabilities, rank, rounded
from leadhouse.models.matrix import Integers
from leadhouse.models.split import Labels

LEVEL = 0.95
DRAWS, LEAST_DRAWS = 200, 50
_ALL_DRAWS_UP_TO = 200_000
"""Above so many examples there are fewer draws, so that the time stays the same; never fewer than LEAST_DRAWS."""
_BLOCK = 200_000
"""Examples times draws that are looked at together."""
_UPWARD = "calibration_error"
"""Noise can only add to it: what is drawn anew has more than what it was drawn from."""


@dataclass(frozen=True)
class Interval:
    """Where a figure lies with 95 % confidence."""

    low: float
    high: float


def draws_for(examples: int) -> int:
    """Return how often leads are drawn anew for so many examples."""
    return min(DRAWS, max(LEAST_DRAWS, DRAWS * _ALL_DRAWS_UP_TO // max(examples, 1)))


def intervals(labels: Labels, probabilities: Probabilities, leads: Integers, seed: int) -> dict[str, Interval]:
    """Return the interval of every figure of Metrics but ``examples``.

    ``leads`` are any integers that tell leads apart; a lead is drawn with all its examples. The same examples, leads
    and seed give the same intervals in any order of rows. A figure has none where fewer than half of the draws have
    both classes. The calibration error's is widened to the figure itself, which it may otherwise lie above.
    """
    ranked = rank(labels, probabilities)
    blocks = [ranked.figures(weights[:, ranked.order]) for weights in resample(leads, seed)]
    found = {}
    for name in blocks[0]:
        interval = interval_of(np.concatenate([block[name] for block in blocks]))
        if interval is not None:
            found[name] = interval
    if _UPWARD in found:
        point = float(ranked.figures(np.ones((1, len(labels))))[_UPWARD][0])
        found[_UPWARD] = Interval(min(found[_UPWARD].low, rounded(point)), max(found[_UPWARD].high, rounded(point)))
    return found


def auc_draws(labels: Labels, scores: Sequence[Probabilities], leads: Integers, seed: int) -> Probabilities:
    """Return the AUC of each of these scores in every draw (scores × draws), the same draws for all.

    Differences between rows are therefore paired. NaN in draws that have one class only.
    """
    ranks = [rank(labels, one) for one in scores]
    found = [[ranked.aucs(weights[:, ranked.order]) for ranked in ranks] for weights in resample(leads, seed)]
    return np.concatenate([np.stack(block) for block in found], axis=1)


def interval_of(draws: Probabilities) -> Interval | None:
    """Return the middle 95 % of a figure's draws; None if fewer than half of them are numbers."""
    usable = draws[~np.isnan(draws)]
    if 2 * len(usable) < len(draws) or not len(usable):
        return None
    low, high = np.quantile(usable, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(rounded(low), rounded(high))


def resample(leads: Integers, seed: int) -> Iterator[Probabilities]:
    """Yield blocks of draws (draws × examples): how often each example counts in each draw."""
    ids, place = np.unique(leads, return_inverse=True)
    draw, left = np.random.default_rng(seed), draws_for(len(leads))
    while left:
        size = min(left, max(1, _BLOCK // len(leads)))
        drawn = [np.bincount(draw.integers(len(ids), size=len(ids)), minlength=len(ids)) for _ in range(size)]
        yield np.stack(drawn)[:, place].astype(np.float64)
        left -= size

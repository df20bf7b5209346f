"""How far a calibrated probability can be trusted: by the Venn-Abers pair, and by drawing the leads again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression

from leadhouse.models.evaluate import Probabilities
from leadhouse.models.matrix import Integers
from leadhouse.models.split import Labels
from leadhouse.models.venn_abers import binned, venn_abers

LEVEL = 0.95
"""Share of the redrawn calibrations that the interval holds, at each score."""
_DRAWS = 200
_GROUPS = 500
"""Leads are redrawn in so many groups at most: a draw then takes the same time whatever the number of leads."""
_DIGITS = 9


@dataclass(frozen=True)
class Interval:
    """A lower and an upper curve over the model's log odds, neither falling: straight between points, level beyond."""

    x: tuple[float, ...]
    """The model's log odds at the points, ascending; 200 points at most."""
    low: tuple[float, ...]
    """The lower probability there."""
    high: tuple[float, ...]
    """The upper probability there."""

    def around(self, log_odds: Probabilities, probability: Probabilities) -> tuple[Probabilities, Probabilities]:
        """Return the interval at these log odds, stretched where it doesn't hold the calibrated probability there."""
        low, high = (np.interp(log_odds, self.x, curve) for curve in (self.low, self.high))
        return np.minimum(low, probability), np.maximum(high, probability)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Interval:
        """Read the fields as JSON has them."""
        return cls(tuple(document["x"]), tuple(document["low"]), tuple(document["high"]))


def fit_interval(log_odds: Probabilities, labels: Labels, leads: Integers, seed: int) -> Interval:
    """Return the hull of two doubts, from held-out log odds, labels (1 won, 0 not) and whose examples they are.

    The Venn-Abers pair: the rate at a score, had one more lead with it lost, or won. And the pointwise 95 % range of
    that rate over calibrations on redrawn leads (a bootstrap of isotonic regression, percentile method: Efron and
    Tibshirani, An Introduction to the Bootstrap, 1993, 13.3). The pair alone is about 1 / n wide where n examples share
    a step, the sampling error 1 / √n: even the mean propensity of a tenth of all leads is outside it most of the time.
    The same examples and seed give the same interval.
    """
    pair = venn_abers(log_odds, labels)
    redrawn = _redrawn_rates(log_odds, labels, leads, seed)
    low = np.minimum(pair.p0, np.quantile(redrawn, (1 - LEVEL) / 2, axis=0))
    high = np.maximum(pair.p1, np.quantile(redrawn, (1 + LEVEL) / 2, axis=0))
    points = np.round(np.stack([pair.x, low, high]), _DIGITS)
    return Interval(*(tuple(row) for row in points[:, _corners(points[1:])].tolist()))


def _redrawn_rates(log_odds: Probabilities, labels: Labels, leads: Integers, seed: int) -> Probabilities:
    """Return the isotonic rates at the bins' centres, a row per draw. Leads are drawn whole, with their examples."""
    bins = binned(log_odds)
    ids, lead = np.unique(leads, return_inverse=True)
    groups, count = min(_GROUPS, len(ids)), len(bins.centres)
    draw = np.random.default_rng(seed)
    cell = (draw.permutation(len(ids)) % groups)[lead] * count + bins.of
    examples, won = (
        np.bincount(cell, weights, minlength=groups * count).reshape(groups, count).astype(np.float64)
        for weights in (None, labels)
    )
    times = draw.multinomial(groups, np.full(groups, 1 / groups), size=_DRAWS).astype(np.float64)
    rates = np.empty((_DRAWS, count))
    for number, (sizes, wins) in enumerate(zip(times @ examples, times @ won, strict=True)):
        drawn = sizes > 0
        steps = isotonic_regression(wins[drawn] / sizes[drawn], weights=sizes[drawn]).x
        rates[number] = np.interp(bins.centres, bins.centres[drawn], steps)
    return np.asarray(np.clip(rates, 0, 1))


def _corners(curves: Probabilities) -> Integers:
    """Return the places that a straight line between their neighbours can't do without."""
    flat = (np.diff(curves, axis=1) == 0).all(axis=0)
    inner = np.concatenate([[False], flat[1:] & flat[:-1], [False]]) if len(flat) > 1 else np.zeros(len(flat) + 1, bool)
    return np.flatnonzero(~inner)

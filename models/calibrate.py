"""From a model's log odds to probabilities that mean what they say."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from leadhouse.models.evaluate import Probabilities
from leadhouse.models.interval import Interval
from leadhouse.models.matrix import Integers
from leadhouse.models.split import Labels, fold_of
from leadhouse.models.venn_abers import venn_abers

PLATT, ISOTONIC, VENN_ABERS = "platt", "isotonic", "venn-abers"
MIN_FOR_STEPS = 1000
"""With fewer held-out examples, or fewer than a tenth of that of either class, a step function follows the noise."""
_FOLDS = 5
_BIN_ROWS = 50
_MAX_BINS = 200
_LEAST_SLOPE = 0.01
_DIGITS = 9


@dataclass(frozen=True)
class Calibration:
    """A strictly increasing curve from log odds to log odds, so that it never changes the order of leads.

    It runs straight between its points and goes on beyond them: with the slope of its two points for Platt's method,
    with slope 1 for the others.
    """

    kind: str
    """``platt``, ``isotonic`` or ``venn-abers``."""
    x: tuple[float, ...]
    """The model's log odds at the points, ascending."""
    y: tuple[float, ...]
    """The calibrated log odds there, ascending."""
    doubt: Interval | None = None
    """What the probability is uncertain by; None in models that were trained before there was an interval."""

    def apply(self, log_odds: Probabilities) -> Probabilities:
        """Return calibrated probabilities, between 0 and 1 and never either."""
        if self.kind == PLATT:
            slope = (self.y[1] - self.y[0]) / (self.x[1] - self.x[0])
            return _probability(self.y[0] + slope * (log_odds - self.x[0]))
        inside = np.interp(log_odds, self.x, self.y)
        beyond = np.minimum(log_odds - self.x[0], 0) + np.maximum(log_odds - self.x[-1], 0)
        return _probability(inside + beyond)

    def interval(self, log_odds: Probabilities) -> tuple[Probabilities, Probabilities] | None:
        """Return the lower and the upper probability, which hold the one of ``apply``; None for a model without.

        What they promise, and what not, is in ``fit_interval``.
        """
        return None if self.doubt is None else self.doubt.around(log_odds, self.apply(log_odds))

    def to_json(self) -> dict[str, Any]:
        """Return the curve as JSON values. Without a doubt it has no key for it, so that old models keep their hash."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Calibration:
        """Read what ``to_json`` wrote."""
        doubt = Interval.from_json(document["doubt"]) if "doubt" in document else None
        return cls(str(document["kind"]), tuple(document["x"]), tuple(document["y"]), doubt)


def calibrate(log_odds: Probabilities, labels: Labels, leads: Integers, seed: int) -> Calibration:
    """Choose and fit a curve on held-out log odds: the kind with the lower cross-validated log loss.

    Folds never part a lead. With too few examples for a curve of steps (MIN_FOR_STEPS) it is Platt's.
    """
    rarer = min(float(labels.sum()), float((1 - labels).sum()))
    if len(labels) < MIN_FOR_STEPS or rarer < MIN_FOR_STEPS / 10:
        return fit_platt(log_odds, labels)
    fold = fold_of(labels, leads, _FOLDS, seed)
    losses = {kind: np.empty(len(labels)) for kind in _FITS}
    for number in range(_FOLDS):
        train, test = fold != number, fold == number
        for kind, fit in _FITS.items():
            losses[kind][test] = fit(log_odds[train], labels[train]).apply(log_odds[test])
    best = min(_FITS, key=lambda kind: log_loss(labels, losses[kind], labels=[0, 1]))
    return _FITS[best](log_odds, labels)


def fit_platt(log_odds: Probabilities, labels: Labels) -> Calibration:
    """Fit a straight line in log odds (logistic regression)."""
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(log_odds.reshape(-1, 1), labels > 0)
    # A falling line says that the model knows nothing; the order of leads is kept all the same.
    slope = max(float(model.coef_[0, 0]), _LEAST_SLOPE)
    intercept = float(model.intercept_[0])
    if slope == _LEAST_SLOPE:
        intercept = float(logit(np.clip(labels.mean(), 1e-6, 1 - 1e-6))) - slope * float(log_odds.mean())
    return Calibration(PLATT, (0.0, 1.0), (round(intercept, _DIGITS), round(intercept + slope, _DIGITS)))


def fit_isotonic(log_odds: Probabilities, labels: Labels) -> Calibration:
    """Fit centred isotonic regression: the steps' centres, joined by lines, so that no two leads are made equal.

    Steps are made of bins of at least 50 examples, whose rates are drawn a little inwards: none is 0 or 1.
    """
    order = np.argsort(log_odds, kind="stable")
    parts = np.array_split(order, max(2, min(_MAX_BINS, len(order) // _BIN_ROWS)))
    sizes = np.array([len(part) for part in parts], dtype=float)
    centres = np.array([log_odds[part].mean() for part in parts])
    rates = np.array([(labels[part].sum() + 0.5) / (len(part) + 1) for part in parts])
    steps = IsotonicRegression().fit(centres, rates, sample_weight=sizes).predict(centres)
    return _centred(ISOTONIC, centres, logit(steps), sizes)


def fit_venn_abers(log_odds: Probabilities, labels: Labels) -> Calibration:
    """Fit the curve through the merged Venn-Abers probabilities: the centres of their steps, joined by lines."""
    pair = venn_abers(log_odds, labels)
    return _centred(VENN_ABERS, pair.x, logit(pair.merged), np.ones(len(pair.x)))


def _centred(kind: str, centres: Probabilities, log_odds: Probabilities, sizes: Probabilities) -> Calibration:
    """Put one point at the weighted centre of each step."""
    steps, step = np.unique(np.round(log_odds, _DIGITS), return_inverse=True)
    middles = np.bincount(step, centres * sizes) / np.bincount(step, sizes)
    return Calibration(kind, tuple(np.round(middles, _DIGITS).tolist()), tuple(steps.tolist()))


def _probability(log_odds: Probabilities) -> Probabilities:
    return np.asarray(expit(np.clip(log_odds, -30, 30)), dtype=np.float64)


_FITS = {PLATT: fit_platt, ISOTONIC: fit_isotonic, VENN_ABERS: fit_venn_abers}

"""How good probabilities are, on examples that they were not learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leadhouse.models.matrix import Integers
from leadhouse.models.split import Labels

Probabilities = npt.NDArray[np.float64]
BINS = 10
TOP_SHARE = 0.1
_DIGITS = 6
_LEAST = float(np.finfo(np.float64).eps)
"""Probabilities nearer to 0 or 1 count as this far away in the log loss, as in scikit-learn."""


@dataclass(frozen=True)
class Metrics:
    """Every figure of one evaluation; shares and probabilities from 0 to 1."""

    auc: float
    average_precision: float
    log_loss: float
    brier: float
    lift_at_10: float
    """The rate among the top 10 % over the rate among all."""
    calibration_error: float
    """Mean distance between probability and rate over ten bins of equal count."""
    base_rate: float
    examples: int


@dataclass(frozen=True)
class Bin:
    """One bin of a reliability diagram."""

    probability: float
    rate: float
    examples: int


@dataclass(frozen=True)
class Ranked:
    """Examples in ascending order of probability; runs of equal probabilities are told apart by their starts.

    Everything here takes weights (draws × examples, in this order: how often each example counts in each draw) and
    gives one figure per draw. Equal probabilities share what they have in proportion, so that no figure depends on the
    order that the examples came in.
    """

    order: Integers
    """Places of the examples in what was ranked."""
    labels: Probabilities
    probabilities: Probabilities
    starts: Integers

    def figures(self, weights: Probabilities) -> dict[str, Probabilities]:
        """Return each figure of Metrics but ``examples``; NaN in draws that have one class only."""
        total = weights.sum(axis=1)
        loss = log_losses(self.labels, self.probabilities)
        squared = (self.probabilities - self.labels) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                "auc": self.aucs(weights),
                "average_precision": self._average_precisions(weights),
                "log_loss": weights @ loss / total,
                "brier": weights @ squared / total,
                "lift_at_10": self.lifts(weights, TOP_SHARE),
                "calibration_error": np.array([self._calibration_error(row) for row in weights]),
                "base_rate": weights @ self.labels / total,
            }

    def aucs(self, weights: Probabilities) -> Probabilities:
        """Return the share of pairs of a winner and a loser whose winner is above, ties counting half."""
        winners, losers = np.flatnonzero(self.labels > 0), np.flatnonzero(self.labels == 0)
        run = np.searchsorted(self.starts, winners, side="right")
        ends = np.append(self.starts, len(self.labels))
        lost = np.zeros((len(weights), len(losers) + 1))
        np.cumsum(weights[:, losers], axis=1, out=lost[:, 1:])
        # Below a winner are the losers before its run of equals, and half of those in it.
        twice = lost[:, np.searchsorted(losers, ends[run - 1])] + lost[:, np.searchsorted(losers, ends[run])]
        won = weights[:, winners]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((won * twice).sum(axis=1) / (2 * won.sum(axis=1) * lost[:, -1]))

    def bins(self, weights: Probabilities, bins: int) -> list[Bin]:
        """Return bins of equal count of one draw, lowest probabilities first."""
        ends = _ends(int(weights.sum()), bins)
        return [
            Bin(float(probability / size), float(won / size), int(size))
            for size, probability, won in zip(np.diff(ends, prepend=0), *self._parts(weights, ends), strict=True)
        ]

    def _runs(self, values: Probabilities) -> Probabilities:
        """Sum over each run of equal probabilities."""
        return values if len(self.starts) == values.shape[1] else np.add.reduceat(values, self.starts, axis=1)

    def _average_precisions(self, weights: Probabilities) -> Probabilities:
        won = self._runs(weights * self.labels)[:, ::-1]
        every = self._runs(weights)[:, ::-1].cumsum(axis=1)
        precision = np.divide(won.cumsum(axis=1), every, out=np.zeros_like(every), where=every > 0)
        return np.asarray((won * precision).sum(axis=1) / won.sum(axis=1))

    def lifts(self, weights: Probabilities, share: float) -> Probabilities:
        """Return the rate among the top ``share`` over the rate among all."""
        every = self._runs(weights)[:, ::-1].cumsum(axis=1)
        won = self._runs(weights * self.labels)[:, ::-1].cumsum(axis=1)
        lifts = []
        for above, caught in zip(every, won, strict=True):
            wanted = max(1, round(share * above[-1]))
            top = np.interp(wanted, np.append(0, above), np.append(0, caught))
            lifts.append(top / wanted / (caught[-1] / above[-1]))
        return np.array(lifts)

    def _calibration_error(self, weights: Probabilities) -> float:
        total = int(weights.sum())
        probability, won = self._parts(weights, _ends(total, BINS))
        return float(np.abs(probability - won).sum() / total)

    def _parts(self, weights: Probabilities, ends: Probabilities) -> tuple[Probabilities, Probabilities]:
        """Sum probabilities and winners between these ends, which are counts of examples."""
        row = weights[None, :]
        position = np.append(0, self._runs(row)[0].cumsum())
        found = []
        for values in (self.probabilities, self.labels):
            reached = np.append(0, self._runs(row * values)[0].cumsum())
            found.append(np.diff(np.interp(ends, position, reached), prepend=0))
        return found[0], found[1]


def rank(labels: Labels, probabilities: Probabilities) -> Ranked:
    """Rank examples by probability; any scores do where only the AUC is wanted."""
    order = np.argsort(probabilities, kind="stable")
    scores = np.asarray(probabilities, dtype=np.float64)[order]
    starts = np.flatnonzero(np.append(True, scores[1:] != scores[:-1]))
    return Ranked(order, np.asarray(labels, dtype=np.float64)[order], scores, starts)


def evaluate(labels: Labels, probabilities: Probabilities) -> Metrics:
    """Judge probabilities against labels (1 won, 0 not), both of one length. Needs both classes."""
    figures = rank(labels, probabilities).figures(np.ones((1, len(labels))))
    return Metrics(**{name: rounded(found[0]) for name, found in figures.items()}, examples=len(labels))


def reliability(labels: Labels, probabilities: Probabilities, bins: int = BINS) -> list[Bin]:
    """Return bins of equal count, lowest probabilities first; fewer than ``bins`` examples give fewer bins."""
    return rank(labels, probabilities).bins(np.ones(len(labels)), bins)


def lift(labels: Labels, probabilities: Probabilities, share: float) -> float:
    """Return the rate among the top ``share`` over the rate among all; equal probabilities count in proportion."""
    return float(rank(labels, probabilities).lifts(np.ones((1, len(labels))), share)[0])


def auc(labels: Labels, scores: Probabilities) -> float:
    """Return the area under the ROC curve; NaN with one class only."""
    return float(rank(labels, scores).aucs(np.ones((1, len(labels))))[0])


def log_losses(labels: Labels | Probabilities, probabilities: Probabilities) -> Probabilities:
    """Return each example's log loss, in the order given."""
    kept = np.clip(probabilities, _LEAST, 1 - _LEAST)
    return np.asarray(-np.log(np.where(labels > 0, kept, 1 - kept)))


def rounded(value: float) -> float:
    """Round as all stored figures are."""
    return round(float(value), _DIGITS)


def _ends(total: int, bins: int) -> Probabilities:
    """Where bins of ``total`` examples end: sizes differ by one at most, the larger first; none is empty."""
    sizes = np.full(bins, total // bins) + (np.arange(bins) < total % bins)
    return np.asarray(np.cumsum(sizes[sizes > 0]), dtype=np.float64)

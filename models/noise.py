"""How far a figure may be off because other leads might have been seen: standard errors that know of leads.

A lead is seen at several moments, so its rows aren't independent: what each row adds to a figure's error is summed by
lead before it is squared. Without repeated leads the errors of AUCs are exactly those of DeLong, DeLong and
Clarke-Pearson (Biometrics 44, 1988); with them, those of Obuchowski (Biometrics 53, 1997) up to small-sample factors.
They agree with a bootstrap by lead (a test compares them), need no seed, and take a sort where it takes thousands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from leadhouse.models.evaluate import Probabilities
from leadhouse.models.matrix import Integers
from leadhouse.models.split import Labels

LEVEL = 0.95
"""Of an interval, where nothing else is said."""
LEAST_PROBABILITY = 1e-9
"""What a probability of 0 counts as in a log loss: scores are rounded to nine digits."""
_DIGITS = 6


@dataclass(frozen=True)
class Interval:
    """A figure with its noise."""

    figure: float
    error: float
    """Its standard error."""
    low: float
    high: float


def interval(figure: float, error: float, level: float = LEVEL) -> Interval:
    """Return the normal interval around a figure that holds the true one with probability ``level``."""
    reach = float(norm.ppf(0.5 + level / 2)) * error
    return Interval(*(round(float(value), _DIGITS) for value in (figure, error, figure - reach, figure + reach)))


def auc_interval(labels: Labels, scores: Probabilities, leads: Integers, level: float = LEVEL) -> Interval:
    """Return the AUC. ``labels`` are 1 or 0 and hold both, at least two of each; ``leads`` tells leads apart."""
    figure, shares = _auc_shares(labels, scores)
    return interval(figure, _error(shares, leads), level)


def auc_gain(
    labels: Labels, mine: Probabilities, other: Probabilities, leads: Integers, level: float = LEVEL
) -> Interval:
    """Return how much higher the AUC of ``mine`` is than that of ``other`` on the same rows (a paired difference)."""
    (figure, shares), (than, their_shares) = _auc_shares(labels, mine), _auc_shares(labels, other)
    return interval(figure - than, _error(shares - their_shares, leads), level)


def log_loss_gain(
    labels: Labels, mine: Probabilities, other: Probabilities, leads: Integers, level: float = LEVEL
) -> Interval:
    """Return how much lower the log loss of ``mine`` is than that of ``other`` on the same rows; one class will do."""
    gains = log_losses(labels, other) - log_losses(labels, mine)
    figure = float(gains.mean())
    return interval(figure, _error((gains - figure) / len(gains), leads), level)


def log_losses(labels: Labels, probabilities: Probabilities) -> Probabilities:
    """Return each row's log loss, in nats."""
    kept = np.clip(probabilities, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
    return np.asarray(-np.log(np.where(labels > 0, kept, 1 - kept)), dtype=np.float64)


def hanley_mcneil(auc: float, won: float, lost: float) -> float:
    """Return the standard error of an AUC of which nothing is known but its figure and the sizes of both classes.

    Hanley and McNeil, Radiology 143 (1982), who take scores to be spread exponentially.
    """
    both_won, both_lost = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    square = auc * (1 - auc) + (won - 1) * (both_won - auc**2) + (lost - 1) * (both_lost - auc**2)
    return float(np.sqrt(max(square, 0.0) / (won * lost)))


def _auc_shares(labels: Labels, scores: Probabilities) -> tuple[float, Probabilities]:
    """Return the AUC and what each row adds to its error: how far its own share of pairs won is from the AUC."""
    won = labels > 0
    many_won, many_lost = int(won.sum()), int((~won).sum())
    ranks = rankdata(scores)
    below = np.empty(len(scores))
    below[won] = (ranks[won] - rankdata(scores[won])) / many_lost
    below[~won] = 1 - (ranks[~won] - rankdata(scores[~won])) / many_won
    figure = float(below[won].mean())
    weights = np.where(won, _weight(many_won), _weight(many_lost))
    return figure, (below - figure) * weights


def _weight(many: int) -> float:
    return float(1 / np.sqrt(many * (many - 1)))


def _error(shares: Probabilities, leads: Integers) -> float:
    by_lead = np.bincount(np.unique(leads, return_inverse=True)[1], weights=shares)
    return float(np.sqrt(np.square(by_lead).sum()))

"""How good probabilities are, on examples that they were not learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from leadhouse.models.split import Labels

Probabilities = npt.NDArray[np.float64]
BINS = 10
_DIGITS = 6


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


def evaluate(labels: Labels, probabilities: Probabilities) -> Metrics:
    """Judge probabilities against labels (1 won, 0 not), both of one length. Needs both classes."""
    bins = reliability(labels, probabilities)
    gap = sum(bin_.examples * abs(bin_.probability - bin_.rate) for bin_ in bins) / len(labels)
    return Metrics(
        auc=_rounded(roc_auc_score(labels, probabilities)),
        average_precision=_rounded(average_precision_score(labels, probabilities)),
        log_loss=_rounded(log_loss(labels, probabilities, labels=[0, 1])),
        brier=_rounded(brier_score_loss(labels, probabilities)),
        lift_at_10=_rounded(lift(labels, probabilities, 0.1)),
        calibration_error=_rounded(gap),
        base_rate=_rounded(float(labels.mean())),
        examples=len(labels),
    )


def reliability(labels: Labels, probabilities: Probabilities, bins: int = BINS) -> list[Bin]:
    """Return bins of equal count, lowest probabilities first; fewer than ``bins`` examples give fewer bins."""
    order = np.argsort(probabilities, kind="stable")
    return [
        Bin(float(probabilities[part].mean()), float(labels[part].mean()), len(part))
        for part in np.array_split(order, bins)
        if len(part)
    ]


def lift(labels: Labels, probabilities: Probabilities, share: float) -> float:
    """Return the rate among the top ``share`` over the rate among all; equal probabilities count in proportion."""
    rates = labels.astype(np.float64)  # float32 rounds visibly
    wanted = max(1, round(share * len(labels)))
    threshold = np.sort(probabilities)[-wanted]
    above, tied = probabilities > threshold, probabilities == threshold
    won = rates[above].sum() + rates[tied].mean() * (wanted - int(above.sum()))
    return float(won / wanted / rates.mean())


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS)

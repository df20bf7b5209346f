"""Whether a model keeps what its card promised, now that the outcomes of what it scored have come.

| figure | watch | failed |
|---|---|---|
| AUC | lower than promised, beyond noise | lower than promised by more than TOLERATED_AUC, beyond noise |
| calibration in the large | rate and mean probability differ, beyond noise and by a fifth | ... by a factor of two |
| skill | | a log loss above that of the base rate alone, beyond noise |
| base rate | differs from the card's, beyond noise and by a fifth | never: it is the world's figure, not the model's |

Beyond noise: outside a 95 % interval for watch, outside a 99 % interval for failed, since a model is looked at often
and a failure takes it back. AUC: DeLong's error by lead here (models/noise.py), Hanley and McNeil's for the card.
Calibration in the large: observed against expected, z = (won - sum p) / sqrt(sum p(1 - p)) (Cox, Biometrika 45, 1958;
Van Calster and others, BMC Medicine 17, 2019), where the rows of one lead are taken to win together. Base rates: two
proportions, pooled.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from leadhouse.models.evaluate import Metrics, Probabilities
from leadhouse.models.matrix import Integers
from leadhouse.models.noise import Interval, auc_interval, hanley_mcneil, interval, log_loss_gain
from leadhouse.models.split import Labels

HEALTHY, WATCH, FAILED, UNKNOWN = "healthy", "watch", "failed", "not enough data"
AUC, CALIBRATION, SKILL, BASE_RATE = "AUC", "calibration", "skill", "base rate"
TOLERATED_AUC = 0.02
"""How far an AUC may fall before a model fails."""
TOLERATED_RATIO, FAILED_RATIO = 1.2, 2.0
"""So for won leads over expected ones, or the other way round."""
MIN_CLASS = 10
"""Leads that must have won, and that must not have, before AUC and skill are judged."""
MIN_LEADS = 50
"""Leads whose outcomes must be known before anything is judged."""
_WATCHED, _FAILED = 0.95, 0.99
_WORST = (HEALTHY, UNKNOWN, WATCH, FAILED)


@dataclass(frozen=True)
class Finding:
    """One figure, with its 95 % interval, beside what was promised."""

    kind: str
    figure: float
    low: float
    high: float
    expected: float
    verdict: str
    words: str


@dataclass(frozen=True)
class Health:
    """The verdict on one model, which is that of its worst finding, and what it rests on."""

    verdict: str
    findings: tuple[Finding, ...]
    examples: int
    leads: int
    won: int

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return asdict(self)


def health(
    labels: Labels, probabilities: Probabilities, leads: Integers, promised: Metrics, promised_leads: int | None = None
) -> Health:
    """Judge a model on matured outcomes.

    ``labels`` (1 won within the horizon, 0 not), ``probabilities`` (as they were stored with the score) and ``leads``
    (any integers) are of one length and hold only scores whose horizon has passed. ``promised`` are the card's metrics;
    ``promised_leads`` tells how many leads its examples were of (by default as many).
    """
    many, won = len(np.unique(leads)), len(np.unique(leads[labels > 0]))
    lost = len(np.unique(leads[labels <= 0]))
    if many < MIN_LEADS:
        words = f"outcomes of {many:,} leads are known; {MIN_LEADS} are needed"
        finding = Finding(AUC, 0.0, 0.0, 1.0, promised.auc, UNKNOWN, words)
        return Health(UNKNOWN, (finding,), len(labels), many, won)
    before = promised.examples if promised_leads is None else promised_leads
    findings = (
        _auc(labels, probabilities, leads, promised, before, min(won, lost)),
        _calibration(labels, probabilities, leads),
        _skill(labels, probabilities, leads, min(won, lost)),
        _base_rate(labels, leads, promised, before),
    )
    worst = max((finding.verdict for finding in findings), key=_WORST.index)
    return Health(worst, findings, len(labels), many, won)


def _auc(
    labels: Labels, probabilities: Probabilities, leads: Integers, promised: Metrics, before: int, rarer: int
) -> Finding:
    if rarer < MIN_CLASS:
        return Finding(AUC, 0.0, 0.0, 1.0, promised.auc, UNKNOWN, _too_rare(rarer))
    found = auc_interval(labels, probabilities, leads)
    their_won = max(1.0, promised.base_rate * before)
    error = float(np.hypot(found.error, hanley_mcneil(promised.auc, their_won, max(1.0, before - their_won))))
    fall = promised.auc - found.figure
    if interval(fall, error, _FAILED).low > TOLERATED_AUC:
        verdict = FAILED
    else:
        verdict = WATCH if interval(fall, error, _WATCHED).low > 0 else HEALTHY
    words = f"AUC {found.figure:.3f} ({found.low:.3f} to {found.high:.3f}); its card says {promised.auc:.3f}"
    return _finding(AUC, found, promised.auc, verdict, words)


def _calibration(labels: Labels, probabilities: Probabilities, leads: Integers) -> Finding:
    """Compare the leads that won with the sum of their probabilities."""
    won, expected = float(labels.sum()), float(probabilities.sum())
    spread = np.bincount(np.unique(leads, return_inverse=True)[1], np.sqrt(probabilities * (1 - probabilities)))
    error = float(np.sqrt(np.square(spread).sum()))
    ratio = _ratio(won, expected)
    verdict = _by_ratio(won - expected, error, ratio)
    if verdict == WATCH and ratio > FAILED_RATIO and _beyond(won - expected, error, _FAILED):
        verdict = FAILED
    rate, mean = won / len(labels), expected / len(labels)
    words = f"{rate:.1%} won where {mean:.1%} were expected: {won:,.0f} of {len(labels):,} against {expected:,.0f}"
    return _finding(CALIBRATION, interval(rate, error / len(labels)), mean, verdict, words)


def _skill(labels: Labels, probabilities: Probabilities, leads: Integers, rarer: int) -> Finding:
    """Compare log losses with that of one probability for all, the rate that was seen."""
    if rarer < MIN_CLASS:
        return Finding(SKILL, 0.0, 0.0, 0.0, 0.0, UNKNOWN, _too_rare(rarer))
    rate = np.full(len(labels), labels.mean(dtype=np.float64))
    gain = log_loss_gain(labels, probabilities, rate, leads)
    worse = interval(gain.figure, gain.error, _FAILED).high < 0
    words = f"a log loss {abs(gain.figure):.4f} {'above' if gain.figure < 0 else 'below'} that of the base rate alone"
    return _finding(SKILL, gain, 0.0, FAILED if worse else HEALTHY, words)


def _base_rate(labels: Labels, leads: Integers, promised: Metrics, before: int) -> Finding:
    rate, now = float(labels.mean(dtype=np.float64)), len(np.unique(leads))
    pooled = (rate * now + promised.base_rate * before) / (now + before)
    error = float(np.sqrt(pooled * (1 - pooled) * (1 / now + 1 / before)))
    verdict = _by_ratio(rate - promised.base_rate, error, _ratio(rate, promised.base_rate))
    words = f"{rate:.1%} won, {promised.base_rate:.1%} where the model was judged"
    own = interval(rate, float(np.sqrt(rate * (1 - rate) / now)))
    return _finding(BASE_RATE, own, promised.base_rate, verdict, words)


def _by_ratio(difference: float, error: float, ratio: float) -> str:
    return WATCH if ratio > TOLERATED_RATIO and _beyond(difference, error, _WATCHED) else HEALTHY


def _beyond(difference: float, error: float, level: float) -> bool:
    return abs(difference) > float(norm.ppf(0.5 + level / 2)) * error


def _ratio(one: float, other: float) -> float:
    """How many times the smaller the larger is."""
    least = min(one, other)
    return max(one, other) / least if least > 0 else float("inf")


def _too_rare(rarer: int) -> str:
    return f"{rarer:,} leads are of the rarer outcome; {MIN_CLASS} are needed"


def _finding(kind: str, found: Interval, expected: float, verdict: str, words: str) -> Finding:
    return Finding(kind, found.figure, found.low, found.high, round(float(expected), 6), verdict, words)

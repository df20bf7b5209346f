"""Whether a challenger may take the champion's place.

All are compared on the same rows, a window that none of them was trained on. "Not worse beyond noise" than the champion
is not enough: each challenger may be a little worse than the last, and no step shows. The rule of Dynamics 365 (publish
from 95 % of the active model's accuracy on) allows that in the open: twenty steps leave 36 %. So a challenger is
also held against a reference that stays as it is, and neither difference may exceed MOST_LOST however large the noise:
where a window is too small to tell, the champion stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from leadhouse.models.evaluate import BINS, Probabilities
from leadhouse.models.matrix import Integers
from leadhouse.models.noise import LEVEL, Interval, auc_gain, log_loss_gain, log_losses
from leadhouse.models.split import Labels

MOST_LOST = 0.02
"""AUC that a challenger may have less than champion or reference, if that is within noise."""
MOST_LOST_SHARE = 0.02
"""So for log losses: the share of the base rate's log loss that it may have more."""
MOST_MISCALIBRATED = 0.02
"""Expected calibration error that is allowed, or more where a perfect model would show more on so few rows."""
SLICE_AUC, SLICE_SHARE = 0.05, 0.1
"""A slice collapses where it loses more AUC, or more of the base rate's log loss, beyond noise."""
MIN_CLASS = 10
"""Leads that must have won, and that must not have, in the window and in a slice that is judged."""
_DRAWS = 200

Slices = Mapping[str, npt.NDArray[Any]]
"""Each slicing's name (``country``) with every row's value."""


@dataclass(frozen=True)
class Criterion:
    """One condition, with its evidence."""

    name: str
    passed: bool
    figure: float
    low: float
    high: float
    bound: float
    """What the figure may not go beyond, even where noise would allow it."""
    words: str


@dataclass(frozen=True)
class Judgement:
    """The decision, with everything that it rests on."""

    promoted: bool
    criteria: tuple[Criterion, ...]
    examples: int
    leads: int
    won: int
    better_than_reference: bool
    """Beyond noise in AUC or log loss, and worse in neither: it may become the next reference."""
    words: str

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class _Window:
    labels: Labels
    leads: Integers

    def part(self, rows: npt.NDArray[np.bool_]) -> _Window:
        return _Window(self.labels[rows], self.leads[rows])

    def base_rate(self) -> Probabilities:
        return np.full(len(self.labels), self.labels.mean(dtype=np.float64))

    def classes(self) -> tuple[int, int]:
        """How many leads won, and how many did not."""
        return len(np.unique(self.leads[self.labels > 0])), len(np.unique(self.leads[self.labels <= 0]))


def judge(
    challenger: Probabilities,
    champion: Probabilities | None,
    reference: Probabilities | None,
    labels: Labels,
    leads: Integers,
    slices: Slices | None = None,
    seed: int = 0,
    rival: str = "champion",
) -> Judgement:
    """Judge a challenger.

    The three models' calibrated probabilities, ``labels`` (1 won, 0 not) and ``leads`` (any integers) are of the same
    rows, which no model was trained on. ``champion`` and ``reference`` are None where there is none yet: then the base
    rate of the window takes their place. ``seed`` is of the draws that show how miscalibrated a perfect model looks;
    ``rival`` is what the evidence calls the champion.
    """
    window = _Window(labels, leads)
    won, lost = window.classes()
    if min(won, lost) < MIN_CLASS:
        words = f"{won:,} leads won and {lost:,} did not; {MIN_CLASS} of each are needed"
        short = Criterion("evidence", False, float(min(won, lost)), 0.0, 0.0, float(MIN_CLASS), words)
        return Judgement(False, (short,), len(labels), len(np.unique(leads)), won, False, f"refused: {words}")
    base_rate = window.base_rate()
    criteria = _better_than_base_rate(window, challenger)
    for name, other in ((rival, champion), ("reference", reference)):
        if other is not None:
            criteria += _not_worse(window, challenger, other, name)
    criteria.append(_calibrated(window, challenger, seed))
    criteria += _slices(window, challenger, base_rate if champion is None else champion, slices or {})
    failed = [criterion.words for criterion in criteria if not criterion.passed]
    evidence = criteria[0 if champion is None else 2]
    words = f"refused: {'; '.join(failed)}" if failed else f"promoted: {evidence.words}"
    better = is_better(labels, leads, challenger, base_rate if reference is None else reference)
    return Judgement(not failed, tuple(criteria), len(labels), len(np.unique(leads)), won, better, words)


def is_better(labels: Labels, leads: Integers, challenger: Probabilities, other: Probabilities) -> bool:
    """Whether a challenger is better than another, beyond noise in AUC or log loss, and worse in neither."""
    auc, loss = (gain(labels, challenger, other, leads) for gain in (auc_gain, log_loss_gain))
    return max(auc.low, loss.low) > 0 and min(auc.figure, loss.figure) >= 0


def calibration_error(labels: npt.NDArray[Any], probabilities: Probabilities) -> float:
    """Return the expected calibration error: the mean distance between probability and rate over ten equal bins."""
    order = np.argsort(probabilities, kind="stable")
    return _error_of_sorted(labels[order], probabilities[order])


def calibration_noise(probabilities: Probabilities, leads: Integers, seed: int, level: float = LEVEL) -> float:
    """Return the calibration error that a perfect model stays below with probability ``level`` on such rows.

    Outcomes are drawn from the probabilities themselves (consistency resampling: Bröcker and Smith, Weather and
    Forecasting 22, 2007); rows of one lead win together.
    """
    draw = np.random.default_rng(seed)
    order = np.argsort(probabilities, kind="stable")
    ids, place = np.unique(leads[order], return_inverse=True)
    ordered = probabilities[order]
    errors = [_error_of_sorted(draw.random(len(ids))[place] < ordered, ordered) for _ in range(_DRAWS)]
    return float(np.quantile(errors, level))


def _error_of_sorted(labels: npt.NDArray[Any], probabilities: Probabilities) -> float:
    gaps = labels - probabilities
    starts = np.linspace(0, len(gaps), min(BINS, len(gaps)), endpoint=False).round().astype(np.int64)
    return float(np.abs(np.add.reduceat(gaps, starts)).sum() / len(gaps))


def _better_than_base_rate(window: _Window, challenger: Probabilities) -> list[Criterion]:
    """Judge the order beyond noise, the log loss by its figure: on few leads its noise is far wider."""
    base_rate = window.base_rate()
    auc = auc_gain(window.labels, challenger, base_rate, window.leads)
    loss = log_loss_gain(window.labels, challenger, base_rate, window.leads)
    return [
        _criterion("AUC against the base rate", auc.low > 0, auc, 0.0, f"AUC {_signed(auc)} against the base rate"),
        _criterion(
            "log loss against the base rate",
            loss.figure > 0,
            loss,
            0.0,
            f"log loss gain {_signed(loss)} against the base rate",
        ),
    ]


def _not_worse(window: _Window, challenger: Probabilities, other: Probabilities, name: str) -> list[Criterion]:
    auc, loss = (gain(window.labels, challenger, other, window.leads) for gain in (auc_gain, log_loss_gain))
    most = MOST_LOST_SHARE * _entropy(window)
    return [
        _criterion(
            f"AUC against the {name}",
            auc.high >= 0 and auc.figure >= -MOST_LOST,
            auc,
            -MOST_LOST,
            f"AUC {_signed(auc)} against the {name}",
        ),
        _criterion(
            f"log loss against the {name}",
            loss.high >= 0 and loss.figure >= -most,
            loss,
            -most,
            f"log loss gain {_signed(loss)} against the {name}",
        ),
    ]


def _calibrated(window: _Window, challenger: Probabilities, seed: int) -> Criterion:
    found = calibration_error(window.labels, challenger)
    noise = calibration_noise(challenger, window.leads, seed)
    bound = max(MOST_MISCALIBRATED, noise)
    words = f"calibration error {found:.4f}, {bound:.4f} is allowed (a perfect model shows up to {noise:.4f})"
    return Criterion("calibration", found <= bound, round(found, 6), 0.0, round(noise, 6), round(bound, 6), words)


def _slices(window: _Window, challenger: Probabilities, other: Probabilities, slices: Slices) -> list[Criterion]:
    """Judge each slice that has enough leads of both outcomes; the intervals are wider the more slices there are."""
    parts = []
    for name, values in sorted(slices.items()):
        for value in np.unique(values):
            rows = values == value
            if min(window.part(rows).classes()) >= MIN_CLASS:
                parts.append((f"{name} {value}", rows))
    level = 1 - (1 - LEVEL) / (2 * len(parts)) if parts else LEVEL
    return [
        criterion
        for name, rows in parts
        for criterion in _slice(window.part(rows), challenger[rows], other[rows], name, level)
    ]


def _slice(
    window: _Window, challenger: Probabilities, other: Probabilities, name: str, level: float
) -> list[Criterion]:
    auc = auc_gain(window.labels, challenger, other, window.leads, level)
    loss = log_loss_gain(window.labels, challenger, other, window.leads, level)
    most = SLICE_SHARE * _entropy(window)
    return [
        _criterion(
            f"slice {name}: AUC",
            auc.high >= 0 or auc.figure >= -SLICE_AUC,
            auc,
            -SLICE_AUC,
            f"{name}: AUC {_signed(auc)}",
        ),
        _criterion(
            f"slice {name}: log loss",
            loss.high >= 0 or loss.figure >= -most,
            loss,
            -most,
            f"{name}: log loss gain {_signed(loss)}",
        ),
    ]


def _entropy(window: _Window) -> float:
    """The log loss of the base rate."""
    return float(log_losses(window.labels, window.base_rate()).mean())


def _criterion(name: str, passed: bool, found: Interval, bound: float, words: str) -> Criterion:
    return Criterion(name, bool(passed), found.figure, found.low, found.high, round(bound, 6), words)


def _signed(found: Interval) -> str:
    return f"{found.figure:+.4f} ({found.low:+.4f} to {found.high:+.4f})"

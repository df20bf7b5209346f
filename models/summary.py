"""A trained model in a few lines, for the person at the terminal."""

from __future__ import annotations

from leadhouse.models.bootstrap import Interval
from leadhouse.models.learn import Trained


def summary(version: str, trained: Trained) -> list[str]:
    """Return the lines that say how good a new version is, on what, and what is suspicious about it."""
    figures, card, evidence = trained.metrics, trained.model.card, trained.evidence
    won, lost = card["leads_won"], card["leads_lost"]
    flagged = [one for one in evidence.slices.slices if one.worse]
    beside = " · ".join(f"{one.name} {_short(one.auc)}" for one in evidence.baselines)
    notes = [
        f"trained {version}: AUC {_short(figures.auc)}{_within(evidence.intervals.get('auc'))} {trained.method} on "
        f"{figures.examples:,} examples ({won:,} of {won + lost:,} leads won)",
        f"on the same examples, AUC of: {beside}",
        f"average precision {_short(figures.average_precision)} · log loss {_short(figures.log_loss)} · "
        f"Brier {_short(figures.brier)} · lift at 10 % {figures.lift_at_10:.1f} · "
        f"calibration error {_short(figures.calibration_error)} ({card['calibration']})",
    ]
    if flagged:
        notes.append(f"worse than the base rate: {', '.join(f'{one.dimension} {one.level}' for one in flagged)}")
    notes += suspicions(trained)
    notes += [f"{name}: {count:,} infinite values count as missing" for name, count in sorted(trained.infinite.items())]
    if card["repeated"]:
        notes.append(f"{card['repeated']:,} examples left out: another speaks of the same lead at the same moment")
    return notes


def suspicions(trained: Trained) -> list[str]:
    """Return a line for each feature that is suspected of leakage: what was seen, and what to do."""
    return [f"suspected leakage: {one.feature} {one.words}; {one.advice}" for one in trained.suspects]


def _within(interval: Interval | None) -> str:
    return "" if interval is None else f" ({_short(interval.low)} to {_short(interval.high)})"


def _short(figure: float) -> str:
    return f"{figure:.3f}".removeprefix("0")

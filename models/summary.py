"""A trained model in a few lines, for the person at the terminal."""

from __future__ import annotations

from leadhouse.models.learn import Trained


def summary(version: str, trained: Trained) -> list[str]:
    """Return the lines that say how good a new version is, on what, and what is suspicious about it."""
    figures, card = trained.metrics, trained.model.card
    notes = [
        f"trained {version}: AUC {_short(figures.auc)} {trained.method} on {figures.examples:,} examples "
        f"({card['leads_won']:,} of {card['leads_won'] + card['leads_lost']:,} leads won); "
        f"logistic regression {_short(trained.baseline_auc)}",
        f"average precision {_short(figures.average_precision)} · log loss {_short(figures.log_loss)} · "
        f"Brier {_short(figures.brier)} · lift at 10 % {figures.lift_at_10:.1f} · "
        f"calibration error {_short(figures.calibration_error)} ({card['calibration']})",
    ]
    notes += [f"suspected leakage: {suspect.feature} {suspect.words}" for suspect in trained.suspects]
    notes += [f"{name}: {count:,} infinite values count as missing" for name, count in sorted(trained.infinite.items())]
    return notes


def _short(figure: float) -> str:
    return f"{figure:.3f}".removeprefix("0")

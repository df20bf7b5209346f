"""Plots are PNGs, the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from leadhouse.models import plots, plots_overall
from leadhouse.models.dependence import Dependence, Point
from leadhouse.models.matrix import CATEGORY, COUNT, Feature, FeatureSpec
from leadhouse.models.overall import Effect, Overall
from leadhouse.models.plots import calibration_png, importance_png, roc_png
from leadhouse.models.plots_overall import dependence_png, effects_png

LABELS = np.array([0, 1] * 20, np.float32)
CHANCES = np.linspace(0.1, 0.9, 40)
SPEC = FeatureSpec((Feature("count_7d", COUNT), Feature("trait:country", CATEGORY, ("DE", "US"))))
OVERALL = Overall(
    start=0.2,
    examples=40,
    effects=(Effect("count_7d", 0.08), Effect("trait:country", 0.011)),
    dependence=(
        Dependence("count_7d", (Point(0.0, 0.1), Point(4.0, 0.3))),
        Dependence("trait:country", (Point("DE", 0.2), Point("US", 0.25), Point(None, 0.15))),
    ),
)


def test_the_calibration_plot_shows_how_many_examples_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(plots, "png", lambda figure: drawn.append(figure) or b"")
    calibration_png(LABELS, CHANCES)
    above, below = drawn[0].axes
    assert above.get_title() == "Calibration: 10 bins of 4 examples"
    shown = [int(text.get_text()) for text in below.texts if text.get_text()]
    assert shown == [bar.get_height() for bar in below.patches if bar.get_height()]
    assert sum(shown) == len(CHANCES)


def test_each_plot_is_a_png_and_reproducible() -> None:
    first, again = (
        [
            roc_png(LABELS, CHANCES),
            calibration_png(LABELS, CHANCES),
            importance_png({"a": 0.6, "b": 0.4}),
            effects_png(OVERALL),
            dependence_png(OVERALL, SPEC),
        ]
        for _ in range(2)
    )
    assert all(picture.startswith(b"\x89PNG") for picture in first)
    assert first == again


def test_the_plots_of_effects_and_dependence_draw_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(plots_overall, "png", lambda figure: drawn.append(figure) or b"")
    effects_png(OVERALL)
    dependence_png(OVERALL, SPEC)
    (bars,), (number, levels, unused) = drawn[0].axes, drawn[1].axes
    assert [tick.get_text() for tick in bars.get_yticklabels()] == ["country", "signals in 7 days"]
    assert [bar.get_width() for bar in bars.patches] == pytest.approx([1.1, 8.0])
    assert number.get_title() == "signals in 7 days"
    assert number.lines[0].get_xydata().tolist() == [[0.0, 0.1], [4.0, 0.3]]
    assert [tick.get_text() for tick in levels.get_xticklabels()] == ["DE", "US", "not known"]
    assert levels.collections[-1].get_offsets().tolist() == [[0, 0.2], [1, 0.25], [2, 0.15]]  # type: ignore[attr-defined]
    assert not unused.axison


def test_a_model_that_nothing_moves_is_drawn_all_the_same() -> None:
    assert dependence_png(Overall(0.2, 40, (Effect("count_7d", 0.0),), ()), SPEC).startswith(b"\x89PNG")

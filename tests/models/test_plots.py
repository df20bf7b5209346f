"""Plots are PNGs, the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from leadhouse.models import plots
from leadhouse.models.plots import calibration_png, importance_png, roc_png

LABELS = np.array([0, 1] * 20, np.float32)
CHANCES = np.linspace(0.1, 0.9, 40)


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
        [roc_png(LABELS, CHANCES), calibration_png(LABELS, CHANCES), importance_png({"a": 0.6, "b": 0.4})]
        for _ in range(2)
    )
    assert all(picture.startswith(b"\x89PNG") for picture in first)
    assert first == again

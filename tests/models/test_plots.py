"""Plots are PNGs, the same every time."""

from __future__ import annotations

import numpy as np

from leadhouse.models.plots import calibration_png, importance_png, roc_png

LABELS = np.array([0, 1] * 20, np.float32)
CHANCES = np.linspace(0.1, 0.9, 40)


def test_each_plot_is_a_png_and_reproducible() -> None:
    first, again = (
        [roc_png(LABELS, CHANCES), calibration_png(LABELS, CHANCES), importance_png({"a": 0.6, "b": 0.4})]
        for _ in range(2)
    )
    assert all(picture.startswith(b"\x89PNG") for picture in first)
    assert first == again

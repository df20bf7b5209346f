"""The figures that a model is judged by."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from leadhouse.models.evaluate import evaluate, lift, reliability


def test_the_figures_are_scikit_learns() -> None:
    draw = np.random.default_rng(0)
    chance = draw.random(1000)
    labels = (draw.random(1000) < chance).astype(np.float32)
    found = evaluate(labels, chance)
    assert found.auc == pytest.approx(roc_auc_score(labels, chance), abs=1e-6)
    assert found.average_precision == pytest.approx(average_precision_score(labels, chance), abs=1e-6)
    assert found.log_loss == pytest.approx(log_loss(labels, chance), abs=1e-6)
    assert found.brier == pytest.approx(brier_score_loss(labels, chance), abs=1e-6)
    rate, mean = calibration_curve(labels, chance, n_bins=10, strategy="quantile")
    assert found.calibration_error == pytest.approx(np.abs(rate - mean).mean(), abs=1e-3)


def test_lift_compares_the_top_share_with_all() -> None:
    labels = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)
    assert lift(labels, np.linspace(1, 0, 10), 0.2) == 5


def test_equal_probabilities_have_no_lift_whatever_the_order_of_rows() -> None:
    labels = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)
    assert lift(labels, np.full(10, 0.3), 0.1) == pytest.approx(1)


def test_bins_count_every_example_once() -> None:
    bins = reliability(np.zeros(23, np.float32), np.linspace(0, 1, 23))
    assert (len(bins), sum(bin_.examples for bin_ in bins)) == (10, 23)

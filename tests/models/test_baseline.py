"""What a model must beat, against the same by hand."""

from __future__ import annotations

import numpy as np

from leadhouse.models.baseline import BASE_RATE, LOGISTIC, baselines, recency_rates
from leadhouse.models.matrix import CATEGORY, NUMBER, Feature, FeatureSpec


def test_recency_is_the_rate_of_those_as_recent_and_never_is_its_own() -> None:
    days = np.array([0] * 4 + [1] * 96 + [9] * 100 + [np.nan] * 50 + [1, 9, np.nan], np.float32)
    labels = np.array([1] * 60 + [0] * 40 + [1] * 10 + [0] * 90 + [0] * 50 + [1, 1, 1], np.float32)
    train, test = np.arange(250), np.arange(250, 253)
    rate = 70 / 250
    expected = [(56 + 10 * rate) / 106, (10 + 10 * rate) / 110, 10 * rate / 60]
    np.testing.assert_allclose(recency_rates(days, labels, train, test), expected)


def test_without_any_signal_recency_is_the_base_rate() -> None:
    labels = np.array([1, 0, 0, 0, 0], np.float32)
    found = recency_rates(np.full(5, np.nan, np.float32), labels, np.arange(4), np.array([4]))
    np.testing.assert_allclose(found, 0.25)


def test_recency_is_left_out_where_no_feature_says_it() -> None:
    spec = FeatureSpec((Feature("trait:a", CATEGORY, ("x", "y")), Feature("trait:b", NUMBER)))
    draw = np.random.default_rng(0)
    matrix = np.stack([draw.integers(0, 2, 100), draw.random(100)], axis=1).astype(np.float32)
    labels = (draw.random(100) < 0.4).astype(np.float32)
    found = baselines(matrix, labels, spec, np.arange(80), np.arange(80, 100))
    assert set(found) == {BASE_RATE, LOGISTIC}
    assert ((found[LOGISTIC] > 0) & (found[LOGISTIC] < 1)).all()

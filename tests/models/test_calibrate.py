"""Calibrated probabilities mean what they say and keep the order of leads."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from leadhouse.models.calibrate import (
    PLATT,
    Calibration,
    calibrate,
    fit_isotonic,
    fit_platt,
    fit_venn_abers,
)
from leadhouse.models.interval import fit_interval


def crooked(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Log odds that are wrong in a way that no straight line mends."""
    draw = np.random.default_rng(seed)
    log_odds = draw.normal(0, 2, count)
    return log_odds, (draw.random(count) < 0.05 + 0.5 * (log_odds > 0.5)).astype(np.float32)


def test_platt_is_logistic_regression() -> None:
    log_odds, labels = crooked(500)
    expected = LogisticRegression(C=np.inf).fit(log_odds[:, None], labels).predict_proba(log_odds[:, None])[:, 1]
    np.testing.assert_allclose(fit_platt(log_odds, labels).apply(log_odds), expected, atol=1e-4)


def test_isotonic_is_scikit_learns_up_to_the_steps() -> None:
    log_odds, labels = crooked(50_000)
    expected = IsotonicRegression(out_of_bounds="clip").fit(log_odds, labels).predict(log_odds)
    assert np.abs(fit_isotonic(log_odds, labels).apply(log_odds) - expected).mean() < 0.01


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # it divides 0 by 0
def test_venn_abers_is_the_packages_up_to_the_steps() -> None:
    log_odds, labels = crooked(50_000)
    with np.errstate():  # the import sets numpy's error state for good
        from venn_abers import VennAbers
    theirs = VennAbers()
    theirs.fit(expit(np.column_stack([-log_odds, log_odds])), labels)
    expected = theirs.predict_proba(expit(np.column_stack([-log_odds, log_odds])))[0][:, 1]
    assert np.abs(fit_venn_abers(log_odds, labels).apply(log_odds) - expected).mean() < 0.01


@pytest.mark.parametrize("fit", [fit_platt, fit_isotonic, fit_venn_abers])
def test_no_two_leads_are_made_equal_or_change_places(fit: object) -> None:
    curve = fit(*crooked(5000))  # type: ignore[operator]
    probabilities = curve.apply(np.linspace(-8, 8, 1000))
    assert (np.diff(probabilities) > 0).all()
    assert 0 < probabilities.min() < probabilities.max() < 1


def test_few_examples_get_a_straight_line_and_crooked_ones_a_bent_one() -> None:
    few, many = crooked(900), crooked(20_000)
    assert calibrate(*few, np.arange(900), seed=0).kind == PLATT
    assert calibrate(*many, np.arange(20_000), seed=0).kind != PLATT


def test_the_kind_with_the_least_loss_on_held_out_leads_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A curve that knows its own examples by heart is no better for that."""

    def by_heart(log_odds: np.ndarray, labels: np.ndarray) -> Calibration:
        order = np.argsort(log_odds)
        return Calibration("by heart", tuple(log_odds[order]), tuple(np.where(labels[order] > 0, 9.0, -9.0)))

    for known in (fit_platt, fit_isotonic, fit_venn_abers):
        fits = {"by heart": by_heart, "known": known}
        monkeypatch.setattr("leadhouse.models.calibrate._FITS", fits)
        assert calibrate(*crooked(5000), np.arange(5000), seed=0).kind != "by heart"


def test_scores_that_know_nothing_are_calibrated_to_the_base_rate() -> None:
    log_odds = np.linspace(-3, 3, 400)
    labels = (log_odds < -1).astype(np.float32)  # worse than nothing: upside down
    assert fit_platt(log_odds, labels).apply(log_odds) == pytest.approx(labels.mean(), abs=0.02)


def test_a_curve_survives_json() -> None:
    log_odds, labels = crooked(2000)
    bare = fit_isotonic(log_odds, labels)
    with_doubt = replace(bare, doubt=fit_interval(log_odds, labels, np.arange(2000), seed=0))
    for curve in (bare, with_doubt):
        text = json.dumps(curve.to_json())
        assert Calibration.from_json(json.loads(text)) == curve
        assert len(text) < 20_000
    assert bare.interval(log_odds) is None
    assert set(bare.to_json()) == {"kind", "x", "y"}  # as before there were intervals


def test_a_calibrated_probability_is_the_rate() -> None:
    draw = np.random.default_rng(1)
    true = draw.normal(-1, 1.5, 100_000)
    labels = (draw.random(100_000) < expit(true)).astype(np.float32)
    found = calibrate(3 * true + 2, labels, np.arange(100_000), seed=0).apply(3 * true + 2)
    assert np.abs(found - expit(true)).mean() < 0.01

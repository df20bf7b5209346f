"""An interval holds the truth of many leads together, and is as wide as the evidence is thin."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from leadhouse.models.calibrate import Calibration, calibrate, fit_isotonic, fit_platt, fit_venn_abers
from leadhouse.models.evaluate import evaluate
from leadhouse.models.interval import Interval, fit_interval
from leadhouse.models.venn_abers import MAX_BINS, venn_abers


def scored(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log odds of a model that knows part of the truth and overstates it, labels, and the true propensities."""
    draw = np.random.default_rng(seed)
    known, unknown = draw.normal(-2.2, 1.2, count), draw.normal(0, 0.5, count)
    chance = expit(known + unknown)
    return 1.7 * known + 0.5, (draw.random(count) < chance).astype(np.float32), chance


def fitted(count: int, seed: int) -> Calibration:
    log_odds, labels, _ = scored(count, seed)
    leads = np.arange(count)
    curve = calibrate(log_odds, labels, leads, seed=0)
    return Calibration(curve.kind, curve.x, curve.y, fit_interval(log_odds, labels, leads, seed=0))


def test_the_mean_interval_of_every_tenth_of_leads_holds_their_mean_propensity() -> None:
    curve = fitted(50_000, 0)
    log_odds, labels, chance = scored(50_000, 1)
    probability = curve.apply(log_odds)
    low, high = curve.interval(log_odds)  # type: ignore[misc]
    assert evaluate(labels, probability).calibration_error <= 0.02
    for tenth in np.array_split(np.argsort(log_odds), 10):
        assert low[tenth].mean() <= chance[tenth].mean() <= high[tenth].mean()
    assert (high - low).mean() < 0.05


def test_thin_evidence_gives_a_wide_interval_that_holds_most_tenths_all_the_same() -> None:
    log_odds, _, chance = scored(50_000, 1)
    tenths = np.array_split(np.argsort(log_odds), 10)
    held, widths = [], []
    for seed in range(10):
        low, high = fitted(400, seed).interval(log_odds)  # type: ignore[misc]
        held += [low[tenth].mean() <= chance[tenth].mean() <= high[tenth].mean() for tenth in tenths]
        widths.append((high - low).mean())
    assert np.mean(held) > 0.9
    assert np.mean(widths) > 0.1


@pytest.mark.parametrize("fit", [fit_platt, fit_isotonic, fit_venn_abers])
def test_whatever_the_curve_the_interval_holds_its_probability_and_the_pair_and_never_falls(fit: object) -> None:
    log_odds, labels, _ = scored(3000, 2)
    doubt = fit_interval(log_odds, labels, np.arange(3000), seed=0)
    curve = fit(log_odds, labels)  # type: ignore[operator]
    curve = Calibration(curve.kind, curve.x, curve.y, doubt)
    wide = np.linspace(-15, 15, 3001)
    low, high = curve.interval(wide)
    probability = curve.apply(wide)
    assert ((low <= probability) & (probability <= high)).all()
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) >= 0).all()
    assert low.min() >= 0
    assert high.max() <= 1
    pair = venn_abers(log_odds, labels)
    low, high = curve.interval(pair.x)
    assert (low <= pair.p0 + 1e-9).all()
    assert (high >= pair.p1 - 1e-9).all()
    assert len(doubt.x) <= MAX_BINS
    assert (np.diff(doubt.x) > 0).all()


def test_examples_of_one_lead_count_as_one_lead() -> None:
    log_odds, labels, _ = scored(1000, 3)
    once = fit_interval(log_odds, labels, np.arange(1000), seed=0)
    many = [np.tile(part, 20) for part in (log_odds, labels, np.arange(1000))]
    as_leads = fit_interval(many[0], many[1], many[2], seed=0)
    as_if_others = fit_interval(many[0], many[1], np.arange(20_000), seed=0)

    def width(found: Interval) -> float:
        low, high = found.around(log_odds, np.interp(log_odds, found.x, found.low))
        return float((high - low).mean())

    assert width(as_leads) == pytest.approx(width(once), rel=0.15)
    assert width(as_if_others) < 0.5 * width(once)


def test_the_order_of_rows_changes_nothing() -> None:
    log_odds, labels, _ = scored(2000, 4)
    leads = np.arange(2000) // 2
    order = np.random.default_rng(0).permutation(2000)
    assert fit_interval(log_odds[order], labels[order], leads[order], 0) == fit_interval(log_odds, labels, leads, 0)


def test_it_is_stretched_to_the_probability_where_it_would_not_hold_it() -> None:
    doubt = Interval((0.0, 1.0), (0.4, 0.5), (0.6, 0.8))
    low, high = doubt.around(np.array([-1.0, 0.5, 1.0, 2.0]), np.array([0.3, 0.5, 0.5, 0.9]))
    np.testing.assert_allclose(low, [0.3, 0.45, 0.5, 0.5])
    np.testing.assert_allclose(high, [0.6, 0.7, 0.8, 0.9])


def test_where_all_had_one_outcome_one_more_lead_with_the_other_is_thought_of() -> None:
    scores = np.linspace(-3, 3, 100)
    found = fit_interval(scores, (scores > 0).astype(np.float32), np.arange(100), seed=0)
    assert found.high[0] == pytest.approx(1 / 51)  # 50 lost, and one that wins
    assert found.low[-1] == pytest.approx(50 / 51)


def test_one_score_for_all_gives_one_point() -> None:
    labels = np.array([1, 0, 0, 0] * 25, np.float32)
    found = fit_interval(np.full(100, -1.0), labels, np.arange(100), seed=0)
    assert len(found.x) == 1
    assert found.low[0] < 0.25 < found.high[0]

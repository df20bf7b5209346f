"""Intervals: leads drawn anew, by hand and by ours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from leadhouse.models.bootstrap import DRAWS, Interval, auc_draws, draws_for, interval_of, intervals
from leadhouse.models.evaluate import auc, evaluate, lift, rank, reliability
from leadhouse.models.split import Labels

Sample = tuple[Labels, npt.NDArray[np.float64], npt.NDArray[np.int64]]


def sample(size: int, seed: int = 0, per_lead: int = 2) -> Sample:
    """Calibrated probabilities, some equal, several examples a lead."""
    draw = np.random.default_rng(seed)
    chance = draw.integers(1, 20, size) / 20
    return (draw.random(size) < chance).astype(np.float32), chance, draw.integers(0, size // per_lead, size)


def error(labels: Labels, chance: npt.NDArray[np.float64]) -> float:
    bins = reliability(labels, chance)
    return sum(one.examples * abs(one.probability - one.rate) for one in bins) / len(labels)


def test_the_intervals_are_those_of_leads_drawn_by_hand() -> None:
    labels, chance, leads = sample(80)
    found = intervals(labels, chance, leads, seed=7)
    draw, ids = np.random.default_rng(7), np.unique(leads)
    figures = []
    for _ in range(DRAWS):
        taken = ids[draw.integers(len(ids), size=len(ids))]
        rows = np.concatenate([np.flatnonzero(leads == lead) for lead in taken])
        y, p = labels[rows], chance[rows]
        precision = average_precision_score(y, p)
        figures.append(
            (roc_auc_score(y, p), precision, log_loss(y, p), brier_score_loss(y, p), lift(y, p, 0.1), y.mean())
        )
    low, high = np.quantile(figures, [0.025, 0.975], axis=0)
    names = ("auc", "average_precision", "log_loss", "brier", "lift_at_10", "base_rate")
    np.testing.assert_allclose([found[name].low for name in names], low, atol=2e-6)
    np.testing.assert_allclose([found[name].high for name in names], high, atol=2e-6)


def test_weighted_figures_are_those_of_the_examples_written_out() -> None:
    labels, chance, _ = sample(60)
    weights = np.random.default_rng(1).integers(0, 4, 60).astype(float)
    ranked = rank(labels, chance)
    found = ranked.figures(weights[None, ranked.order])
    written = np.repeat(np.arange(60), weights.astype(int))
    y, p = labels[written], chance[written]
    assert found["auc"][0] == pytest.approx(roc_auc_score(labels, chance, sample_weight=weights))
    precision = average_precision_score(labels, chance, sample_weight=weights)
    assert found["average_precision"][0] == pytest.approx(precision)
    assert found["lift_at_10"][0] == pytest.approx(lift(y, p, 0.1))
    assert found["calibration_error"][0] == pytest.approx(error(y, p))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 3))
def test_the_order_of_examples_changes_nothing(seed: int, sort: int) -> None:
    labels, chance, leads = sample(60, seed)
    order = np.random.default_rng(seed + 1).permutation(60) if sort else np.argsort(-leads, kind="stable")
    moved = labels[order], chance[order]
    assert evaluate(*moved) == evaluate(labels, chance)
    assert intervals(*moved, leads[order], 3) == intervals(labels, chance, leads, 3)
    for one, other in zip(reliability(*moved), reliability(labels, chance), strict=True):
        assert (one.probability, one.rate, one.examples) == pytest.approx(
            (other.probability, other.rate, other.examples), abs=1e-9
        )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_with_many_leads_the_interval_holds_the_figure(seed: int) -> None:
    labels, chance, leads = sample(3000, seed)
    figures = evaluate(labels, chance)
    for name, one in intervals(labels, chance, leads, seed).items():
        assert one.low <= getattr(figures, name) <= one.high


def test_examples_of_one_lead_are_no_more_evidence_than_one() -> None:
    labels, chance, _ = sample(200)
    alone = intervals(labels, chance, np.arange(200), 0)["auc"]
    many = np.tile(labels, 5), np.tile(chance, 5)
    assert intervals(*many, np.tile(np.arange(200), 5), 0)["auc"] == alone
    apart = intervals(*many, np.arange(1000), 0)["auc"]
    assert apart.high - apart.low < 0.6 * (alone.high - alone.low)


def test_the_true_figure_is_inside_about_as_often_as_promised() -> None:
    truth = auc(*sample(400_000, seed=99)[:2])
    inside = 0
    for seed in range(100):
        labels, chance, leads = sample(300, seed)
        one = interval_of(auc_draws(labels, [chance], leads, seed)[0])
        assert one is not None
        inside += one.low <= truth <= one.high
    assert 88 <= inside <= 100


def test_draws_are_the_same_for_all_scores_so_that_differences_are_paired() -> None:
    labels, chance, leads = sample(300)
    first, same, noise = auc_draws(labels, [chance, chance**3, np.zeros(300)], leads, 0)
    np.testing.assert_array_equal(first, same)
    np.testing.assert_array_equal(noise, 0.5)


def test_one_class_only_has_no_interval() -> None:
    labels = np.zeros(30, np.float32)
    labels[3] = 1
    found = intervals(labels, np.linspace(0.1, 0.9, 30), np.arange(30), 0)
    assert "base_rate" in found
    assert interval_of(np.array([np.nan, np.nan, 0.5])) is None
    assert interval_of(np.array([0.5, 0.5, np.nan])) == Interval(0.5, 0.5)


def test_many_examples_are_drawn_less_often() -> None:
    assert [draws_for(size) for size in (1, 200_000, 400_000, 10_000_000)] == [200, 200, 100, 50]

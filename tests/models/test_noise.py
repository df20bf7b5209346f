"""Errors of AUCs and log losses, held against a bootstrap by lead and against their coverage."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from leadhouse.models.noise import auc_gain, auc_interval, hanley_mcneil, log_loss_gain
from tests.models.streams import scored


def test_errors_are_those_of_a_bootstrap_by_lead() -> None:
    labels, (mine, other), _ = scored(400, 0, [0.5, 1.5])
    leads = np.repeat(np.arange(400), 3)  # each lead at three moments, with scores that differ a little
    draw = np.random.default_rng(1)
    labels = np.repeat(labels, 3)
    mine, other = (np.clip(np.repeat(p, 3) + draw.normal(0, 0.01, 1200), 0.001, 0.999) for p in (mine, other))
    again: list[tuple[float, float, float]] = []
    for _ in range(200):
        rows = (draw.integers(0, 400, 400)[:, None] * 3 + np.arange(3)).ravel()
        y, a, b = labels[rows], mine[rows], other[rows]
        auc = roc_auc_score(y, a)
        again.append((auc, auc - roc_auc_score(y, b), log_loss(y, b) - log_loss(y, a)))
    spread = np.std(again, axis=0)
    found = (
        auc_interval(labels, mine, leads),
        auc_gain(labels, mine, other, leads),
        log_loss_gain(labels, mine, other, leads),
    )
    assert [one.error for one in found] == pytest.approx(spread, rel=0.15)
    assert found[0].figure == pytest.approx(roc_auc_score(labels, mine), abs=1e-6)
    assert found[1].figure == pytest.approx(found[0].figure - roc_auc_score(labels, other), abs=2e-6)
    assert found[2].figure == pytest.approx(log_loss(labels, other) - log_loss(labels, mine), abs=1e-5)


def test_the_error_is_delongs_where_no_lead_is_repeated() -> None:
    labels = np.array([1, 1, 1, 0, 0, 0, 0], np.float32)
    scores = np.array([0.9, 0.5, 0.4, 0.5, 0.3, 0.2, 0.1])
    wins = (scores[:3, None] > scores[None, 3:]) + 0.5 * (scores[:3, None] == scores[None, 3:])
    variance = wins.mean(axis=1).var(ddof=1) / 3 + wins.mean(axis=0).var(ddof=1) / 4
    found = auc_interval(labels, scores, np.arange(7))
    assert (found.figure, found.error) == pytest.approx((wins.mean(), np.sqrt(variance)), abs=1e-6)


def test_an_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    # Two models that see equally much: the true difference is 0.
    held = 0
    for seed in range(200):
        labels, (mine, other), _ = scored(600, seed, [1.0, 1.0])
        gain = auc_gain(labels, mine, other, np.arange(600))
        held += gain.low <= 0 <= gain.high
    assert 0.92 <= held / 200 <= 0.98


def test_a_model_is_not_better_than_itself() -> None:
    labels, (mine,), _ = scored(500, 0, [1.0])
    gain = auc_gain(labels, mine, mine, np.arange(500))
    assert (gain.figure, gain.error) == (0, 0)


def test_hanley_and_mcneil_come_near_delong() -> None:
    labels, (mine,), _ = scored(2000, 0, [1.0])
    found = auc_interval(labels, mine, np.arange(2000))
    won = float(labels.sum())
    assert hanley_mcneil(found.figure, won, 2000 - won) == pytest.approx(found.error, rel=0.2)


def test_a_zero_that_was_wrong_does_not_cost_infinitely_much() -> None:
    gain = log_loss_gain(np.array([1, 0], np.float32), np.array([0.0, 0.0]), np.array([0.5, 0.5]), np.arange(2))
    assert -100 < gain.figure < 0

"""Verdicts on matured outcomes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from leadhouse.models.evaluate import Metrics, evaluate
from leadhouse.models.health import (
    AUC,
    BASE_RATE,
    CALIBRATION,
    FAILED,
    HEALTHY,
    SKILL,
    UNKNOWN,
    WATCH,
    Health,
    health,
)
from tests.models.streams import scored


def promised(noise: float = 0.75) -> Metrics:
    labels, (said,), _ = scored(6000, 999, [noise])
    return evaluate(labels, said)


def verdicts(found: Health) -> dict[str, str]:
    return {one.kind: one.verdict for one in found.findings}


def test_a_model_that_keeps_its_promise_never_fails_and_is_seldom_watched() -> None:
    found, promise = [], promised()
    for seed in range(200):
        labels, (said,), _ = scored(1500, seed, [0.75])
        found.append(health(labels, said, np.arange(1500), promise).verdict)
    assert found.count(FAILED) == 0
    assert found.count(WATCH) <= 20


@pytest.mark.parametrize("seed", range(5))
def test_a_model_that_ranks_worse_than_promised_fails(seed: int) -> None:
    labels, (said,), _ = scored(5000, seed, [2.0])  # AUC .69, calibrated all the same
    found = verdicts(health(labels, said, np.arange(5000), promised()))
    assert found == {AUC: FAILED, CALIBRATION: HEALTHY, SKILL: HEALTHY, BASE_RATE: HEALTHY}


def test_the_same_fall_seen_on_few_leads_is_no_failure() -> None:
    labels, (said,), _ = scored(120, 3, [1.25])
    assert health(labels, said, np.arange(120), promised()).verdict in (HEALTHY, WATCH)


def test_a_fall_too_small_to_matter_is_watched_however_sure_it_is() -> None:
    labels, (said,), _ = scored(200_000, 0, [0.9])
    sure = replace(promised(), auc=evaluate(labels, said).auc + 0.01, examples=10_000_000)
    assert verdicts(health(labels, said, np.arange(200_000), sure))[AUC] == WATCH


@pytest.mark.parametrize("seed", range(3))
def test_a_base_rate_three_times_as_high_shows_in_the_calibration_and_not_in_the_auc(seed: int) -> None:
    promise = replace(promised(), base_rate=0.0775)
    labels, _, (seen,) = scored(1000, seed, [0.75], rate_log_odds=-1.7)
    said = expit(0.8 * seen - 3.1)  # for a base rate of .077; now .23 win
    found = verdicts(health(labels, said, np.arange(1000), promise))
    assert (found[CALIBRATION], found[BASE_RATE], found[AUC]) == (FAILED, WATCH, HEALTHY)


def test_a_model_that_says_less_than_the_base_rate_fails() -> None:
    labels, (said,), _ = scored(3000, 0, [0.75])
    turned = expit(-(logit(said) - logit(0.18)) + logit(0.18))
    assert verdicts(health(labels, turned, np.arange(3000), promised()))[SKILL] == FAILED


def test_seeing_each_lead_ten_times_makes_nothing_surer() -> None:
    labels, (said,), _ = scored(300, 5, [1.25])
    once = health(labels, said, np.arange(300), promised())
    often = health(np.repeat(labels, 10), np.repeat(said, 10), np.repeat(np.arange(300), 10), promised())
    for one, other in zip(once.findings, often.findings, strict=True):
        assert one.verdict == other.verdict
        assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.02)


def test_too_few_outcomes_are_no_verdict_and_none_won_of_many_is_one() -> None:
    assert health(np.ones(49, np.float32), np.full(49, 0.2), np.arange(49), promised()).verdict == UNKNOWN
    quiet = health(np.zeros(60, np.float32), np.full(60, 0.01), np.arange(60), replace(promised(), base_rate=0.01))
    assert (verdicts(quiet)[AUC], quiet.verdict) == (UNKNOWN, UNKNOWN)
    none = health(np.zeros(1000, np.float32), np.full(1000, 0.2), np.arange(1000), promised())
    assert (verdicts(none)[CALIBRATION], none.verdict) == (FAILED, FAILED)


def test_the_evidence_is_json() -> None:
    labels, (said,), _ = scored(300, 0, [0.75])
    found = health(labels, said, np.arange(300), promised())
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["verdict"] == found.verdict

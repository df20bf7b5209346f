"""Who may take the champion's place."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from leadhouse.models.evaluate import evaluate
from leadhouse.models.promotion import Judgement, calibration_error, calibration_noise, judge
from tests.models.streams import scored

LEADS = np.arange(4000)
STEP = 0.1
"""Noise that each generation adds: the AUC falls by about .008."""


def failed(found: Judgement) -> list[str]:
    return [criterion.name for criterion in found.criteria if not criterion.passed]


def auc_after(promoted: Callable[..., bool], seed: int) -> float:
    """Try twenty challengers in a row, each a little worse than the champion of its day; return the last one's AUC."""
    frozen = champion = 0.5
    for generation in range(20):
        labels, (new, old, first), _ = scored(4000, 1000 * seed + generation, [champion + STEP, champion, frozen])
        if promoted(new, old, first, labels):
            champion += STEP
    labels, (said,), _ = scored(100_000, 1, [champion])
    return float(roc_auc_score(labels, said))


@pytest.mark.parametrize("seed", range(3))
def test_twenty_slightly_worse_challengers_cannot_ratchet_down(seed: int) -> None:
    start = auc_after(lambda *_: False, seed)
    ours = auc_after(lambda new, old, first, labels: judge(new, old, first, labels, LEADS).promoted, seed)
    assert ours > start - 0.02


def test_without_a_reference_they_would() -> None:
    start = auc_after(lambda *_: False, 0)
    blind = auc_after(lambda new, old, _, labels: judge(new, old, None, labels, LEADS).promoted, 0)
    assert blind < start - 0.05
    by_share = auc_after(lambda new, old, _, y: roc_auc_score(y, new) >= 0.95 * roc_auc_score(y, old), 0)
    assert by_share < start - 0.1


def test_an_equal_challenger_is_promoted() -> None:
    found = []
    for seed in range(60):
        labels, (new, old, first), _ = scored(4000, seed, [1.0, 1.0, 1.0])
        found.append(judge(new, old, first, labels, LEADS).promoted)
    assert sum(found) >= 52
    labels, (same,), _ = scored(4000, 0, [1.0])
    assert judge(same, same, same, labels, LEADS).promoted


def test_a_better_challenger_is_promoted_and_may_be_the_next_reference() -> None:
    labels, (new, old), _ = scored(4000, 0, [0.5, 1.0])
    found = judge(new, old, old, labels, LEADS)
    assert (found.promoted, found.better_than_reference) == (True, True)
    assert not judge(old, old, old, labels, LEADS).better_than_reference
    assert found.words.startswith("promoted: AUC +0.0")


def test_one_that_is_better_on_average_with_a_collapsed_slice_is_refused() -> None:
    labels, (new, old), _ = scored(8000, 0, [0.3, 1.0])
    country = np.where(np.arange(8000) % 16 == 0, "FR", "DE")
    here = country == "FR"
    broken = new.copy()
    broken[here] = np.random.default_rng(0).permutation(new[here])
    found = judge(broken, old, old, labels, np.arange(8000), {"country": country})
    assert evaluate(labels, broken).auc > evaluate(labels, old).auc
    assert failed(found) == ["slice country FR: AUC", "slice country FR: log loss"]
    assert "FR: AUC -0." in found.words
    assert judge(broken, old, old, labels, np.arange(8000)).promoted
    assert judge(new, old, old, labels, np.arange(8000), {"country": country}).promoted


def test_a_slice_of_a_few_leads_decides_nothing() -> None:
    labels, (new, old), _ = scored(4000, 0, [0.5, 1.0])
    few = np.where(LEADS < 30, "few", "many")
    new = new.copy()
    new[:30] = new[:30][::-1]
    names = [criterion.name for criterion in judge(new, old, old, labels, LEADS, {"size": few}).criteria]
    assert [name for name in names if name.startswith("slice")] == ["slice size many: AUC", "slice size many: log loss"]


def test_one_that_ranks_as_well_but_is_miscalibrated_is_refused() -> None:
    labels, (new, old), _ = scored(4000, 0, [1.0, 1.0])
    found = judge(np.minimum(new * 1.6, 0.99), old, old, labels, LEADS)
    assert "calibration" in failed(found)


def test_noise_allows_for_a_calibration_error_on_few_leads_that_it_does_not_on_many() -> None:
    labels, (said,), _ = scored(300, 0, [1.0])
    assert calibration_error(labels, said) > 0.02
    assert "calibration" not in failed(judge(said, said, said, labels, np.arange(300)))
    assert calibration_error(labels, said) == pytest.approx(evaluate(labels, said).calibration_error, abs=1e-6)
    errors = []
    for seed in range(200):
        labels, (other,), _ = scored(300, seed, [1.0])
        errors.append(calibration_error(labels, other))
    # An oracle: what calibrated models really show.
    assert calibration_noise(said, np.arange(300), 0) == pytest.approx(np.quantile(errors, 0.95), rel=0.15)


def test_the_first_model_must_beat_the_base_rate() -> None:
    labels, (said,), _ = scored(600, 0, [1.0])
    assert judge(said, None, None, labels, np.arange(600)).promoted
    guess = np.random.default_rng(0).permutation(said)
    assert "AUC against the base rate" in failed(judge(guess, None, None, labels, np.arange(600)))
    constant = np.full(600, labels.mean())
    assert not judge(constant, None, None, labels, np.arange(600)).promoted


def test_where_the_window_is_too_small_to_tell_the_champion_stays() -> None:
    within_noise = 0
    for seed in range(20):
        labels, (new, old), _ = scored(200, seed, [1.25, 0.5])  # AUC .75 and .80
        found = judge(new, old, None, labels, np.arange(200))
        auc = next(criterion for criterion in found.criteria if criterion.name == "AUC against the champion")
        if auc.figure < -0.02:
            assert not found.promoted
            assert not auc.passed
            within_noise += auc.high >= 0
    assert within_noise > 0


def test_a_window_of_one_class_is_refused_with_a_reason() -> None:
    found = judge(np.full(50, 0.1), None, None, np.zeros(50, np.float32), np.arange(50))
    assert (found.promoted, found.words) == (False, "refused: 0 leads won and 50 did not; 10 of each are needed")


def test_the_evidence_is_json_and_the_same_every_time() -> None:
    labels, (new, old), _ = scored(4000, 0, [0.5, 1.0])
    slices = {"new": LEADS % 2 == 0}
    texts = {json.dumps(judge(new, old, old, labels, LEADS, slices).to_json(), allow_nan=False) for _ in range(2)}
    assert len(texts) == 1

"""What counts as drift, and what is noise."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2, chi2_contingency

from leadhouse.conf.errors import LeadhouseError
from leadhouse.models.drift import MEAN, MISSING, NEW, VALUES, Drift, drift, shift
from leadhouse.models.matrix import CATEGORY, Feature, FeatureSpec, encode
from leadhouse.models.reference import Counts, Reference, Tally, reference, tally
from tests.models.data import rows
from tests.models.streams import SPEC, Stream, stream


def known(leads: int = 8000, seed: int = 0) -> Reference:
    made = stream(leads, seed)
    return reference(made.rows, encode(made.rows, SPEC), made.labels, made.probabilities, SPEC)


def counted(reference: Reference, made: Stream) -> Tally:
    return tally(reference, made.rows, made.probabilities, SPEC)


def flags(reference: Reference, made: Stream) -> set[tuple[str, str]]:
    return {(one.kind, one.feature) for one in drift(reference, counted(reference, made)) if one.drifted}


@pytest.fixture(scope="module")
def usual() -> Reference:
    return known()


@pytest.mark.parametrize("seed", range(3))
def test_a_drifted_stream_is_flagged_within_two_batches_for_what_drifted(seed: int) -> None:
    reference = known(seed=seed)
    for batch in range(2):
        made = stream(1000, 100 + 10 * seed + batch, rate=3, shift=1, rename=True)
        found = flags(reference, made)
        assert {(VALUES, "days_since:type:t03"), (NEW, "trait:country"), (MEAN, "")} <= found


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"rate": 3}, (MEAN, "")),
        ({"shift": 0.5}, (VALUES, "days_since:type:t03")),
        ({"rename": True}, (NEW, "trait:country")),
        ({"gone": 0.3}, (MISSING, "days_since:type:t04")),
    ],
)
def test_each_kind_of_drift_is_flagged_by_itself(usual: Reference, change: dict[str, Any], flag: Any) -> None:
    for seed in range(3):
        assert flag in flags(usual, stream(1000, 200 + seed, **change))


@pytest.mark.parametrize(("seed", "leads"), [(0, 8000), (1, 8000), (2, 300)])
def test_a_stream_without_drift_raises_one_flag_in_fifty_batches_at_most(seed: int, leads: int) -> None:
    reference = known(leads, seed)
    found = [flags(reference, stream(1000, 1000 * (seed + 1) + batch)) for batch in range(50)]
    assert sum(len(some) for some in found) <= 1


def test_small_batches_without_drift_are_not_flagged_either(usual: Reference) -> None:
    made = [counted(usual, stream(leads, 5000 + batch)) for leads in (60, 100, 300) for batch in range(20)]
    found = [one for part in made for one in drift(usual, part)]
    assert sum(one.figure > 0.1 for one in found if one.kind == VALUES) > 200  # by chance alone
    assert sum(one.drifted for one in found) <= 2


def test_psi_and_distance_are_the_textbooks() -> None:
    before, now = np.array([4000, 3000, 2000, 1000]), np.array([300, 300, 200, 200])
    found = shift(Counts(tuple(before.tolist())), Counts(tuple(now.tolist())))
    p, q = before / before.sum(), now / now.sum()
    assert found.psi == pytest.approx(((q - p) * np.log(q / p)).sum(), rel=0.02)
    assert found.distance == pytest.approx(jensenshannon(p, q, base=2), rel=0.02)
    assert (found.bins, found.noise) == (4, pytest.approx(1 / 1000 + 1 / 10000))
    table = np.stack([before, now])
    assert found.g == pytest.approx(chi2_contingency(table, lambda_="log-likelihood").statistic, rel=0.01)


def test_without_drift_psi_over_its_noise_is_spread_as_chi_square() -> None:
    draw = np.random.default_rng(0)
    before, now = draw.multinomial(8000, [0.1] * 10, 4000), draw.multinomial(1000, [0.1] * 10, 4000)
    found = [shift(Counts(tuple(b.tolist())), Counts(tuple(n.tolist()))) for b, n in zip(before, now, strict=True)]
    ratios = np.array([one.psi / one.noise for one in found])
    assert ratios.mean() == pytest.approx(9, rel=0.03)  # the expected PSI is (bins - 1) (1/n + 1/m)
    for level in (0.1, 0.01):
        assert (ratios > chi2.isf(level, 9)).mean() == pytest.approx(level, rel=0.3)


def test_rows_of_few_leads_make_the_reference_less_sure() -> None:
    made = stream(4000, 0)
    matrix, leads = encode(made.rows, SPEC), np.arange(4000) % 100
    surer = reference(made.rows, matrix, made.labels, made.probabilities, SPEC)
    less = reference(made.rows, matrix, made.labels, made.probabilities, SPEC, leads)
    part = counted(surer, stream(1000, 1))
    threshold = {one.feature: one.threshold for one in drift(surer, part) if one.kind == VALUES}
    assert all(one.threshold > threshold[one.feature] for one in drift(less, part) if one.kind == VALUES)


def test_tallies_of_parts_add_up_to_that_of_the_whole(usual: Reference) -> None:
    made = stream(1000, 7, rename=True)
    parts = [
        tally(usual, made.rows.slice(start, size), made.probabilities[start : start + size], SPEC)
        for start, size in ((0, 300), (300, 700))
    ]
    whole, added = counted(usual, made), parts[0] + parts[1]
    assert added.total == pytest.approx(whole.total)
    assert (added.rows, added.features, added.scores) == (whole.rows, whole.features, whole.scores)


def test_a_reference_survives_json_and_stays_small_however_much_was_trained_on(usual: Reference) -> None:
    document = json.dumps(usual.to_json(), allow_nan=False)
    assert Reference.from_json(json.loads(document)) == usual
    assert len(json.dumps(known(40_000).to_json())) < 20_000


def counts_of(table: Any, spec: FeatureSpec) -> tuple[Reference, Counts]:
    matrix = encode(table, spec)
    made = reference(table, matrix, np.zeros(len(matrix), np.float32), np.full(len(matrix), 0.5), spec)
    return made, made.seen.features[0]


def test_a_new_level_is_not_a_missing_one() -> None:
    spec = FeatureSpec((Feature("trait:country", CATEGORY, ("DE", "FR")),))
    table = rows(
        ({}, {"trait:country": "DE"}), ({}, {"trait:country": "XX"}), ({}, {"trait:country": None}), ({}, None)
    )
    made, counts = counts_of(table, spec)
    assert made.features[0].levels == ("DE", "FR")
    assert counts == Counts((1, 0, 0), missing=2, new=1, new_levels=(("XX", 1),))


def test_a_value_that_is_the_same_for_all_who_have_it_moves_when_it_changes() -> None:
    spec = FeatureSpec((Feature("trait:size", "number"),))
    made, _ = counts_of(rows(*[({"trait:size": 5.0} if n % 2 else {}, {}) for n in range(400)]), spec)
    other = tally(
        made, rows(*[({"trait:size": 5.1} if n % 2 else {}, {}) for n in range(400)]), np.full(400, 0.5), spec
    )
    assert [one.kind for one in drift(made, other) if one.drifted] == [VALUES]


def test_a_rare_flag_has_bins_of_its_own() -> None:
    spec = FeatureSpec((Feature("trait:optin", "flag"),))
    _, counts = counts_of(rows(*[({"trait:optin": float(n == 0)}, {}) for n in range(50)]), spec)
    assert counts.bins == (49, 1)


def test_new_levels_are_named_where_enough_rows_share_them(usual: Reference) -> None:
    found = drift(usual, counted(usual, stream(1000, 8, rename=True)))
    words = next(one.words for one in found if one.kind == NEW and one.feature == "trait:country")
    assert "(Germany " in words
    lonely = FeatureSpec((Feature("trait:id", CATEGORY, ("a",)),))
    made, _ = counts_of(rows(*[({}, {"trait:id": "a"})] * 100), lonely)
    other = tally(made, rows(*[({}, {"trait:id": f"id{n}"}) for n in range(100)]), np.full(100, 0.5), lonely)
    new = next(one for one in drift(made, other) if one.kind == NEW)
    assert new.drifted
    assert "id1" not in new.words


def test_of_too_few_rows_nothing_is_said(usual: Reference) -> None:
    few: tuple[Drift, ...] = drift(usual, counted(usual, stream(49, 9, rename=True)))
    assert few == ()


def test_the_reference_of_another_model_is_refused(usual: Reference) -> None:
    made = stream(100, 0)
    with pytest.raises(LeadhouseError, match=r"days_since:type:t29 differs"):
        tally(usual, made.rows, made.probabilities, FeatureSpec(tuple(f for f in SPEC.features if "t29" not in f.name)))

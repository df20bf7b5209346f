"""From Arrow maps to XGBoost's matrix."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from leadhouse.models.feature_maps import number_columns
from leadhouse.models.learned import learn_spec
from leadhouse.models.matrix import CATEGORY, COUNT, FLAG, NUMBER, Feature, FeatureSpec, encode
from tests.models.data import rows

SPEC = FeatureSpec(
    (
        Feature("count_7d", COUNT),
        Feature("days_since", NUMBER),
        Feature("trait:country", CATEGORY, ("DE", "FR")),
        Feature("trait:optin", FLAG),
    )
)


def by_hand(numbers: dict[str, Any] | None, categories: dict[str, Any] | None) -> list[float]:
    """The rules, one value at a time."""
    line = []
    for feature in SPEC.features:
        if feature.kind == CATEGORY:
            value = (categories or {}).get(feature.name)
            line.append(float(feature.levels.index(value)) if value in feature.levels else math.nan)
            continue
        value = (numbers or {}).get(feature.name)
        if value is None or not abs(value) <= float(np.finfo(np.float32).max):
            value = 0.0 if feature.kind == COUNT else math.nan
        line.append(value)
    return line


def test_an_absent_count_is_zero_and_anything_else_absent_is_missing() -> None:
    found = encode(rows(({"count_7d": 3.0}, {"trait:country": "FR"}), ({"trait:optin": 1.0}, {})), SPEC)
    np.testing.assert_array_equal(found, [[3, np.nan, 1, np.nan], [0, np.nan, np.nan, 1]])


def test_an_unknown_level_and_an_unknown_feature_count_as_missing() -> None:
    found = encode(rows(({"invented": 1.0}, {"trait:country": "XX"})), SPEC)
    np.testing.assert_array_equal(found, [[0, np.nan, np.nan, np.nan]])


ENTRY = st.tuples(
    st.none() | st.dictionaries(
        st.sampled_from(["count_7d", "days_since", "trait:optin", "other"]),
        st.none() | st.floats(allow_nan=True, allow_infinity=True),
    ),
    st.none() | st.dictionaries(
        st.sampled_from(["trait:country", "other"]), st.none() | st.sampled_from(["DE", "FR", "é"])
    ),
)  # fmt: skip


@given(st.lists(ENTRY, max_size=6), st.integers(0, 6), st.integers(1, 3))
def test_the_matrix_is_what_the_rules_say_for_any_slice_and_chunking(entries: list[Any], start: int, size: int) -> None:
    table = rows(*entries)
    whole = [by_hand(*entry) for entry in entries]
    chunks = pa.concat_tables([table.slice(place, size) for place in range(0, len(entries), size)] or [table])
    np.testing.assert_array_equal(encode(chunks, SPEC), np.array(whole, np.float32).reshape(-1, 4))
    for batch in table.slice(start).to_batches():
        np.testing.assert_array_equal(encode(batch, SPEC), np.array(whole[start:], np.float32).reshape(-1, 4))


def test_a_specification_survives_json() -> None:
    assert FeatureSpec.from_json(SPEC.to_json()) == SPEC


def test_what_is_learned_are_kinds_levels_and_usual_values() -> None:
    some = [
        (
            {"count_7d": float(n % 3), "days_since": 1.5 * n, "trait:optin": float(n % 2)},
            {"trait:country": "DE" if n < 12 else "FR"},
        )
        for n in range(24)
    ]
    assert learn_spec(rows(*some)).spec == FeatureSpec(
        (
            Feature("count_7d", COUNT, (), 1.0),
            Feature("days_since", NUMBER, (), 17.25),
            Feature("trait:country", CATEGORY, ("DE", "FR"), "DE"),
            Feature("trait:optin", FLAG, (), 0.5),
        )
    )


def test_levels_that_few_leads_share_and_identifiers_are_not_learned() -> None:
    some = [({}, {"trait:country": "DE" if n < 15 else "rare", "trait:id": f"id{n}"}) for n in range(20)]
    learned = learn_spec(rows(*some))
    assert learned.spec.features[0].levels == ("DE",)
    assert learned.excluded == {"trait:id": "no value is shared by 10 leads"}


def test_ten_rows_of_one_lead_are_one_lead() -> None:
    some = [({"days_since": float(n)}, {}) for n in range(20)]
    assert learn_spec(rows(*some), np.zeros(20, np.int64)).excluded == {"days_since": "fewer than 10 leads have it"}


def test_a_level_is_as_frequent_as_its_leads_are_many() -> None:
    """DE is said in thirty rows of three leads, FR by twelve leads, US by eleven of the same, UK by nine others."""
    said = ["DE"] * 30 + ["FR"] * 12 + ["US"] * 11 + ["UK"] * 9
    leads = np.array([-1, 2**60, 7] * 10 + [*range(100, 112)] + [*range(100, 111)] + [*range(200, 209)])
    learned = learn_spec(rows(*[({}, {"trait:country": level}) for level in said]), leads)
    (country,) = learned.spec.features
    assert (country.levels, country.usual, learned.rare) == (("FR", "US"), "FR", {"trait:country": 2})


def test_many_features_are_told_apart() -> None:
    names = [f"trait:number_{place:03}" for place in range(300)]
    columns = number_columns(rows(*[({name: float(place)}, {}) for place, name in enumerate(names)]), names)
    for place, name in enumerate(names):
        assert np.flatnonzero(~np.isnan(columns[name].values)).tolist() == [place]
        assert columns[name].values[place] == place


def test_infinite_values_are_counted_and_constant_features_left_out() -> None:
    some = [({"days_since": math.inf if n < 3 else float(n), "trait:optin": 1.0}, {}) for n in range(20)]
    learned = learn_spec(rows(*some))
    assert learned.infinite == {"days_since": 3}
    assert learned.excluded == {"trait:optin": "the same for all"}
    assert np.isnan(encode(rows(*some), learned.spec)[:3]).all()


def test_what_is_a_number_for_some_and_text_for_others_is_learned_as_the_kind_that_more_have() -> None:
    texts: list[Any] = [({}, {"trait:size": "large" if n % 2 else "small"}) for n in range(22)]
    numbers: list[Any] = [({"trait:size": float(n)}, {}) for n in range(30)]
    left_out = {"trait:size (as text)": "it is text for 22 leads, but not for 30; one kind is learned"}
    learned = learn_spec(rows(*texts, *numbers))
    assert [(feature.name, feature.kind) for feature in learned.spec.features] == [("trait:size", NUMBER)]
    assert learned.excluded == left_out
    matrix = encode(rows(*texts, *numbers), learned.spec)
    assert np.isnan(matrix[:22]).all()
    np.testing.assert_array_equal(matrix[22:, 0], np.arange(30))

    learned = learn_spec(rows(*texts, *numbers[:21]))
    assert [(feature.name, feature.kind) for feature in learned.spec.features] == [("trait:size", CATEGORY)]
    assert learned.excluded == {
        "trait:size (as a number)": "it is a number for 21 leads, but not for 22; one kind is learned"
    }
    matrix = encode(rows(*texts, *numbers[:21]), learned.spec)
    np.testing.assert_array_equal(matrix[:4, 0], [1, 0, 1, 0])
    assert np.isnan(matrix[22:]).all()


def test_columns_without_a_value_are_left_out_by_name() -> None:
    some = [({"trait:size": None}, {"trait:city": None, "trait:kind": "ab"[n % 2]}) for n in range(20)]
    learned = learn_spec(rows(*some))
    assert learned.spec.names == ("trait:kind",)
    assert learned.excluded == {
        "trait:size": "fewer than 10 leads have it",
        "trait:city": "no value is shared by 10 leads",
    }


def test_ten_thousand_values_keep_the_most_frequent_and_count_the_others() -> None:
    often = [({}, {"trait:city": f"city {n % 300}"}) for n in range(3000 + 200)]  # the first 200 are seen once more
    learned = learn_spec(rows(*often, *(({}, {"trait:city": f"village {n}"}) for n in range(9700))))
    (city,) = learned.spec.features
    assert len(city.levels) == 256
    assert {f"city {n}" for n in range(200)} <= set(city.levels)
    assert learned.rare == {"trait:city": 10_000 - 256}

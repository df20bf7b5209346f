from __future__ import annotations

from dataclasses import replace

import pytest

from leadhouse.transforms.feature_names import is_count, parse_feature_name


@pytest.mark.parametrize("name", ["count_7d", "count_90d:type:page:view", "intensity", "campaigns"])
def test_counts_are_zero_when_absent(name: str) -> None:
    assert is_count(name)


@pytest.mark.parametrize("name", ["days_since", "days_between", "age_days", "trait:count_7d", "trait:campaigns"])
def test_other_features_are_missing_when_absent(name: str) -> None:
    assert not is_count(name)


def test_names_are_taken_apart() -> None:
    page = parse_feature_name("count_30d:type:page:view")
    assert (page.measure, page.window_days, page.dimension, page.value) == ("count", 30, "type", "page:view")
    assert parse_feature_name("days_since:type:call").value == "call"
    assert parse_feature_name("trait:a:b").value == "a:b"
    assert replace(page, window_days=7) == parse_feature_name("count_7d:type:page:view")


@pytest.mark.parametrize("name", ["count_0d", "count", "days_since:channel", "age_days:type:x", "trait", "clicks", ""])
def test_what_is_no_feature_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="feature: expected a name such as"):
        parse_feature_name(name)

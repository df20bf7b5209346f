"""What an outcome changed is told from what anybody corrects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from leadhouse.models.examples import Later
from leadhouse.models.leakage import suspects
from leadhouse.models.leaks.time_travel import time_travellers
from leadhouse.models.matrix import CATEGORY, COUNT, NUMBER, Feature, FeatureSpec, Floats
from tests.models.data import CATEGORIES, NUMBERS
from tests.models.leaks.company import PLAN, honest, prepared

WON = np.arange(100) < 50
BEFORE = np.arange(100, dtype=np.float32)
DAYS = np.linspace(100, 300, 100, dtype=np.float32)

AFTER = {
    "another value for winners": (np.where(WON, -1, BEFORE), True),
    "filled in for winners": (BEFORE, False),
    "removed for winners": (np.where(WON, np.nan, BEFORE), True),
    "changed for those that did not win": (np.where(WON, BEFORE, -1), True),
    "corrected for every third lead": (np.where(np.arange(100) % 3 == 0, -1, BEFORE), False),
    "changed for all": (BEFORE - 1, False),
    "a date, as many days longer ago": (BEFORE + DAYS, False),
    "a date that moved for winners": (BEFORE + np.where(WON, 5, DAYS), True),
    "changed for some winners only": (np.where(np.arange(100) < 20, -1, BEFORE), False),
}


def travels(before: Floats, after: Floats, feature: Feature) -> bool:
    """Whether one feature is found to change with the outcome."""
    spec = FeatureSpec((feature,))
    columns = (column[:, None].astype(np.float32) for column in (before, after))
    return bool(time_travellers(*columns, DAYS, WON, spec))


@pytest.mark.parametrize("name", AFTER)
def test_a_trait_travels_in_time_if_the_outcome_changes_it(name: str) -> None:
    after, expected = AFTER[name]
    assert travels(BEFORE, after, Feature("trait:size", NUMBER)) is expected


def test_a_value_that_comes_with_the_win_has_changed() -> None:
    missing, filled = np.full(100, np.nan), np.where(WON, 1, np.nan)
    assert travels(missing, filled, Feature("trait:owner", CATEGORY, ("ann", "bob")))


def test_signals_go_on_coming_and_that_is_no_leak() -> None:
    assert not travels(BEFORE, np.where(WON, BEFORE + 7, BEFORE), Feature("count_7d", COUNT))


def test_it_says_for_how_many_and_what_to_do() -> None:
    after = np.where(WON & (BEFORE > 0), -1, BEFORE)
    spec = FeatureSpec((Feature("trait:size", NUMBER),))
    (suspect,) = time_travellers(BEFORE[:, None], after[:, None].astype(np.float32), DAYS, WON, spec)
    assert suspect.kind == "time travel"
    assert "for 98% of those that won and 0% of the others" in suspect.words
    assert "'known: later' for the field 'size'" in suspect.advice


def test_examples_that_know_what_became_of_their_leads_are_asked() -> None:
    features, won = honest(1000, 0.2, 0)
    data = prepared(features, won)
    cities = ["city 1" if winner else city for winner, city in zip(won, features["trait:city"], strict=True)]
    rows = pa.table(
        {
            "numbers": pa.array([[]] * 1000, NUMBERS),
            "categories": pa.array([[("trait:city", city)] for city in cities], CATEGORIES),
        }
    )
    asked = replace(data, examples=replace(data.examples, later=Later(rows, np.full(1000, 90, dtype=np.float32))))
    named = {suspect.feature: suspect.kind for suspect in suspects(asked, PLAN)}
    assert named["trait:city"] == "time travel"
    unknown = replace(data, examples=replace(data.examples, later=Later(rows, np.full(1000, np.nan, np.float32))))
    assert suspects(unknown, PLAN) == ()

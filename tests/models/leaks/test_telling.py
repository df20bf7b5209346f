"""How many leads of one kind must have ended alike, and how surely, before a value tells the outcome."""

from __future__ import annotations

import numpy as np
import pytest

from leadhouse.models.leaks.coding import Coding
from leadhouse.models.leaks.identifiers import telling_order
from leadhouse.models.leaks.sample import Sample
from leadhouse.models.leaks.telling import telling
from leadhouse.models.matrix import NUMBER, Feature, FeatureSpec


def leads(*groups: tuple[int, int]) -> tuple[Sample, Coding]:
    """A sample whose leads have one code a group, of (winners, losers)."""
    codes = np.concatenate([np.full(sum(group), code) for code, group in enumerate(groups)])
    won = np.concatenate([np.arange(sum(group)) < group[0] for group in groups])
    matrix = codes[:, None].astype(np.float32)
    spec = FeatureSpec((Feature("trait:group", NUMBER),))
    places = np.arange(len(won))
    return Sample(places, matrix, won, places % 5, spec, {}), Coding(codes, tuple("abc"))


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        (((100, 0), (100, 800)), True),
        (((100, 10), (100, 800)), False),  # 91 % is what a good source may reach
        (((90, 0), (910, 9000)), False),  # pure, but less than a tenth of all winners
        (((50, 0), (370, 600)), False),  # a tenth of them, but at such a rate fifty may be luck
        (((150, 0), (250, 600)), True),
        (((0, 3000), (1000, 6000)), False),  # most lose anyway
        (((0, 300), (600, 100)), True),  # most win, but not these
        (((300, 0), (600, 100)), False),  # most win anyway
    ],
)
def test_a_value_tells_the_outcome(groups: tuple[tuple[int, int], ...], expected: bool) -> None:
    sample, coding = leads(*groups)
    found = telling(coding, sample)
    assert (found is not None) is expected
    if found is not None:
        assert found.won is (groups[0][0] > 0)
        np.testing.assert_array_equal(found.leads, coding.codes == 0)


def test_a_leads_own_outcome_is_no_neighbour_of_its_own() -> None:
    """Rare winners far from each other would be found by looking at themselves."""
    count = 4000
    won = np.arange(count) % 80 == 0
    places, column = np.arange(count), np.arange(count, dtype=np.float64)
    spec = FeatureSpec((Feature("trait:row", NUMBER),))
    shuffled = np.random.default_rng(0).permutation(won)
    sample = Sample(places, column[:, None].astype(np.float32), shuffled, places % 5, spec, {"trait:row": column})
    assert telling_order(sample, 0) is None

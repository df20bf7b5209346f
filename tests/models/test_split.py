"""Splits never part a lead."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leadhouse.models.split import fold_of, split_by_time

MOMENTS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 100)), min_size=1, max_size=40)


@given(MOMENTS, st.floats(0.05, 0.9))
def test_no_lead_is_on_both_sides_and_nothing_learned_from_is_later_than_what_is_judged(
    pairs: list[tuple[int, int]], share: float
) -> None:
    leads, moments = (np.array(part, dtype=np.int64) for part in zip(*pairs, strict=True))
    split = split_by_time(moments, leads, share)
    assert not set(leads[split.train]) & set(leads[split.test])
    if len(split.train) and len(split.test):
        assert moments[split.train].max() < moments[split.test].min()


def test_the_latest_quarter_of_leads_is_judged() -> None:
    split = split_by_time(np.arange(100), np.arange(100), 0.25)
    assert (list(split.train), list(split.test)) == (list(range(75)), list(range(75, 100)))


def test_what_an_earlier_lead_looked_like_after_the_cut_is_on_neither_side() -> None:
    split = split_by_time(np.array([1, 9, 2, 5]), np.array([1, 1, 2, 3]), 0.34)
    assert (list(split.train), list(split.test)) == ([0, 2], [3])


@given(st.lists(st.integers(0, 10), min_size=1, max_size=60), st.integers(2, 5))
def test_all_examples_of_a_lead_share_a_fold(leads: list[int], folds: int) -> None:
    ids = np.array(leads, dtype=np.int64)
    fold = fold_of(np.zeros(len(ids), np.float32), ids, folds, seed=1)
    assert all(len(set(fold[ids == lead])) == 1 for lead in set(leads))


def test_winners_are_spread_evenly_over_folds() -> None:
    labels = (np.arange(100) < 10).astype(np.float32)
    fold = fold_of(labels, np.arange(100), 5, seed=3)
    assert [int(labels[fold == number].sum()) for number in range(5)] == [2] * 5

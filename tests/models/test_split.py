"""Splits never part a lead."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leadhouse.models.split import fold_of, rolling_origins, split_by_time

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


@given(MOMENTS, st.floats(0.05, 0.9), st.integers(1, 3), st.integers(0, 30))
def test_each_origin_judges_leads_that_it_has_not_learned_from_once_and_learns_nothing_from_the_gap(
    pairs: list[tuple[int, int]], share: float, origins: int, gap: int
) -> None:
    leads, moments = (np.array(part, dtype=np.int64) for part in zip(*pairs, strict=True))
    splits = rolling_origins(moments, leads, share, origins, gap)
    for split in splits:
        assert not set(leads[split.train]) & set(leads[split.test])
        if len(split.train) and len(split.test):
            assert moments[split.train].max() + gap < moments[split.test].min()
    judged = np.concatenate([split.test for split in splits])
    assert sorted(judged) == list(split_by_time(moments, leads, share).test)


def test_the_latest_half_is_judged_in_two_parts_by_all_that_precedes_each() -> None:
    first, second = rolling_origins(np.arange(8), np.arange(8), 0.5, 2, gap=1)
    assert (list(first.train), list(first.test)) == ([0, 1, 2], [4, 5])
    assert (list(second.train), list(second.test)) == ([0, 1, 2, 3, 4], [6, 7])


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

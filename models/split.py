"""Splits of training examples that never put one lead on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leadhouse.models.matrix import Integers

Labels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Split:
    """Two sets of places: what is learned from, and what is judged on."""

    train: Integers
    test: Integers


def split_by_time(moments: Integers, leads: Integers, test_share: float) -> Split:
    """Split at the first moment of the latest ``test_share`` of leads.

    A lead belongs to the side of its first moment. What earlier leads looked like after the cut is in neither side, so
    that nothing learned from is later than anything judged on.
    """
    first = _first_moments(moments, leads)
    cut = np.quantile(np.unique(np.stack([leads, first]), axis=1)[1], 1 - test_share, method="inverted_cdf")
    return Split(train=np.flatnonzero(moments <= cut), test=np.flatnonzero(first > cut))


def fold_of(labels: Labels, leads: Integers, folds: int, seed: int) -> Integers:
    """Return each example's fold, from 0: all examples of a lead share one, won leads are spread evenly.

    The same leads, labels and seed give the same folds whatever the order of the rows.
    """
    ids, place = np.unique(leads, return_inverse=True)
    won = np.zeros(len(ids), dtype=bool)
    np.logical_or.at(won, place, labels > 0)
    draw = np.random.default_rng(seed)
    fold = np.empty(len(ids), dtype=np.int64)
    for side in (False, True):
        mine = np.flatnonzero(won == side)
        fold[draw.permutation(mine)] = np.arange(len(mine)) % folds
    return fold[place]


def _first_moments(moments: Integers, leads: Integers) -> Integers:
    ids, place = np.unique(leads, return_inverse=True)
    first = np.full(len(ids), np.iinfo(np.int64).max)
    np.minimum.at(first, place, moments)
    return first[place]

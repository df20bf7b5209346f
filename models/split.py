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
    return rolling_origins(moments, leads, test_share, 1)[0]


def rolling_origins(
    moments: Integers, leads: Integers, test_share: float, origins: int, gap: int = 0
) -> tuple[Split, ...]:
    """Split at several cut-offs, the latest ``test_share`` of leads being judged in so many parts, one after another.

    Each part is judged by what precedes it: examples up to its cut-off, less ``gap`` (in the unit of the moments),
    since a label is known only when its horizon has passed (rolling-origin evaluation: Tashman, Out-of-sample tests of
    forecasting accuracy, International Journal of Forecasting 16, 2000). As in ``split_by_time`` a lead belongs to the
    part of its first moment; one origin without a gap is that split. Parts may be empty.
    """
    first = _first_moments(moments, leads)
    firsts = first[np.unique(leads, return_index=True)[1]]
    shares = 1 - test_share + test_share * np.arange(origins) / origins
    cuts = np.quantile(firsts, shares, method="inverted_cdf")
    ends = np.append(cuts[1:], np.iinfo(np.int64).max)
    return tuple(
        Split(np.flatnonzero(moments <= cut - gap), np.flatnonzero((first > cut) & (first <= end)))
        for cut, end in zip(cuts, ends, strict=True)
    )


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

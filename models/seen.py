"""What a model has seen in training, kept with it so that it can be watched when its training data are gone.

A lead is seen at several ages, and looks different at each: a week-old one has done more than a new one. What is scored
holds as many of each as happen to be there, so each age is compared with itself, and each lead counts once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from leadhouse.models.drift import LEAST_ROWS
from leadhouse.models.evaluate import Probabilities
from leadhouse.models.examples import Examples
from leadhouse.models.matrix import Integers
from leadhouse.models.plan import Prepared
from leadhouse.models.reference import Reference, reference

SEEN = "seen"
"""The card's key: per age, youngest first, the reference, or null where too few leads were seen at that age."""


def seen_by(data: Prepared, places: Integers, probabilities: Probabilities) -> tuple[Reference | None, ...]:
    """Return what a model that learned from ``data`` has seen: per age, youngest first.

    ``probabilities`` are what its own calibration makes of the held-out examples at ``places``. None where an age has
    fewer than LEAST_ROWS examples, or held-out ones: there noise would be all.
    """
    ranks = age_ranks(data.examples)
    return tuple(_at(rank, ranks, data, places, probabilities) for rank in range(int(ranks.max(initial=-1)) + 1))


def references_in(card: Mapping[str, Any]) -> tuple[Reference | None, ...]:
    """Return the references that a model's card holds, youngest age first; none of an earlier release's.

    Raises KeyError, TypeError or ValueError where the card holds something else under that key.
    """
    return tuple(None if one is None else Reference.from_json(one) for one in card.get(SEEN, ()))


def age_ranks(examples: Examples) -> Integers:
    """Return which of the ages each example was taken at: 0 for the youngest.

    A lead has an example at each age up to the one by which it was won, or beyond which its outcome is still open: so
    the first of them is of the youngest age, the next of the next, without a gap.
    """
    order = np.lexsort((examples.moments, examples.leads))
    leads = examples.leads[order]
    starts = np.flatnonzero(np.append(True, leads[1:] != leads[:-1])) if len(leads) else np.empty(0, np.int64)
    lengths = np.diff(np.append(starts, len(leads)))
    ranks = np.empty(len(leads), np.int64)
    ranks[order] = np.arange(len(leads)) - np.repeat(starts, lengths)
    return ranks


def _at(rank: int, ranks: Integers, data: Prepared, places: Integers, probabilities: Probabilities) -> Reference | None:
    mine = np.flatnonzero(ranks == rank)
    held = ranks[places] == rank
    if min(len(mine), int(held.sum())) < LEAST_ROWS:
        return None
    return reference(
        data.examples.rows.take(pa.array(mine)),
        data.matrix[mine],
        data.examples.labels[places[held]],
        probabilities[held],
        data.learned.spec,
    )

"""A tenant's own model beside the one that it shares with others, on leads of its own that neither has learned from.

The shared model has learned from the tenant's leads up to now, and so has the tenant's own: no lead is new to both. So
both are stood in for by models of the same making that stop before the same day. What is compared is which of the two
ways to learn does better for this tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from leadhouse.models.challenge import DAY, LEAST_KEPT, has_both_classes, refused, stand_in
from leadhouse.models.examples import Examples
from leadhouse.models.matrix import Integers, encode
from leadhouse.models.plan import Plan, Prepared
from leadhouse.models.promotion import Criterion, Judgement, is_better, judge
from leadhouse.models.slices import levels_of
from leadhouse.models.split import fold_of

SHARED = "shared model"


@dataclass(frozen=True)
class Shared:
    """What several tenants' leads teach together."""

    data: Prepared
    plan: Plan
    places: Mapping[str, Integers]
    """Per tenant where its examples are in ``data``; a tenant that is not there has given none."""
    label: str
    """The version that scores the tenants which have no champion of their own."""


@dataclass(frozen=True)
class _Window:
    """The tenant's examples that both are judged on, and those that each may learn from for that."""

    judged: Integers
    mine: Integers
    shared: Integers
    """Places in the shared data."""


def take_over(data: Prepared, plan: Plan, shared: Shared) -> Judgement:
    """Say whether a tenant's own model may take the shared one's place.

    ``data`` and ``plan`` are the tenant's own. The latest ``test_share`` of its leads judges, or a part of that size
    where there are no times. Its own model must pass all that a challenger must, with the shared model as the champion,
    and be better than it beyond noise: else the shared one, which has seen more, goes on.
    """
    window = _window(data.examples, plan, shared)
    if not has_both_classes(data.examples, window.mine) or not has_both_classes(shared.data.examples, window.shared):
        return refused(f"too few leads won or lost before those that could compare it with {shared.label}")
    rows = data.examples.take(window.judged)
    own = stand_in(data, plan, window.mine, data.matrix[window.judged])
    other = stand_in(shared.data, shared.plan, window.shared, encode(rows.rows, shared.data.learned.spec))
    names = (*data.learned.spec.names, *data.learned.excluded)
    dimensions, _ = levels_of(rows.rows, names, plan.slice_traits, rows.apart)
    found = judge(own, other, None, rows.labels, rows.leads, slices=dimensions, seed=plan.seed, rival=SHARED)
    against = [one for one in found.criteria if one.name.endswith(SHARED)]
    if not against:
        return found
    better = is_better(rows.labels, rows.leads, own, other)
    most, measured = max(against, key=lambda one: one.low), "; ".join(one.words for one in against)
    beyond = Criterion(f"better than the {SHARED}", better, most.figure, most.low, most.high, 0.0, measured)
    found = replace(found, criteria=(*found.criteria, beyond))
    if not found.promoted:
        return found
    if better:
        return replace(found, words=f"promoted: better than {shared.label}: {measured}")
    return replace(found, promoted=False, words=f"refused: not better than {shared.label} beyond noise: {measured}")


def _window(examples: Examples, plan: Plan, shared: Shared) -> _Window:
    places = shared.places.get(plan.tenant, np.empty(0, np.int64))
    everything = np.arange(len(shared.data.examples))
    if not examples.timed:
        parts = max(2, round(1 / plan.test_share))
        fold = fold_of(examples.labels, examples.leads, parts, plan.seed)
        judged = np.flatnonzero(fold == 0)
        theirs = np.setdiff1d(everything, places[judged] if len(places) else places)
        return _Window(judged, np.flatnonzero(fold != 0), theirs)
    _, place = np.unique(examples.leads, return_inverse=True)
    first = np.full(int(place.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, place, examples.moments)
    start = int(np.quantile(first, 1 - plan.test_share, method="higher"))
    matured = start - plan.horizon_days * DAY
    before = examples.moments < start
    until = matured if (examples.moments <= matured).sum() >= LEAST_KEPT * before.sum() else start - 1
    # What has no times was given by others, or nothing was.
    theirs = everything[shared.data.examples.moments <= until] if shared.data.examples.timed else everything
    return _Window(np.flatnonzero(first[place] >= start), np.flatnonzero(examples.moments <= until), theirs)

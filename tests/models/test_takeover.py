"""A tenant's own model beside a shared one: it takes over only where it is better on leads that neither has seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from leadhouse.models.examples import read_examples
from leadhouse.models.plan import Plan, Prepared, prepare
from leadhouse.models.pool import pool
from leadhouse.models.takeover import Shared, _window, take_over
from tests.models.data import DAY, synthetic

PLAN = Plan("globex", "won", 1)
BIG, SMALL = 3000, 1200


def table(leads: int, seed: int, *, opposite: bool = False, timed: bool = True) -> pa.Table:
    found = synthetic(leads, seed, timed=timed)[0]
    if not opposite:
        return found
    labels = ~np.asarray(found["label"])
    return found.set_column(found.column_names.index("label"), "label", pa.array(labels))


def beside(own: pa.Table, others: pa.Table) -> tuple[Prepared, Shared]:
    """A tenant's data, and what it and another teach together."""
    mine = read_examples(own)
    together, plan = pool({"acme": read_examples(others), "globex": mine}), replace(PLAN, tenant="shared~x")
    data, shared = prepare(mine, PLAN), prepare(together.examples, plan)
    assert isinstance(data, Prepared)
    assert isinstance(shared, Prepared)
    return data, Shared(shared, plan, together.places, "leadhouse-shared~x/1")


@pytest.mark.parametrize("timed", [True, False])
def test_who_is_unlike_the_others_gets_its_own_model(timed: bool) -> None:
    found = take_over(*_args(table(SMALL, 1, opposite=True, timed=timed), table(BIG, 2, timed=timed)))
    assert found.promoted
    assert found.words.startswith("promoted: better than leadhouse-shared~x/1: AUC +")
    assert (found.criteria[-1].name, found.criteria[-1].passed) == ("better than the shared model", True)
    assert found.leads == pytest.approx(SMALL / 4, abs=2), "the tenant's own leads judge, nobody else's"


@pytest.mark.parametrize("timed", [True, False])
def test_who_is_like_the_others_keeps_the_shared_one(timed: bool) -> None:
    found = take_over(*_args(table(SMALL, 1, timed=timed), table(BIG, 2, timed=timed)))
    assert not found.promoted
    assert "leadhouse-shared~x/1" in found.words or "against the shared model" in found.words
    assert not found.criteria[-1].passed


def test_who_has_too_few_leads_to_compare_keeps_the_shared_one() -> None:
    few = table(SMALL, 1, opposite=True).slice(0, 40)
    data, shared = beside(table(SMALL, 1), table(BIG, 2))
    own = prepare(read_examples(few), replace(PLAN, min_positives=1, min_negatives=1))
    assert isinstance(own, Prepared)
    found = take_over(own, PLAN, shared)
    assert not found.promoted
    assert data.key != own.key


def test_who_has_given_nothing_is_compared_too() -> None:
    """Its examples have no times, the others' have: so all of those are learned from."""
    data, _ = beside(table(SMALL, 1, opposite=True, timed=False), table(BIG, 2, timed=False))
    _, shared = beside(table(SMALL, 1, opposite=True, timed=False), table(BIG, 2))
    assert set(shared.places) == {"acme"}
    assert take_over(data, PLAN, shared).promoted


@pytest.mark.parametrize("timed", [True, False])
def test_neither_has_learned_from_what_judges_nor_from_what_came_later(timed: bool) -> None:
    data, shared = beside(table(SMALL, 1, timed=timed), table(BIG, 2, timed=timed))
    window = _window(data.examples, PLAN, shared)
    own, together = data.examples, shared.data.examples
    judged = together.leads[shared.places["globex"][window.judged]]
    assert not set(own.leads[window.judged]) & set(own.leads[window.mine])
    assert not set(judged) & set(together.leads[window.shared])
    if timed:
        start = own.moments[window.judged].min()
        assert own.moments[window.mine].max() <= start - DAY, "outcomes were open until then"
        assert together.moments[window.shared].max() <= start - DAY
        assert (together.moments <= start - DAY).sum() == len(window.shared)
    else:
        assert len(window.shared) + len(window.judged) == len(together)


def _args(own: pa.Table, others: pa.Table) -> tuple[Prepared, Plan, Shared]:
    data, shared = beside(own, others)
    return data, PLAN, shared

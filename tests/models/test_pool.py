"""Examples of several tenants together: nobody's leads are mixed up, and the order of the tenants doesn't matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadhouse.models.examples import SOURCE, TENANT, Examples, data_hash, read_examples
from leadhouse.models.learn import Plan, Prepared, learn, prepare
from leadhouse.models.pool import pool
from tests.models.data import DAY, synthetic


def some(leads: int, seed: int, *, timed: bool = True, later: bool = False) -> Examples:
    table = synthetic(leads, seed, timed=timed)[0]
    known = table.select(["lead_id", "as_of", "numbers", "categories"])
    moved = pc.add(known["as_of"], pa.scalar(DAY, pa.duration("us")))
    return read_examples(table, known.set_column(1, "as_of", moved) if later else None)


def test_leads_of_equal_ids_stay_two_leads_and_everyone_finds_its_own() -> None:
    acme, globex = some(30, 1), some(20, 2)
    found = pool({"globex": globex, "acme": acme})
    assert sum(found.examples.lead_counts()) == 50
    for tenant, own in (("acme", acme), ("globex", globex)):
        mine = found.examples.take(found.places[tenant])
        assert mine.rows.equals(own.rows)
        assert set(mine.apart[TENANT]) == {tenant}
        np.testing.assert_array_equal(mine.labels, own.labels)
        np.testing.assert_array_equal(mine.moments, own.moments)
        assert len(np.unique(mine.leads)) == len(np.unique(own.leads))
    assert not set(found.examples.leads[found.places["acme"]]) & set(found.examples.leads[found.places["globex"]])


def test_the_order_of_the_tenants_does_not_matter_and_a_tenants_name_is_no_feature() -> None:
    acme, globex = some(30, 1), some(20, 2)
    hashes = {data_hash(pool(each).examples) for each in ({"a": acme, "b": globex}, {"b": globex, "a": acme})}
    assert len(hashes) == 1
    assert hashes == {data_hash(pool({"umbrella": acme, "vandelay": globex}).examples)}


def test_who_gives_no_sources_is_of_none_that_is_known() -> None:
    acme = replace(some(2, 1), apart={SOURCE: np.array(["crm", "web"])})
    found = pool({"acme": acme, "globex": some(1, 2)}).examples
    assert list(found.apart[SOURCE]) == ["crm", "web", "not known"]


def test_a_shared_model_is_judged_for_each_tenant() -> None:
    """The card says where it fails whom: here globex's outcomes are none that features could tell."""
    acme, globex = some(1600, 1), some(800, 2)
    labels = np.random.default_rng(0).permutation(globex.labels)
    shuffled = replace(globex, labels=labels, moments=globex.moments * 2)  # over the same days as acme's
    plan = Plan("shared~x", "won", 90)
    data = prepare(pool({"acme": acme, "globex": shuffled}).examples, plan)
    assert isinstance(data, Prepared)
    card = learn(data, plan).model.card
    found = {one["level"]: one for one in card["slices"] if one["dimension"] == "tenant"}
    assert set(found) == {"acme", "globex"}
    assert found["acme"]["auc"] > 0.6 > found["globex"]["auc"]
    assert not [name for name in (*data.learned.spec.names, *data.learned.excluded) if "tenant" in name]


def test_examples_without_times_are_left_out_where_others_have_them() -> None:
    found = pool({"acme": some(30, 1), "globex": some(20, 2, timed=False)})
    assert (found.left_out, len(found.examples), found.examples.timed) == (("globex",), 30, True)
    assert set(found.places) == {"acme"}
    together = pool({"acme": some(30, 1, timed=False), "globex": some(20, 2, timed=False)})
    assert (together.left_out, len(together.examples), together.examples.timed) == ((), 50, False)


def test_what_is_known_by_now_stays_beside_its_lead() -> None:
    found = pool({"acme": some(30, 1, later=True), "globex": some(20, 2)}).examples
    assert found.later is not None
    assert found.later.rows.slice(0, 30).equals(found.rows.slice(0, 30))
    np.testing.assert_array_equal(found.later.days, [1.0] * 30 + [np.nan] * 20)
    assert found.later.rows["numbers"].slice(30).null_count == 20


def test_a_tenant_without_examples_gives_none() -> None:
    nothing = read_examples(synthetic(5)[0].slice(0, 0))
    found = pool({"acme": nothing, "globex": some(20, 2, later=True)})
    assert (found.left_out, len(found.examples), len(found.places["acme"])) == ((), 20, 0)
    assert found.examples.later is not None


def test_rows_and_what_is_known_by_now_need_not_agree_on_what_may_be_null() -> None:
    one, other = some(20, 1, later=True), some(10, 2)
    assert one.later is not None
    fields = [field.with_nullable(False) for field in one.later.rows.schema]
    stricter = replace(one, later=replace(one.later, rows=one.later.rows.cast(pa.schema(fields))))
    found = pool({"acme": stricter, "globex": other}).examples
    assert found.later is not None
    assert found.later.rows.num_rows == 30

"""What is new and what repeats: by key for events, by what was said before for exports without times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from leadhouse.transforms.deduplicate import item_statuses, known_of, new_facts

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ITEM = (
    "tenant string, source string, record_id string, item int, item_key string, entity_key string, "
    "identity_key string, origin string, partition int, position bigint, received_at timestamp, "
    "known_at timestamp"
)
HISTORY = (
    "tenant string, item_key string, entity_key string, arrival int, status string, known_at timestamp, batch string"
)


def _items(spark: SparkSession, *said: tuple[str, str]) -> DataFrame:
    rows = [
        ("acme", "crm", f"r{n}", 0, key, entity, None, "f", 1, n, T0 + timedelta(hours=n), T0)
        for n, (entity, key) in enumerate(said)
    ]
    return spark.createDataFrame(rows, ITEM)


def _statuses(frame: DataFrame) -> list[str]:
    return [row.status[0] for row in sorted(frame.collect(), key=lambda row: row.record_id)]


def test_an_event_counts_once_within_a_batch_and_across_batches(spark: SparkSession) -> None:
    items = _items(spark, ("e1", "e1"), ("e2", "e2"), ("e1", "e1"), ("e0", "e0"))
    history = spark.createDataFrame([("acme", "e0", "e0", 1, "accepted", T0, "refine/1/0")], HISTORY)
    assert _statuses(item_statuses(items, None, by_order=False)) == ["a", "a", "d", "a"]
    assert _statuses(item_statuses(items, history, by_order=False)) == ["a", "a", "d", "d"]


def test_of_what_is_known_only_the_rows_about_new_keys_count(spark: SparkSession) -> None:
    history = spark.createDataFrame(
        [
            ("acme", "k1", "e1", 1, "accepted", T0, "refine/1/0"),
            ("acme", "k0", "e1", 1, "accepted", T0, "refine/1/1"),
            ("acme", "k2", "e2", 1, "accepted", T0, "refine/1/0"),
            ("other", "k1", "e1", 1, "accepted", T0, "refine/1/0"),
        ],
        HISTORY,
    )
    items = _items(spark, ("e1", "k1"), ("e1", "k3"))
    about = known_of(history, items, ("tenant", "entity_key"))
    assert about.columns == history.columns
    assert sorted((row.tenant, row.item_key) for row in about.collect()) == [("acme", "k0"), ("acme", "k1")]
    for by_order in (False, True):
        expected = _statuses(item_statuses(items, history, by_order=by_order))
        assert _statuses(item_statuses(items, about, by_order=by_order)) == expected
        assert _statuses(item_statuses(items, history, by_order=by_order, few=True)) == expected


@pytest.mark.parametrize(("last", "expected"), [(None, ["a", "a", "a", "d"]), ("A", ["d", "a", "a", "d"])])
def test_what_an_export_says_again_after_something_else_is_a_new_statement(
    spark: SparkSession, last: str | None, expected: list[str]
) -> None:
    items = _items(spark, ("x", "A"), ("x", "B"), ("x", "A"), ("x", "A"))
    earlier = T0 - timedelta(days=1)
    rows = [
        ("acme", "B", "x", 1, "accepted", earlier, "refine/1/9"),
        ("acme", last, "x", 1, "accepted", earlier, "refine/1/10"),
    ]
    history = spark.createDataFrame(rows, HISTORY) if last else None
    assert _statuses(item_statuses(items, history, by_order=True)) == expected


def test_a_fact_is_stated_once_by_the_first_to_be_known(spark: SparkSession) -> None:
    fact = "tenant string, trait_id string, known_at timestamp, record_id string, item int"
    rows = [("acme", "t1", T0, "r2", 0), ("acme", "t1", T0, "r1", 0), ("acme", "t2", T0, "r3", 0)]
    facts = spark.createDataFrame(rows, fact)
    known = spark.createDataFrame([("acme", "t2")], "tenant string, trait_id string")
    assert {(row.trait_id, row.record_id) for row in new_facts(facts, None, "trait_id").collect()} == {
        ("t1", "r1"),
        ("t2", "r3"),
    }
    assert [row.trait_id for row in new_facts(facts, known, "trait_id").collect()] == ["t1"]

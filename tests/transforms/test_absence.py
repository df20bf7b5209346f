"""What a full export says by what it lacks: gone, back again, and what proves nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pyspark.sql import DataFrame, SparkSession

from leadhouse.transforms.absence import presence_changes, standing_entities

NOW = datetime(2026, 1, 3, tzinfo=UTC)
ROW = "tenant string, entity_key string, identity_key string, record_id string, item int, gone boolean"


def _rows(spark: SparkSession, *rows: tuple[str, str, bool]) -> DataFrame:
    return spark.createDataFrame([("acme", entity, who, f"r-{entity}", 0, gone) for entity, who, gone in rows], ROW)


def _changes(present: DataFrame, standing: DataFrame, *, whole: bool) -> DataFrame:
    return presence_changes(
        present, standing, whole=whole, source="crm", received_at=NOW, known_at=NOW, batch="refine/1/3"
    )


@pytest.mark.parametrize(("whole", "expected"), [(True, {("C", "true"), ("D", "false")}), (False, {("D", "false")})])
def test_what_stood_and_is_not_there_is_gone(spark: SparkSession, whole: bool, expected: set[tuple[str, str]]) -> None:
    standing = _rows(spark, ("a", "A", False), ("c", "C", False), ("d", "D", True), ("e", "E", True))
    present = _rows(spark, ("a", "A", False), ("b", "B", False), ("d", "D", False))
    changes = presence_changes(
        present, standing, whole=whole, source="crm", received_at=NOW, known_at=NOW, batch="refine/1/3"
    )
    assert {(row.identity_key, row.value) for row in changes.collect()} == expected


def test_a_person_with_another_row_left_is_not_gone(spark: SparkSession) -> None:
    standing = _rows(spark, ("a1", "A", False), ("a2", "A", False))
    present = _rows(spark, ("a2", "A", False))
    changes = presence_changes(
        present, standing, whole=True, source="crm", received_at=NOW, known_at=NOW, batch="refine/1/3"
    )
    assert changes.collect() == []


def test_a_row_that_says_itself_that_it_is_deleted_is_not_back(spark: SparkSession) -> None:
    standing, present = _rows(spark, ("a", "A", True)), _rows(spark, ("a", "A", True))
    changes = presence_changes(
        present, standing, whole=True, source="crm", received_at=NOW, known_at=NOW, batch="refine/1/3"
    )
    assert changes.collect() == []


def test_the_latest_word_on_a_row_stands(spark: SparkSession) -> None:
    history = spark.createDataFrame(
        [("acme", "a", "A", f"r{n}", 0, 1, NOW, f"refine/1/{n}") for n in (9, 10)],
        "tenant string, entity_key string, identity_key string, record_id string, item int, arrival int, "
        "known_at timestamp, batch string",
    )
    traits = spark.createDataFrame(
        [("acme", "t1", "A", "deleted", "true", NOW, NOW, "refine/1/9"),
         ("acme", "t0", "A", "deleted", "false", NOW, NOW, "refine/1/10")],
        "tenant string, trait_id string, identity_key string, name string, value string, stated_at timestamp, "
        "known_at timestamp, batch string",
    )  # fmt: skip
    (row,) = standing_entities(history, traits, _rows(spark)).collect()
    assert (row.record_id, row.gone) == ("r10", False)

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from leadhouse.expectations.tables import table_schema, table_specs
from leadhouse.jobs.runtime import lake as lakes
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.place import CARD
from tests.jobs.lakes import TICK, content, fill
from tests.jobs.rows import row


@pytest.mark.parametrize(("name", "few_files"), [("a lake für", 32), ("a lake für", 0), ("lake [1] *", 32)])
def test_a_table_too_large_for_the_driver_is_read_at_its_version_whatever_its_folder_is_called(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, few_files: int
) -> None:
    lake = open_lake(tmp_path / name)
    for number in range(3):
        fill(spark, lake, "gold.ticks", [{"tick": TICK + timedelta(days=number), "batch": f"decide/1/{number}"}])
    monkeypatch.setattr(lakes, "are_few", lambda rows, size=0: False)
    monkeypatch.setattr(lakes, "_FEW_FILES", few_files)
    version = lake.version("gold.ticks")
    assert sorted(row.batch for row in lake.read(spark, "gold.ticks").collect()) == [f"decide/1/{n}" for n in range(3)]
    assert lake.read(spark, "gold.ticks", version - 1).count() == 2
    assert (
        lake.read(spark, "gold.ticks").schema.simpleString() == lake.read(spark, "gold.ticks", 0).schema.simpleString()
    )
    since = ("tick", TICK + timedelta(days=1))
    assert lake.read(spark, "gold.ticks", since=since).count() == 2


def test_rows_from_a_moment_on_are_few_though_the_table_is_large(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = open_lake(tmp_path / "lake")
    for number in range(3):
        fill(spark, lake, "gold.ticks", [{"tick": TICK + timedelta(days=number)}])
    monkeypatch.setattr(lakes, "are_few", lambda rows, size=0: rows <= 1)
    since = ("tick", TICK + timedelta(days=2))
    assert lake.is_small("gold.ticks", since=since)
    assert not lake.is_small("gold.ticks")
    assert [row.tick for row in lake.read(spark, "gold.ticks", since=since).collect()] == [
        since[1].replace(tzinfo=None)
    ]


def test_a_derived_table_with_the_same_rows_is_left_as_it_is(spark: SparkSession, tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    table = "gold.engagement_lists"

    def renew(number: int, *leads: str) -> tuple[int, list[str]]:
        made = [row(table, lead_id=lead, content_hash=lead) for lead in leads]
        rows = spark.createDataFrame([tuple(each.values()) for each in made], table_schema(table_specs()[table]))
        version = lake.write(table, rows, mode="renew", app_id="test", app_version=number, few=True)
        return version, sorted(stored.lead_id for stored in content(spark, lake, table))

    assert renew(0, "a", "b") == (1, ["a", "b"])
    assert renew(1, "b", "a") == (1, ["a", "b"])
    assert renew(2, "b", "c") == (2, ["b", "c"])
    assert renew(2, "z") == (2, ["b", "c"]), "a batch writes once"
    assert renew(3) == (3, [])
    assert renew(4) == (3, [])


def test_a_table_of_an_earlier_release_is_read_with_the_columns_that_were_added_since(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = open_lake(tmp_path / "lake")
    table, card = "silver.items", tmp_path / "lake" / CARD
    schema = to_arrow_schema(table_schema(table_specs()[table]))
    earlier = schema.remove(schema.get_field_index("identity_key"))
    write_deltalake(
        lake.table_path(table),
        pa.Table.from_pylist([row(table, record_id="r1")], schema=earlier),
        mode="overwrite",
        schema_mode="overwrite",
    )
    document = json.loads(card.read_text())
    card.write_text(json.dumps(document | {"tables": "of an earlier release"}))
    lake = open_lake(tmp_path / "lake")
    assert lake.open(table).schema().to_arrow().names != schema.names
    (read,) = content(spark, lake, table)
    assert (read.record_id, read.identity_key) == ("r1", None)
    assert lake.read(spark, table).columns == schema.names

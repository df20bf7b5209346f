from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from leadhouse.jobs.runtime import lake as lakes
from leadhouse.jobs.runtime.lake import open_lake
from tests.jobs.lakes import TICK, fill


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

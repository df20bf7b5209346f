"""Rows that are gone, there twice, or of bytes that nobody listed are named, by table and ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from leadhouse.jobs.runtime import batches
from leadhouse.jobs.runtime.batches import Count, Outcome
from leadhouse.jobs.runtime.book import COMPLETE
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake
from tests.jobs.damage import a_copy, append, what_is_wrong
from tests.jobs.rows import NOON
from tests.jobs.small_company import land, rows_of, run_company, write_workspace


@pytest.fixture
def lake(company: Path, tmp_path: Path) -> Lake:
    """A copy of a sound lake, to be damaged."""
    return a_copy(company, tmp_path)


def test_a_row_that_is_there_twice_is_named_by_its_key(lake: Lake) -> None:
    twice = rows_of(lake.root, "bronze.records")[0]
    append(lake, "bronze.records", [twice], "ingest:bronze.records:rows:1", 9)
    found = {entry.check: entry.what for entry in what_is_wrong(lake)}
    assert found.keys() == {"keys", "bytes", "ledger"}
    assert f"1 repeat, for example tenant acme, record_id {twice['record_id']}: 2 times" in found["keys"]
    assert f"1 overlap (at byte {twice['position']:,})" in found["bytes"]


@pytest.mark.parametrize("table", ["silver.signals", "gold.decisions", "gold.enrolments"])
def test_every_table_has_its_key_once(lake: Lake, table: str) -> None:
    job = "refine" if table == "silver.signals" else "decide"
    append(lake, table, [rows_of(lake.root, table)[0]], f"{job}:{table}:rows:1", 9)
    assert [(entry.check, entry.what.split(":")[0]) for entry in what_is_wrong(lake)] == [("keys", table)]


def test_a_record_that_is_gone_is_missed_and_its_bytes_are_named(lake: Lake) -> None:
    gone = sorted((row for row in rows_of(lake.root, "bronze.records") if row["source"] == "web"), key=_position)[5]
    lake.open("bronze.records").delete(f"record_id = '{gone['record_id']}'")
    found = {entry.check: entry.what for entry in what_is_wrong(lake)}
    assert found.keys() == {"bytes", "ledger"}
    records = len([row for row in rows_of(lake.root, "bronze.records") if row["source"] == "web"])
    assert f"web (acme): expected {records + 1} records, as ingest counted; got {records}" in found["ledger"]
    assert (
        f"none has the bytes {gone['position'] - 1:,} to {_position(gone) + len(gone['raw']) + 1:,}" in found["bytes"]
    )


@pytest.mark.parametrize("table", ["silver.items", "ops.batches"])
def test_an_item_or_a_count_that_is_not_the_ledgers_is_named(lake: Lake, table: str) -> None:
    if table == "silver.items":
        item = next(row for row in rows_of(lake.root, table) if row["source"] == "crm")
        lake.open(table).delete(f"record_id = '{item['record_id']}'")
        wanted = ("expected 160 items accepted, as the ledger has it; the tables hold 159", item["record_id"])
    else:
        _count_again(lake, "accepted", 161)
        wanted = ("expected 161 items accepted, as the ledger has it; the tables hold 160", "expected 160 items in all")
    found = what_is_wrong(lake)
    assert {entry.check for entry in found} == {"ledger"}
    assert all(any(str(part) in entry.what for entry in found) for part in wanted)


def test_records_of_a_batch_that_nobody_began_are_named(lake: Lake) -> None:
    row = {**rows_of(lake.root, "bronze.records")[0], "record_id": "0" * 32, "position": 10**6, "batch": "ingest/7/0"}
    append(lake, "bronze.records", [row], "ingest:bronze.records:rows:7", 0)
    found = {entry.check: entry.what for entry in what_is_wrong(lake)}
    assert found.keys() == {"bytes", "ledger"}
    assert "1 in none (at byte 1,000,000)" in found["bytes"]


def test_a_range_that_is_missing_is_named_where_it_is(spark: SparkSession, one_key: None, tmp_path: Path) -> None:
    lake = _in_ranges(tmp_path)
    ranges = sorted((row for row in rows_of(lake.root, "bronze.files") if row["source"] == "web"), key=_from_byte)
    assert len(ranges) > 3
    assert what_is_wrong(lake) == []
    lake.open("bronze.files").delete(f"source = 'web' AND from_byte = {ranges[1]['from_byte']}")
    wrong = what_is_wrong(lake)
    assert {entry.check for entry in wrong} == {"bytes"}
    where = f"expected bytes {ranges[1]['from_byte']:,} to {ranges[1]['to_byte']:,} in a range; in none"
    assert where in wrong[0].what
    assert "in none (at byte" in wrong[1].what
    lake.open("bronze.files").delete(f"source = 'web' AND from_byte <= {ranges[1]['from_byte']}")
    assert "expected its first range at byte 0" in what_is_wrong(lake)[0].what


def test_a_range_whose_records_are_gone_is_named(spark: SparkSession, one_key: None, tmp_path: Path) -> None:
    lake = _in_ranges(tmp_path)
    first = min((row for row in rows_of(lake.root, "bronze.files") if row["source"] == "web"), key=_from_byte)
    lake.open("bronze.records").delete(f"source = 'web' AND position < {first['to_byte']}")
    found = what_is_wrong(lake)
    assert {entry.check for entry in found} == {"bytes", "ledger"}
    assert any(f"expected records of the bytes 0 to {first['to_byte']:,}" in entry.what for entry in found)


def test_a_range_that_was_listed_twice_is_named(lake: Lake) -> None:
    listed = (row for row in rows_of(lake.root, "bronze.files") if row["source"] == "web" and row["from_byte"] == 0)
    row = next(listed)
    number = lake.version("bronze.files") + 1
    append(lake, "bronze.files", [{**row, "listing": number}], "bronze.files:listing", number)
    (found,) = what_is_wrong(lake)
    assert "expected the next range at byte" in found.what


def _in_ranges(folder: Path) -> Lake:
    """A lake with many ranges of each file."""
    workspace, landing = write_workspace(folder / "workspace"), land(folder / "landing")
    settings = workspace / "settings.toml"
    settings.write_text(settings.read_text() + "range_bytes = 5_000\n")
    for job in ("ingest", "refine"):
        assert run_company(folder / "lake", workspace, landing, job)[0] == 0
    return open_lake(folder / "lake")


def _count_again(lake: Lake, measure: str, rows: int) -> None:
    """Write refine's outcome anew with another count of the leads."""
    batch = batches.find_intent(lake, "refine", 1, 0)
    assert batch is not None
    outcome = next(
        row for row in rows_of(lake.root, "ops.batches") if row["job"] == "refine" and row["kind"] == "outcome"
    )
    counts = tuple(Count(**count) for count in _entries(outcome["counts"]))
    changed = tuple(
        replace(count, rows=rows) if (count.source, count.measure) == ("crm", measure) else count for count in counts
    )
    batches.finish(lake, Outcome(batch, COMPLETE, {}, changed), NOON + timedelta(days=9999))


def _entries(value: object) -> Iterator[dict[str, Any]]:
    assert isinstance(value, list)
    yield from value


def _position(row: Mapping[str, Any]) -> int:
    return int(row["position"])


def _from_byte(row: Mapping[str, Any]) -> int:
    return int(row["from_byte"])

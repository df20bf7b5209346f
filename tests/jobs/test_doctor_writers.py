"""Writes that are not the lake's own are named, and whatever its own refer to and is gone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, Transaction, write_deltalake

from leadhouse.jobs.runtime.lake import Lake
from tests.jobs.damage import a_copy, findings, what_is_wrong
from tests.jobs.small_company import rows_of


@pytest.fixture
def lake(company: Path, tmp_path: Path) -> Lake:
    """A copy of a sound lake, to be damaged."""
    return a_copy(company, tmp_path)


@pytest.mark.parametrize(
    ("app_id", "said"),
    [
        (None, "is a WRITE by delta-rs"),
        ("another:refine:gold.decisions:rows:1", "its transaction 'another:refine"),
        ("{lake}:refine:gold.decisions:rows:1", "its transaction"),
        ("{lake}:decide:gold.decisions:rows:1", "expected each write once; versions 1 and 2 are both"),
    ],
)
def test_a_write_of_another_program_or_job_is_named(lake: Lake, app_id: str | None, said: str) -> None:
    properties = None
    if app_id is not None:
        properties = CommitProperties(app_transactions=[Transaction(app_id.format(lake=lake.lake_id), 0)])
    row = {**rows_of(lake.root, "gold.decisions")[0], "decision_id": "another"}
    table = lake.open("gold.decisions")
    rows = pa.Table.from_pylist([row], schema=pa.schema(table.schema().to_arrow()))
    write_deltalake(table, rows, mode="append", commit_properties=properties)
    (found,) = what_is_wrong(lake)
    assert found.check == "writers"
    assert said in found.what


def test_maintenance_is_no_foreign_write(lake: Lake) -> None:
    table = lake.open("ops.batches")
    table.optimize.compact()
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    table.create_checkpoint()
    (found,) = findings(lake.root)
    assert (found.check, found.severity) == ("history", "note")
    assert f"ops.batches before {table.version() - 2}" in found.what


def test_a_definition_that_was_changed_or_is_gone_is_named(lake: Lake) -> None:
    kept = sorted((lake.root / "definitions").iterdir())
    kept[0].write_bytes(kept[0].read_bytes() + b"\n")
    kept[1].unlink()
    found = what_is_wrong(lake)
    assert {entry.check for entry in found} == {"definitions"}
    assert [entry.what.split(":")[0] for entry in found] == [f"definitions/{path.name}" for path in kept[:2]]


def test_a_lost_checkpoint_of_a_stream_is_only_noted(lake: Lake) -> None:
    shutil.rmtree(lake.root / "checkpoints" / "refine")
    assert [(entry.check, entry.severity) for entry in findings(lake.root)] == [("checkpoints", "note")]

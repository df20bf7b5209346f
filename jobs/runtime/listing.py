"""Listings: what is new in the landing folder goes into bronze.files, before anything is taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from leadhouse.jobs.runtime.job import Run, Step
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.landing import landed_files
from leadhouse.jobs.runtime.ranges import FileRange, Known
from leadhouse.jobs.runtime.scan import scan_file

TABLE = "bronze.files"
LISTING = "listing/"
"""The column ``batch`` of what was listed is this and the listing's number; of what a batch marks as lost, its name."""
_COLUMNS = tuple(field.name for field in fields(FileRange))


def list_landing(run: Run, landing: Path) -> tuple[str, ...]:
    """Append the byte ranges that are new in a landing folder to bronze.files; return notes for the person.

    One commit holds a whole listing, so one that is killed leaves nothing, and the next one lists the same. Raises
    InputError, before anything is written, as ``landed_files`` does.
    """
    landed = landed_files(landing, run.contracts)
    known = _known_files(run.lake)
    now = run.clock()
    ranges: list[FileRange] = []
    notes = list(landed.notes)
    for file in landed.files:
        key = (file.contract.tenant, file.contract.source, file.path)
        scan = scan_file(
            landing, file, known.get(key), now_ns=_nanoseconds(now), settings=run.workspace.settings.landing
        )
        ranges += scan.ranges
        notes += [scan.note] if scan.note else []
    number = next_listing(run.lake)
    rows = [_row(entry, number, f"{LISTING}{number}", now, lost=False) for entry in ranges]
    run.lake.append_local(TABLE, rows, app_id=f"{TABLE}:listing", app_version=number)
    return tuple(notes)


def next_listing(lake: Lake) -> int:
    """Return the number of the next listing: greater than any before, whatever the clock says."""
    return lake.version(TABLE) + 1


def lost_rows(step: Step, ranges: Iterable[FileRange]) -> list[dict[str, Any]]:
    """Return the rows that mark ranges as lost to a micro-batch."""
    number = next_listing(step.run.lake)
    return [_row(entry, number, step.batch.name, step.batch.recorded_at, lost=True) for entry in ranges]


def lost_ranges(lake: Lake, batch: str) -> list[FileRange]:
    """Return the ranges that a micro-batch has marked as lost."""
    marks = (pc.field("batch") == batch) & pc.field("lost")
    return [range_of(row) for row in lake.dataset(TABLE).to_table(filter=marks).to_pylist()]


def range_of(row: dict[str, Any]) -> FileRange:
    """Return the range that a row of bronze.files holds."""
    values = {name: row[name] for name in _COLUMNS}
    return FileRange(**values | {"header": None if row["header"] is None else tuple(row["header"])})


def _known_files(lake: Lake) -> dict[tuple[str, str, str], Known]:
    """Return what bronze.files says about each file: its newest range, and what was lost of it."""
    newest: dict[tuple[str, str, str], dict[str, Any]] = {}
    read: dict[tuple[str, str, str], int] = {}
    lost: dict[tuple[str, str, str], dict[tuple[object, ...], dict[str, Any]]] = {}
    table = lake.dataset(TABLE).to_table(columns=[*_COLUMNS, "lost", "listing"])
    for row in table.sort_by([("listing", "ascending"), ("lost", "ascending")]).to_pylist():
        key = (row["tenant"], row["source"], row["path"])
        part = (row["file_version"], row["from_byte"], row["to_byte"])
        if row["lost"]:
            lost.setdefault(key, {})[part] = row
            continue
        read[key] = row["listing"]
        lost.get(key, {}).pop(part, None)
        if key not in newest or _order(row) >= _order(newest[key]):
            newest[key] = row
    return {
        key: Known(
            newest=range_of(row),
            lost=tuple(range_of(entry) for entry in lost.get(key, {}).values()),
            read_again=any(entry["listing"] > read[key] for entry in lost.get(key, {}).values()),
        )
        for key, row in newest.items()
    }


def _row(entry: FileRange, number: int, batch: str, now: datetime, *, lost: bool) -> dict[str, Any]:
    return entry.row() | {"lost": lost, "listing": number, "seen_at": now, "batch": batch}


def _order(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["file_version"], row["to_byte"], row["listing"]


def _nanoseconds(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1_000_000) * 1000

"""Whether every offset of a topic was listed once, and every record lies in a listed range."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadhouse.jobs import topics
from leadhouse.jobs.runtime.book import BOOK
from leadhouse.jobs.runtime.finding import WRONG, Finding, some
from leadhouse.jobs.runtime.listing import LISTING
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.progress import is_through
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.runtime.taking import FETCHED, LOST
from leadhouse.jobs.soundness.byte_ranges import OFFSETS, RECORDS
from leadhouse.jobs.soundness.content import batches, collect

CHECK = "offsets"
_PARTITION = ("tenant", "source", "origin", "partition")
JOB = topics.SPEC.name
_ACCOUNTED = f"""
SELECT tenant, source, sum("rows") AS total FROM ops.ledger
WHERE job = '{JOB}' AND measure IN ('{FETCHED}', '{topics.GAPS}', '{LOST}') GROUP BY tenant, source
"""
_GENERATION = f"SELECT max(generation) AS generation FROM ops.runs WHERE job = '{JOB}'"
_RESTORE = "restore it from a backup of before, or start a new lake"

Key = tuple[Any, ...]


def check_offsets(place: Place, tables: Sequence[str]) -> list[Finding]:
    """Check listings of topics against each other, the records and the ledger."""
    if OFFSETS not in tables or RECORDS not in tables:
        return []
    rows = [row for batch in batches(place, OFFSETS, [*_PARTITION, "from_offset", "to_offset", "lost", "batch"])
            for row in batch.to_pylist()]  # fmt: skip
    listed: dict[Key, list[dict[str, Any]]] = {}
    for row in rows:
        if row["batch"].startswith(LISTING):  # a batch's marks are of offsets that were listed before
            listed.setdefault(tuple(row[name] for name in _PARTITION), []).append(row)
    findings = [finding for key, ranges in sorted(listed.items()) for finding in _follow(key, ranges)]
    positions = collect(batches(place, RECORDS, (*_PARTITION, "position")), _PARTITION, _positions)
    for key, ranges in sorted(listed.items()):
        if key in positions:
            findings += _inside(key, ranges, np.sort(positions[key][:, 0]))
    return findings + (_counted(place, rows) if BOOK in tables else [])


def _follow(key: Key, ranges: list[dict[str, Any]]) -> list[Finding]:
    """Check that the ranges of a partition follow each other without gap or overlap."""
    ordered = sorted(ranges, key=lambda row: (row["from_offset"], row["to_offset"]))
    breaks = [
        f"offset {row['from_offset']:,} after {before['to_offset']:,}"
        for before, row in itertools.pairwise(ordered)
        if row["from_offset"] != before["to_offset"]
    ]
    if not breaks:
        return []
    what = f"{OFFSETS}: {_name(key)}: expected ranges that follow each other; got {some(breaks)}"
    return [Finding(CHECK, WRONG, what, _RESTORE)]


def _inside(key: Key, ranges: list[dict[str, Any]], positions: NDArray[np.int64]) -> list[Finding]:
    findings = []
    edges = np.array(sorted((row["from_offset"], row["to_offset"]) for row in ranges), dtype=np.int64)
    at = np.searchsorted(edges[:, 0], positions, side="right") - 1
    outside = positions[(at < 0) | (positions >= edges[np.maximum(at, 0), 1])]
    if len(outside):
        what = f"{RECORDS}: {_name(key)}: expected each offset in a listed range; {len(outside):,} in none"
        findings.append(Finding(CHECK, WRONG, f"{what} (at {some(outside.tolist())})", _RESTORE))
    twice = positions[1:][positions[1:] == positions[:-1]]
    if len(twice):
        what = f"{RECORDS}: {_name(key)}: expected each offset once; {len(twice):,} are there again"
        findings.append(Finding(CHECK, WRONG, f"{what} (at {some(twice.tolist())})", _RESTORE))
    return findings


def _counted(place: Place, rows: Sequence[dict[str, Any]]) -> list[Finding]:
    """Check that what was listed is what was fetched, found empty or lost, by the ledger, once all of it was taken."""
    reader = Reader(place)
    generation = reader.fetch(_GENERATION)[0]["generation"]
    if generation is None or not is_through(place, OFFSETS, place.checkpoint_path(JOB, int(generation))):
        return []
    accounted = {(row["tenant"], row["source"]): int(row["total"]) for row in reader.fetch(_ACCOUNTED)}
    sizes: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row["batch"].startswith(LISTING):
            sizes[row["tenant"], row["source"]] += row["to_offset"] - row["from_offset"]
    findings = []
    for source, size in sorted(sizes.items()):
        if (said := accounted.get(source, 0)) != size:
            what = f"{OFFSETS}: {'/'.join(source)}: expected {size:,} offsets in the ledger; it has {said:,}"
            findings.append(Finding(CHECK, WRONG, what, "compare ops.ledger with bronze.offsets batch by batch"))
    return findings


def _positions(batch: pa.RecordBatch) -> NDArray[np.int64]:
    found = batch.column("position").to_numpy(zero_copy_only=False).astype(np.int64)
    return np.stack([found], axis=1)


def _name(key: Key) -> str:
    return f"{key[2]} partition {key[3]}"

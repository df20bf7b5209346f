"""Whether every record and every item is accounted for once: the ledger of ops.batches against what the tables hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from leadhouse.jobs.runtime.book import BOOK
from leadhouse.jobs.runtime.finding import NOTE, WRONG, Finding, some
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.runtime.retention import JOB as MAINTENANCE
from leadhouse.jobs.runtime.retention import MEASURES as EXPIRED
from leadhouse.jobs.soundness.content import (
    Hashes,
    are_in,
    batches,
    collect,
    data_files,
    distinct,
    file_batches,
    groups,
    row_hashes,
)
from leadhouse.jobs.soundness.no_items import records_without_items

CHECK = "ledger"
NEEDS = ("bronze.records", "silver.items", "silver.quarantine", "ops.held", BOOK)

_ENDS = ("accepted", "quarantined", "duplicate", "superseded", "held")
_RECORDS_GONE, _REFUSED_GONE = EXPIRED["bronze.records"], EXPIRED["silver.quarantine"]
# What was released or replayed leaves the held or refused ones of refine.
_TOTALS = f"""
SELECT tenant, source, measure, sum("rows") AS total FROM ops.ledger
WHERE (job IN ('ingest', 'topics') AND measure = 'fetched')
   OR (job IN ('refine', 'release', 'replay')
       AND measure IN ('items', 'accepted', 'quarantined', 'duplicate', 'superseded', 'held'))
   OR (job = '{MAINTENANCE}' AND measure IN ('{_RECORDS_GONE}', '{_REFUSED_GONE}'))
GROUP BY tenant, source, measure
"""
_RUNS = "SELECT batch, job, generation, number, status, started_at FROM ops.runs"
_RESTORE = "compare the table's commits with ops.lineage, and restore the one that is wrong from a backup"

Source = tuple[str, str]
Totals = dict[Source, dict[str, int]]


def check_ledger(place: Place, tables: Sequence[str]) -> list[Finding]:
    """Check that what was fetched is in bronze, and that each item is in the account that the ledger has it in."""
    if not set(NEEDS) <= set(tables):
        return []
    runs = Reader(place).fetch(_RUNS)
    findings = _unfinished(runs)
    if any(row["job"] == MAINTENANCE and row["status"] == "running" for row in runs):
        what = "nothing was compared: maintenance was stopped while it let records go"
        return [*findings, Finding(CHECK, NOTE, what, "let 'leadhouse maintain' end, then ask again")]
    totals = ledger_totals(place)
    return findings + _fetched(place, totals) + _items(place, totals) + _unaccounted(place, _starts(runs))


def _fetched(place: Place, totals: Totals) -> list[Finding]:
    records = _records_by_source(place)
    findings = []
    for source in sorted(totals.keys() | records.keys()):
        said = _kept(totals, source)
        if said != records[source]:
            what = f"bronze.records: {_name(source)}: expected {said:,} records, as ingest counted"
            findings.append(_wrong(f"{what}; got {records[source]:,}", _RESTORE))
    return findings


def ledger_totals(place: Place) -> Totals:
    """Return what the ledger says of each (tenant, source), by measure."""
    totals: Totals = {}
    for row in Reader(place).fetch(_TOTALS):
        totals.setdefault((row["tenant"], row["source"]), {})[row["measure"]] = int(row["total"])
    return totals


def sources_missing_records(place: Place, tables: Sequence[str]) -> list[Source]:
    """Return the (tenant, source) pairs that have fewer records than were fetched and have not expired."""
    if not {"bronze.records", BOOK} <= set(tables):
        return []
    records = _records_by_source(place)
    totals = ledger_totals(place)
    return [source for source in totals if records[source] < _kept(totals, source)]


def sources_with_expired_records(place: Place, tables: Sequence[str]) -> list[Source]:
    """Return the (tenant, source) pairs of which retention has let records go."""
    if BOOK not in tables:
        return []
    return [source for source, said in ledger_totals(place).items() if said.get(_RECORDS_GONE)]


def _kept(totals: Totals, source: Source) -> int:
    said = totals.get(source, {})
    return said.get("fetched", 0) - said.get(_RECORDS_GONE, 0)


def _records_by_source(place: Place) -> Counter[Source]:
    counts: Counter[Source] = Counter()
    for batch in batches(place, "bronze.records", ("tenant", "source")):
        for key, rows in groups(batch, ("tenant", "source")):
            counts[key[0], key[1]] += len(rows)
    return counts


def _items(place: Place, totals: Totals) -> list[Finding]:
    """Compare the ledger's items with those in silver, refused and held."""
    passed = _hashes(place, "silver.items", ("tenant", "source", "status"), ("record_id", "item"))
    refused = _hashes(place, "silver.quarantine", ("tenant", "source"), ("record_id", "item"))
    held = _hashes(place, "ops.held", ("tenant", "source"), ("record_id",))
    everything = distinct(np.concatenate([np.zeros(0, dtype=np.uint64), *passed.values()]))
    told = _union(place, ("silver.items", "silver.quarantine"), ("record_id",))
    findings = []
    for source in sorted({*totals, *((key[0], key[1]) for key in (*passed, *refused, *held))}):
        said = dict.fromkeys(("items", *_ENDS), 0) | totals.get(source, {})
        waiting = _without(held.get(source, told[:0]), told)
        there = {status: len(passed.get((*source, status), ())) for status in ("accepted", "duplicate", "superseded")}
        there["quarantined"] = len(_without(refused.get(source, told[:0]), everything))
        for measure, rows in sorted(there.items()):
            # A refused item that expired may have had several rows: how many items went isn't known exactly.
            gone = said.get(_REFUSED_GONE, 0) if measure == "quarantined" else 0
            if not said[measure] - gone <= rows <= said[measure]:
                what = f"{_name(source)}: expected {said[measure]:,} items {measure}, as the ledger has it"
                findings.append(_wrong(f"{what}; the tables hold {rows:,}", _RESTORE))
        # What is held is known by its records: a record may have several items.
        if len(waiting) > said["held"] or (said["held"] and not len(waiting)):
            what = f"ops.held: {_name(source)}: expected the records of {said['held']:,} held items"
            findings.append(_wrong(f"{what}; got {len(waiting):,}", _RESTORE))
        if said["items"] != sum(said[end] for end in _ENDS):
            parts = ", ".join(f"{end} {said[end]:,}" for end in _ENDS)
            what = f"{BOOK}: {_name(source)}: expected {said['items']:,} items in all; got {parts}"
            findings.append(_wrong(what, f"a count in {BOOK} was changed or lost: restore it from a backup"))
    return findings


def _unaccounted(place: Place, starts: dict[str, datetime]) -> list[Finding]:
    """Find records that refine has passed by: neither passed, nor refused, nor held, though later ones are."""
    told = _union(place, ("silver.items", "silver.quarantine", "ops.held"), ("record_id",))
    taken: set[tuple[str, int]] = set()
    unaccounted: dict[tuple[str, int], list[pa.RecordBatch]] = {}
    for number, file in enumerate(data_files(place, "bronze.records")):
        for batch in file_batches(file, ("tenant", "source", "batch", "record_id")):
            is_told = are_in(row_hashes(batch, ("record_id",)), told)
            for (name,), rows in groups(batch, ("batch",)):
                part, left = (name, number), rows[~is_told[rows]]
                if len(left) < len(rows):
                    taken.add(part)
                if len(left):
                    unaccounted.setdefault(part, []).append(batch.take(pa.array(left)))
    newest = max((starts[name] for name, _ in taken if name in starts), default=None)
    waits = 0
    gone: dict[Source, list[str]] = {}
    for part, parts in unaccounted.items():
        began = starts.get(part[0])
        # Refine takes bronze in its order, file by file: what lies behind the newest that it took waits.
        if began is not None and (newest is None or began > newest or (began == newest and part not in taken)):
            waits += sum(rows.num_rows for rows in parts)
            continue
        for row in pa.Table.from_batches(parts).to_pylist():
            gone.setdefault((row["tenant"], row["source"]), []).append(row["record_id"])
    findings = []
    for source, ids in sorted(gone.items()):
        if missing := records_without_items(place, source, ids):
            what = (
                f"{_name(source)}: expected each record that refine took in silver.items, silver.quarantine or ops.held"
            )
            remedy = "see 'leadhouse trace' of one; restore the table that has lost them from a backup"
            findings.append(_wrong(f"{what}; {len(missing):,} are in none ({some(missing)})", remedy))
    if waits:
        what = f"bronze.records: {waits:,} records wait for refine"
        findings.append(Finding(CHECK, NOTE, what, "the next run takes them"))
    return findings


def _starts(runs: Sequence[dict[str, Any]]) -> dict[str, datetime]:
    """Return when each batch began, as its records have it in received_at."""
    return {row["batch"]: row["started_at"] for row in runs}


def _unfinished(runs: Sequence[dict[str, Any]]) -> list[Finding]:
    """Note the batches that will be done again: the last of each job, if it did not end well."""
    last: dict[str, dict[str, Any]] = {}
    for row in runs:
        other = last.setdefault(row["job"], row)
        if (row["generation"], row["number"]) > (other["generation"], other["number"]):
            last[row["job"]] = row
    how = {"running": "began and did not end", "failed": "failed"}
    return [
        Finding(CHECK, NOTE, f"{BOOK}: {row['batch']} {how[row['status']]}", "it runs again at the next start")
        for _, row in sorted(last.items())
        if row["status"] in how
    ]


def _hashes(place: Place, table: str, by: Sequence[str], key: Sequence[str]) -> dict[tuple[Any, ...], Hashes]:
    """Return the distinct keys of a table, hashed, by group."""
    found = collect(batches(place, table, (*by, *key)), by, lambda batch: row_hashes(batch, key))
    return {group: distinct(hashes) for group, hashes in found.items()}


def _union(place: Place, tables: Sequence[str], key: Sequence[str]) -> Hashes:
    parts = [row_hashes(batch, key) for table in tables for batch in batches(place, table, key)]
    return distinct(np.concatenate([np.zeros(0, dtype=np.uint64), *parts]))


def _without(hashes: Hashes, known: Hashes) -> Hashes:
    return hashes[~are_in(hashes, known)]


def _name(source: Source) -> str:
    return f"{source[1]} ({source[0]})"


def _wrong(what: str, remedy: str) -> Finding:
    return Finding(CHECK, WRONG, what, remedy)

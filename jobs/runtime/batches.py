"""The book of micro-batches, ``ops.batches``: an intent before the first write, an outcome after the last."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.place import Place

RELEASED, REJECTED = "released", "rejected"
"""A person's word on a held batch."""
BOOK = "ops.batches"
"""The table that the runner writes for every job; its writes are told apart as ``job/generation/number:kind``."""
COMPLETE, HELD, FAILED, RUNNING = "complete", "held", "failed", "running"


_BOOKS: dict[str, tuple[tuple[str, int], list[dict[str, Any]]]] = {}
"""Per book its table's id and version, and its rows, as this process last knew them."""


@dataclass(frozen=True)
class Count:
    """One entry of the ledger: how many rows of a source went where."""

    tenant: str
    source: str
    measure: str
    """fetched, items, accepted, quarantined, duplicate, superseded, held, lost, expired, or a name of the job's own."""
    rows: int


@dataclass(frozen=True)
class Quality:
    """One expectation's result for one (tenant, source) of a batch."""

    tenant: str
    source: str
    expectation: str
    column: str | None
    success: bool
    observed: str


@dataclass(frozen=True)
class Batch:
    """One micro-batch, pinned by its intent: a retry reads exactly the same versions."""

    job: str
    generation: int
    number: int
    run_id: str
    recorded_at: datetime
    as_of: datetime | None
    known: datetime | None
    inputs_key: str
    reads: Mapping[str, int]
    definitions: Mapping[str, str]
    before: Mapping[str, int] = field(default_factory=dict)
    """The version of each table that it writes as its intent found it; nobody else writes them."""

    @property
    def name(self) -> str:
        """The batch's name in every table that it writes: job/generation/number."""
        return f"{self.job}/{self.generation}/{self.number}"


@dataclass(frozen=True)
class Outcome:
    """How a micro-batch ended."""

    batch: Batch
    status: str
    writes: Mapping[str, int] = field(default_factory=dict)
    counts: tuple[Count, ...] = ()
    quality: tuple[Quality, ...] = ()
    error: str | None = None


def book_rows(place: Place) -> list[dict[str, Any]]:
    """Return all rows of the book, for reading only.

    Only what somebody else has written since is read from disk: a batch looks into the book ten times.
    """
    opened = place.open(BOOK)
    state = (str(opened.metadata().id), opened.version())
    known, rows = _BOOKS.get(place.table_path(BOOK), (None, []))
    if known != state:
        new = place.appended(BOOK, known[1], state[1]) if known is not None and known[0] == state[0] else None
        rows = place.dataset(BOOK, state[1]).to_table().to_pylist() if new is None else [*rows, *new.to_pylist()]
        _BOOKS[place.table_path(BOOK)] = (state, rows)
    return rows


def begin(lake: Lake, intent: Batch, *, binds: Callable[[Batch], bool] = lambda stored: True) -> Batch:
    """Write a batch's intent before its effects; return the stored one if an earlier attempt left one that binds."""
    stored = find_intent(lake, intent.job, intent.generation, intent.number)
    if stored is not None and binds(stored):
        return stored
    if stored is not None:  # the later one holds, also where the clock was set back meanwhile
        later = max(intent.recorded_at, stored.recorded_at + timedelta(microseconds=1))
        intent = replace(intent, recorded_at=later, before=stored.before)
    _append(lake, intent, "intent", Outcome(intent, RUNNING, intent.before), intent.recorded_at)
    return intent


def finish(lake: Lake, outcome: Outcome, now: datetime) -> None:
    """Write a batch's outcome, after all its other writes."""
    _append(lake, outcome.batch, "outcome", outcome, now)


def find_intent(lake: Lake, job: str, generation: int, number: int) -> Batch | None:
    """Return the stored intent of a batch, or None."""
    rows = _rows(lake, job, "intent")
    match = [row for row in rows if (row["generation"], row["number"]) == (generation, number)]
    return _batch(max(match, key=_order)) if match else None


def newest_intent(lake: Lake, job: str) -> Batch | None:
    """Return a job's newest batch as it began, however it ended; None if there is none."""
    rows = _rows(lake, job, "intent")
    return _batch(max(rows, key=_order)) if rows else None


def has_failed(lake: Lake, batch: Batch) -> bool:
    """Whether an attempt at a batch has failed and said so."""
    return any(row["batch"] == batch.name and row["status"] == FAILED for row in _rows(lake, batch.job, "outcome"))


def last_outcome(lake: Lake, job: str) -> Outcome | None:
    """Return how a job's newest batch ended, its counts and failures left out; None if there is none."""
    rows = [row for row in _rows(lake, job, "outcome") if row["status"] in (COMPLETE, HELD)]
    if not rows:
        return None
    newest = max(rows, key=lambda row: (row["generation"], row["number"]))
    return Outcome(_batch(newest), newest["status"], dict(newest["writes"]))


def next_batch(lake: Lake, job: str) -> tuple[int, int]:
    """Return generation and number of a job's next batch: the one left unfinished, or one more than the last."""
    # A failure that wrote nothing is over: the next try may start from other inputs.
    ended = {
        (row["generation"], row["number"])
        for row in _rows(lake, job, "outcome")
        if row["status"] in (COMPLETE, HELD) or not row["writes"]
    }
    begun = {(row["generation"], row["number"]) for row in _rows(lake, job, "intent")}
    if begun - ended:
        return max(begun - ended)
    return (max(ended)[0], max(ended)[1] + 1) if ended else (1, 0)


def newest_generation(lake: Lake, job: str) -> int:
    """Return the newest generation that a job has begun a batch in; 0 if it never began one."""
    return max((row["generation"] for row in _rows(lake, job, "intent")), default=0)


def unfinished(lake: Lake, job: str) -> tuple[str, ...]:
    """Return the names of a job's batches that began and never ended."""
    ended = {row["batch"] for row in _rows(lake, job, "outcome") if row["status"] in (COMPLETE, HELD)}
    return tuple(sorted({row["batch"] for row in _rows(lake, job, "intent")} - ended))


def under_way(book: Sequence[Mapping[str, Any]], streams: Collection[str]) -> list[Batch]:
    """Return the batches that have begun and that their job, or its next run, will end: of each job only the newest can
    be one. ``streams`` are the jobs that are streams."""
    newest: dict[str, Mapping[str, Any]] = {}
    for row in book:
        held = newest.get(row["job"])
        if row["kind"] == "intent" and (held is None or _order(row) >= _order(held)):
            newest[row["job"]] = row
    ended = {
        row["batch"]
        for row in book
        if row["kind"] == "outcome"
        # A failure that wrote nothing is over, except where Spark's own progress brings the same batch again.
        and (row["status"] in (COMPLETE, HELD) or (not row["writes"] and row["job"] not in streams))
    }
    return [_batch(row) for row in newest.values() if row["batch"] not in ended]


def new_batch(
    lake: Lake,
    job: str,
    generation: int,
    number: int,
    *,
    now: datetime,
    as_of: datetime | None,
    known: datetime | None,
    inputs_key: str,
    reads: Mapping[str, int],
    definitions: Mapping[str, str],
    before: Mapping[str, int] | None = None,
) -> Batch:
    """Make a batch that has not begun. Its run id is derived from lake and name, so a retry has the same."""
    run_id = str(uuid.uuid5(uuid.UUID(lake.lake_id), f"{job}/{generation}/{number}"))
    return Batch(
        job, generation, number, run_id, now, as_of, known, inputs_key,
        dict(reads), dict(definitions), dict(before or {}),
    )  # fmt: skip


def _order(row: Mapping[str, Any]) -> tuple[int, int, datetime]:
    return row["generation"], row["number"], row["recorded_at"]


def _rows(lake: Lake, job: str, kind: str) -> list[dict[str, Any]]:
    return [row for row in book_rows(lake) if row["job"] == job and row["kind"] == kind]


def _append(lake: Lake, batch: Batch, kind: str, outcome: Outcome, now: datetime) -> None:
    row = {
        "tenant": None,
        "job": batch.job,
        "generation": batch.generation,
        "number": batch.number,
        "batch": batch.name,
        "kind": kind,
        "status": outcome.status,
        "run_id": batch.run_id,
        "recorded_at": now,
        "as_of": batch.as_of,
        "known": batch.known,
        "inputs_key": batch.inputs_key,
        "reads": dict(batch.reads),
        "writes": dict(outcome.writes),
        "definitions": dict(batch.definitions),
        "counts": [vars(count) for count in outcome.counts],
        "quality": [vars(result) for result in outcome.quality],
        "error": outcome.error,
    }
    # Failures of one batch may follow each other: the table's version makes each row's transaction its own.
    before = lake.version(BOOK)
    after = lake.append_local(BOOK, [row], app_id=f"{batch.name}:{kind}", app_version=before)
    known, rows = _BOOKS.get(lake.table_path(BOOK), (None, []))
    if known is not None and known[1] == before == after - 1:
        _BOOKS[lake.table_path(BOOK)] = ((known[0], after), [*rows, row])


def _batch(row: Mapping[str, Any]) -> Batch:
    return Batch(
        job=row["job"],
        generation=row["generation"],
        number=row["number"],
        run_id=row["run_id"],
        recorded_at=row["recorded_at"],
        as_of=row["as_of"],
        known=row["known"],
        inputs_key=row["inputs_key"],
        reads=dict(row["reads"]),
        definitions=dict(row["definitions"]),
        before=dict(row["writes"]) if row["kind"] == "intent" else {},
    )

"""The book of micro-batches, ``ops.batches``: an intent before the first write, an outcome after the last."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from leadhouse.jobs.runtime.book import (
    BOOK,
    RUNNING,
    book_rows,
    key_of,
    note_own,
    read_book,
)
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.place import Place

RELEASED, REJECTED = "released", "rejected"
"""A person's word on a held batch."""


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
    page, key = read_book(lake).page(job), (generation, number)
    if page.newest is not None and key_of(page.newest) == key:
        return _batch(page.newest)
    if key in page.begun:
        return _batch(page.begun[key])
    if key not in page.ended:
        return None
    known = [row for row in book_rows(lake) if (row["job"], row["kind"]) == (job, "intent") and key_of(row) == key]
    return _batch(max(known, key=lambda row: row["recorded_at"]))


def newest_intent(lake: Lake, job: str) -> Batch | None:
    """Return a job's newest batch as it began, however it ended; None if there is none."""
    newest = read_book(lake).page(job).newest
    return None if newest is None else _batch(newest)


def has_failed(lake: Lake, batch: Batch) -> bool:
    """Whether an attempt at a batch has failed and said so."""
    return (batch.generation, batch.number) in read_book(lake).page(batch.job).failed


def last_outcome(lake: Lake, job: str) -> Outcome | None:
    """Return how a job's newest batch ended, its counts and failures left out; None if there is none."""
    last = read_book(lake).page(job).last
    return None if last is None else Outcome(_batch(last), last["status"], dict(last["writes"]))


def next_batch(lake: Lake, job: str) -> tuple[int, int]:
    """Return generation and number of a job's next batch: the one left unfinished, or one more than the last."""
    return read_book(lake).page(job).next_key()


def newest_generation(place: Place, job: str) -> int:
    """Return the newest generation that a job has begun a batch in; 0 if it never began one."""
    newest = read_book(place).page(job).newest
    return 0 if newest is None else int(newest["generation"])


def unfinished(lake: Lake, job: str) -> tuple[str, ...]:
    """Return the names of a job's batches that began and never ended."""
    return tuple(sorted(row["batch"] for row in read_book(lake).page(job).begun.values()))


def under_way(place: Place, streams: Collection[str]) -> list[Batch]:
    """Return the batches that have begun and that their job, or its next run, will end: of each job only the newest can
    be one. ``streams`` are the jobs that are streams: to them Spark's own progress brings a batch that failed before it
    wrote anything again, to others nothing does."""
    found = []
    for job, page in read_book(place).pages.items():
        if page.newest is None:
            continue
        key = key_of(page.newest)
        if key not in page.ended and (key not in page.over or job in streams):
            found.append(_batch(page.newest))
    return found


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
    note_own(lake, row, before, after)


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

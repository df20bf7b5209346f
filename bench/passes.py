"""What a lake's book says about passes through the jobs: when what came in was decided, and what each job took."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from leadhouse.bench.clicks import SOURCE, due_at
from leadhouse.jobs.runtime.book import BOOK, COMPLETE, RUNNING, book_rows
from leadhouse.jobs.runtime.place import CARD, find_place

Decided = list[tuple[datetime, datetime]]
"""Of each signal when it was due, and when the decisions that know of it were made."""

_RECORDS = "bronze.records"
_JOBS = ("topics", "refine", "feature", "score", "decide")


def seconds_by_job(lake: Path, since: datetime) -> dict[str, float]:
    """Return the median seconds of each job's batches since a moment, and of what lies between a pass's batches."""
    book = book_rows(find_place(lake))
    begun = {row["batch"]: row["recorded_at"] for row in book if row["kind"] == "intent"}
    spans: dict[str, list[tuple[datetime, datetime]]] = {job: [] for job in _JOBS}
    for job in _JOBS:
        ended = _ended(book, job)
        spans[job] = sorted((begun[name], end) for name, end in ended.items() if begun[name] >= since)
    taken = {
        job: statistics.median([(end - begin).total_seconds() for begin, end in found])
        for job, found in spans.items()
        if found
    }
    passes = [begin for begin, _ in spans["decide"]]
    if len(passes) > 1:
        whole = statistics.median([(later - begin).total_seconds() for begin, later in pairwise(passes)])
        taken["between"] = whole - sum(taken.values())
    return taken


def decided_clicks(lake: Path) -> Decided:
    """Of each signal in the lake whose decision is made: when the batch of decisions that knows of it was complete.

    Which batch that is says the book: the jobs take turns, so what a batch of one job has written is read by the next
    batch of the job after it.
    """
    if not (lake / CARD).is_file():
        return []
    place = find_place(lake)
    if not all(place.exists(table) for table in (_RECORDS, BOOK)):
        return []
    book = [row for row in book_rows(place) if row["status"] in (RUNNING, COMPLETE)]
    decided = {}
    for name, taken in _ended(book, "topics").items():
        after: datetime | None = taken
        for job in ("refine", "decide"):
            after = _next_outcome(book, job, after) if after else None
        if after:
            decided[name] = after
    records = place.dataset(_RECORDS).to_table(columns=["source", "raw", "batch"]).to_pylist()
    return [
        (due_at(record["raw"]), decided[record["batch"]])
        for record in records
        if record["source"] == SOURCE and record["batch"] in decided
    ]


def _ended(book: Sequence[Mapping[str, Any]], job: str) -> dict[str, datetime]:
    """When each batch of a job was complete."""
    return {row["batch"]: row["recorded_at"] for row in book if row["job"] == job and row["kind"] == "outcome"}


def _next_outcome(book: Sequence[Mapping[str, Any]], job: str, moment: datetime) -> datetime | None:
    """When the first batch of a job that began after a moment was complete; None if it isn't yet."""
    begun = [
        (row["recorded_at"], row["batch"])
        for row in book
        if row["job"] == job and row["kind"] == "intent" and row["recorded_at"] >= moment
    ]
    return _ended(book, job).get(min(begun)[1]) if begun else None

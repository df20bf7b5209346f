"""What maintenance must leave alone: versions that an unfinished batch reads, and what a stream has not taken yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leadhouse.jobs.runtime.batches import COMPLETE, HELD, book_rows
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.progress import is_through, untaken_from


@dataclass(frozen=True)
class Pins:
    """What of each table must stay."""

    versions: Mapping[str, tuple[int, ...]]
    """Versions that the intent of an unfinished batch names: a retry reads exactly those."""
    floors: Mapping[str, int]
    """Per streamed table whose stream has taken everything: the version from which it reads on."""
    behind: Mapping[str, str]
    """Streamed tables of which a job has not taken everything, and that job: their files and log stay as they are."""

    def floor(self, table: str, newest: int) -> int:
        """Return the oldest version of a table that somebody still needs."""
        return min([newest, *self.versions.get(table, ()), *([self.floors[table]] if table in self.floors else [])])


def find_pins(place: Place, streams: Mapping[str, str]) -> Pins:
    """Look up what must stay. ``streams``: streaming job → the table that it reads as a stream."""
    book = book_rows(place)
    versions: dict[str, set[int]] = {}
    for row in _unfinished(book, streams):
        for table, version in dict(row["reads"]).items():
            # A table that was made anew since then starts again at 0: what the batch read is gone anyhow.
            if place.exists(table) and version <= place.version(table):
                versions.setdefault(table, set()).add(version)
    floors: dict[str, int] = {}
    behind: dict[str, str] = {}
    for job, table in streams.items():
        generation = max((row["generation"] for row in book if row["job"] == job), default=0)
        folder = place.checkpoint_path(job, max(generation, 1))
        if not folder.is_dir():
            continue  # a new generation will begin with the table as it stands then
        position = untaken_from(folder, str(place.open(table).metadata().id))
        if position is not None and is_through(place, table, folder):
            floors[table] = position
        else:
            behind[table] = job
    return Pins({table: tuple(sorted(found)) for table, found in versions.items()}, floors, behind)


def _unfinished(book: Sequence[Mapping[str, Any]], streams: Mapping[str, str]) -> list[Mapping[str, Any]]:
    """Return the intents that the next run takes up: of each job only the newest can be one."""
    newest: dict[str, Mapping[str, Any]] = {}
    for row in book:
        if row["kind"] == "intent" and _order(row) >= _order(newest.get(row["job"])):
            newest[row["job"]] = row
    ended = {
        row["batch"]
        for row in book
        if row["kind"] == "outcome"
        # A failure that wrote nothing is over, except where Spark's own progress brings the same batch again.
        and (row["status"] in (COMPLETE, HELD) or (not row["writes"] and row["job"] not in streams))
    }
    return [row for row in newest.values() if row["batch"] not in ended]


def _order(row: Mapping[str, Any] | None) -> tuple[Any, ...]:
    return (row["generation"], row["number"], row["recorded_at"]) if row else (-1, -1)

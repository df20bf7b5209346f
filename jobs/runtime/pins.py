"""What maintenance must leave alone: versions that an unfinished batch reads, and what a stream has not taken yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from leadhouse.jobs.runtime.batches import newest_generation, under_way
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
    versions: dict[str, set[int]] = {}
    for batch in under_way(place, streams):
        # Other jobs read what it writes as it was before.
        for table, version in (*batch.reads.items(), *batch.before.items()):
            # A table that was made anew since then starts again at 0: what the batch read is gone anyhow.
            if place.exists(table) and version <= place.version(table):
                versions.setdefault(table, set()).add(version)
    floors: dict[str, int] = {}
    behind: dict[str, str] = {}
    for job, table in streams.items():
        folder = place.checkpoint_path(job, max(newest_generation(place, job), 1))
        if not folder.is_dir():
            continue  # a new generation will begin with the table as it stands then
        position = untaken_from(folder, str(place.open(table).metadata().id))
        if position is not None and is_through(place, table, folder):
            floors[table] = position
        else:
            behind[table] = job
    return Pins({table: tuple(sorted(found)) for table, found in versions.items()}, floors, behind)

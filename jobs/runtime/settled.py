"""What a job sees of the lake: tables as they stand, or, where other jobs write them, with no batch in its midst."""

from __future__ import annotations

from leadhouse.jobs.runtime.batches import last_outcome, under_way
from leadhouse.jobs.runtime.book import BOOK
from leadhouse.jobs.runtime.job import JobSpec
from leadhouse.jobs.runtime.lake import Lake


def settled_versions(lake: Lake, spec: JobSpec, beside: tuple[JobSpec, ...] = ()) -> dict[str, int]:
    """Return the version at which a job is to see each table that it reads or is triggered by.

    Without other jobs ``beside`` it that is the newest. With them, it is the newest at which none of them was in the
    midst of a batch: each batch's intent says how it found the tables that it writes. Tables that the spec wants
    ``as_read_by`` another job are no newer than what that job has made of them.
    """
    tables = tuple(dict.fromkeys((*spec.reads, *spec.triggers)))
    if not beside:
        return {table: lake.version(table) for table in tables}
    names, streams = {other.name for other in beside}, {other.name for other in beside if other.stream}
    while True:
        book = lake.version(BOOK)
        batches = [batch for batch in under_way(lake, streams) if batch.job in names]
        versions = {table: lake.version(table) for table in tables}
        # A batch that began after the look into the book may have written before the look at the tables.
        if lake.version(BOOK) == book:
            break
    for batch in batches:
        for table in versions.keys() & batch.before.keys():
            versions[table] = min(versions[table], batch.before[table])
    for table, job in spec.as_read_by.items():
        last = last_outcome(lake, job)
        read = versions[table] if last is None else min(versions[table], last.batch.reads.get(table, versions[table]))
        # What maintenance has written since holds the same rows, and may have let go the files of before.
        if lake.state(table, read) != lake.state(table, versions[table]):
            versions[table] = read
    return versions

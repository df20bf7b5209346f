"""Whether tables hold what the book says that batches wrote: a stream with an old checkpoint would never look back.

A table that is gone is made anew at version 0, and one that another program emptied is as sound as any other. Derived
tables are computed again; of the others what is gone must be said before anything is built on the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.runtime import retention
from leadhouse.jobs.runtime.batches import unfinished
from leadhouse.jobs.runtime.book import BOOK, ENDED, book_rows
from leadhouse.jobs.runtime.finding import WRONG, Finding
from leadhouse.jobs.runtime.lake import Lake

CHECK = "losses"
ACCOUNTS: Mapping[str, tuple[tuple[str, ...], str | None]] = {
    "bronze.records": (("fetched",), "expired"),
    "silver.items": (("accepted", "duplicate", "superseded"), None),
    "silver.quarantine": (("quarantined",), "expired_quarantine"),
}
"""Tables of which the ledger tells how many rows there are at least: what is counted in, and what retention took."""
_REMEDY = "restore the table's folder from a backup; without one, let a new lake take the landing folder and topics"


def lost_tables(lake: Lake) -> list[Finding]:
    """Find the tables that hold less than batches have written: from the book and the logs alone, in milliseconds.

    The logs must be whole, see ``torn_logs``.
    """
    book = book_rows(lake) if lake.exists(BOOK) else []
    if not book:
        return list(_without_book(lake))
    versions = _versions(book)
    return [*_removed(lake, versions), *_emptied(lake, book)]


def _without_book(lake: Lake) -> Iterator[Finding]:
    # Nothing is written before its intent. Without a book, batches would be numbered as others were before, whose
    # writes are there: Delta would skip them.
    if filled := [table for table in ACCOUNTS if lake.exists(table) and _rows(lake, table)]:
        yield _wrong(f"{BOOK}: expected the batches that wrote {', '.join(filled)}; got none")


def _removed(lake: Lake, versions: Mapping[str, int]) -> Iterator[Finding]:
    for table, version in sorted(versions.items()):
        newest = lake.version(table) if lake.exists(table) else None
        if newest is None or newest < version:
            came = "it is gone" if newest is None else f"its newest is {newest}"
            yield _wrong(f"{table}: expected version {version}, as a batch in {BOOK} used it; {came}")


def _emptied(lake: Lake, book: list[dict[str, Any]]) -> Iterator[Finding]:
    if unfinished(lake, retention.JOB):
        return  # rows are gone that are not in the ledger yet
    counts = _counts(book)
    for table, (measures, gone) in ACCOUNTS.items():
        expected = sum(counts[measure] for measure in measures) - (counts[gone] if gone else 0)
        if lake.exists(table) and (rows := _rows(lake, table)) < expected:
            yield _wrong(f"{table}: expected at least {expected:,} rows, as the ledger has it; got {rows:,}")


def _versions(book: list[dict[str, Any]]) -> dict[str, int]:
    """Return the newest version that a batch read or wrote of each table that nothing can derive again."""
    found: dict[str, int] = {}
    for row in book:
        for table, version in (*dict(row["reads"]).items(), *dict(row["writes"]).items()):
            if table in table_specs() and table_specs()[table].storage != "derived":
                found[table] = max(version, found.get(table, 0))
    return found


def _counts(book: list[dict[str, Any]]) -> Counter[str]:
    """Add up the ledger; a batch that was done again has two outcomes of one content."""
    ended = {row["batch"]: row["counts"] for row in book if row["status"] in ENDED}
    counts: Counter[str] = Counter()
    for entries in ended.values():
        for entry in entries:
            counts[entry["measure"]] += entry["rows"]
    return counts


def _rows(lake: Lake, table: str) -> int:
    files = pa.table(lake.open(table).get_add_actions(flatten=True))
    return int(pc.sum(files.column("num_records")).as_py() or 0)


def _wrong(what: str) -> Finding:
    return Finding(CHECK, WRONG, what, _REMEDY)

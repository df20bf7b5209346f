"""The book of batches as this process knows it: what it says of each job by now, folded from its rows one by one.

A batch asks the book ten times. To keep a long book's rows would cost memory with every batch, and to look through them
time; but a job needs to know no more than how its newest batches began and ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leadhouse.jobs.runtime.place import Place

BOOK = "ops.batches"
"""The table that the runner writes for every job; its writes are told apart as ``job/generation/number:kind``."""
COMPLETE, HELD, FAILED, RUNNING = "complete", "held", "failed", "running"
ENDED = (COMPLETE, HELD)

Row = Mapping[str, Any]
Key = tuple[int, int]
"""Generation and number of a job's batch."""

_MAPS = ("reads", "writes", "definitions")
_COLUMNS = (
    "job", "generation", "number", "batch", "kind", "status", "run_id", "recorded_at", "as_of", "known", "inputs_key",
    *_MAPS,
)  # fmt: skip
"""What is asked for; the counts and what was observed are most of a row."""


@dataclass
class Page:
    """What the book says of one job."""

    newest: Row | None = None
    """How the newest batch began; of several intents of it the latest."""
    last: Row | None = None
    """How the newest batch that was complete or held ended."""
    begun: dict[Key, Row] = field(default_factory=dict)
    """How each batch began that was neither complete nor held yet."""
    ended: set[Key] = field(default_factory=set)
    """Batches that were complete or held."""
    over: set[Key] = field(default_factory=set)
    """Batches of which an attempt failed before it wrote anything."""
    failed: set[Key] = field(default_factory=set)
    """Batches of which an attempt failed."""

    def take(self, row: Row) -> None:
        """Take note of a row of the job's. Rows may come in any order, and twice."""
        key = key_of(row)
        if row["kind"] == "intent":
            if self.newest is None or _order(row) >= _order(self.newest):
                self.newest = row
            held = self.begun.get(key)
            if key not in self.ended and (held is None or _order(row) >= _order(held)):
                self.begun[key] = row
        elif row["status"] in ENDED:
            self.ended.add(key)
            self.begun.pop(key, None)
            if self.last is None or _order(row) >= _order(self.last):
                self.last = row
        else:
            self.failed |= {key} if row["status"] == FAILED else set()
            self.over |= set() if row["writes"] else {key}

    def next_key(self) -> Key:
        """Return generation and number of the next batch: of the one left unfinished, or one more than the last.

        A failure that wrote nothing is over: the next try may start from other inputs.
        """
        if unfinished := self.begun.keys() - self.over:
            return max(unfinished)
        if not self.ended and not self.over:
            return 1, 0
        generation, number = max(self.ended | self.over)
        return generation, number + 1


@dataclass
class Book:
    """The book up to a version of its table."""

    table_id: str
    version: int = -1
    pages: dict[str, Page] = field(default_factory=dict)

    def page(self, job: str) -> Page:
        """Return what is known of a job; an empty page if it has begun nothing yet."""
        return self.pages.get(job, Page())

    def take(self, row: Row) -> None:
        """Take note of a row of the table; its maps may be lists of entries, as Arrow gives them."""
        kept = {name: dict(row[name]) if name in _MAPS else row[name] for name in _COLUMNS}
        self.pages.setdefault(row["job"], Page()).take(kept)


_BOOKS: dict[str, Book] = {}
"""Per path of its table the book as this process last knew it."""


def read_book(place: Place) -> Book:
    """Return the book as it stands. Only what somebody else has written since the last time is read from disk."""
    opened = place.open(BOOK)
    table_id, version = str(opened.metadata().id), opened.version()
    book = _BOOKS.get(place.table_path(BOOK))
    if book is not None and (book.table_id, book.version) == (table_id, version):
        return book
    new = None
    if book is not None and book.table_id == table_id:
        new = place.appended(BOOK, book.version, version)
    if book is None or new is None:
        book, new = Book(table_id), place.dataset(BOOK, version).to_table(columns=list(_COLUMNS))
    for row in new.select(list(_COLUMNS)).to_pylist():
        book.take(row)
    book.version = version
    _BOOKS[place.table_path(BOOK)] = book
    return book


def note_own(place: Place, row: Row, before: int, after: int) -> None:
    """Take note of a row that this process has appended, by which the table went from one version to another."""
    book = _BOOKS.get(place.table_path(BOOK))
    if book is not None and book.version == before == after - 1:
        book.take(row)
        book.version = after


def book_rows(place: Place) -> list[dict[str, Any]]:
    """Return all rows of the book as they are on disk, with their counts: for what looks through its whole history."""
    rows: list[dict[str, Any]] = place.dataset(BOOK).to_table().to_pylist()
    return rows


def key_of(row: Row) -> Key:
    """Return generation and number of the batch that a row is about."""
    return row["generation"], row["number"]


def _order(row: Row) -> tuple[Any, ...]:
    return (*key_of(row), row["recorded_at"])

"""The rows of a sample, as columns of text."""

from __future__ import annotations

from dataclasses import dataclass

MAX_ROWS = 20_000
MAX_CELLS = 3_000_000
MAX_COLUMNS = 2_000


@dataclass(frozen=True)
class SampleColumn:
    """One column of a sample."""

    physical_name: str
    """As in the header, or the dotted path in the JSON payload."""
    values: list[str | None]
    """One per row; None where a JSON payload lacks the key or holds null. CSV's empty cells are ``""``."""
    kinds: frozenset[str] = frozenset({"string"})
    """JSON kinds seen: string, integer, number, boolean. CSV knows only strings."""


@dataclass(frozen=True)
class Table:
    """The rows of a sample."""

    format: str
    """``csv`` or ``json``."""
    columns: tuple[SampleColumn, ...]
    rows: int
    complete: bool
    """Whether these are all the rows of the file."""
    separator: str = ","
    quote: str = '"'
    items: str | None = None
    """Dotted path of the array whose elements are the rows; ``$``: each line is an array; None: each line is a row."""
    skipped: tuple[tuple[str, str], ...] = ()
    """Columns that can't become fields, each with the reason."""
    doubts: tuple[str, ...] = ()

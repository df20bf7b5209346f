"""How a source's files are written, as far as cutting them into records goes: format, marks, encoding and header."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass

from leadhouse.conf.errors import InputError

LONGEST_LINE = 64 * 1024 * 1024
"""A longer line (in bytes) is cut into records of this size, so that no file needs more memory than there is."""

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Splitting:
    """How a file's bytes are cut into records. The marks are as they are encoded in the file."""

    newline: bytes
    carriage_return: bytes
    quote: bytes
    """Empty where nothing is quoted."""
    separator: bytes
    max_record_bytes: int
    """A quote that is still open after so many bytes is taken for a stray one: its record ends with its first line."""
    has_header: bool = False
    """Whether a file's first record names its columns."""
    longest_line: int = LONGEST_LINE

    @property
    def unit(self) -> int:
        """Bytes of one code unit: 1, 2 or 4."""
        return len(self.newline)


def splitting_of(*, format: str, separator: str, quote: str, encoding: str, max_record_bytes: int) -> Splitting:
    """Return how files of a contract's shape are cut into records.

    Raises InputError for a format, an encoding or a mark by which bytes can't be cut.
    """
    problem = shape_problem(format=format, separator=separator, quote=quote, encoding=encoding)
    if problem:
        raise InputError(problem)
    is_csv = format == "csv"
    return Splitting(
        newline="\n".encode(encoding),
        carriage_return="\r".encode(encoding),
        quote=quote.encode(encoding) if is_csv else b"",
        separator=separator.encode(encoding) if is_csv else b"",
        max_record_bytes=min(max_record_bytes, LONGEST_LINE),
        has_header=is_csv,
    )


def shape_problem(*, format: str, separator: str, quote: str, encoding: str) -> str | None:
    """Return why files of this shape can't be cut into records, or None."""
    if format not in ("csv", "json"):
        return f"format: expected 'csv' or 'json'; got {format!r}"
    try:
        name = codecs.lookup(encoding).name
        marks = "\r\n\"'".encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return f"encoding: expected one that Python and Java know, such as 'utf-8' or 'windows-1252'; got {encoding!r}"
    if name in ("utf-16", "utf-32"):
        return f"encoding: expected '{name}le' or '{name}be', since records carry no byte order mark; got {encoding!r}"
    if marks.replace(b"\0", b"") != b"\r\n\"'" or name == "utf-8-sig":
        return f"encoding: expected one that writes a newline as ASCII does, such as 'utf-8'; got {encoding!r}"
    if name.startswith(("iso2022", "hz", "utf-7")):
        return f"encoding: expected one that keeps no state between characters, such as 'utf-8'; got {encoding!r}"
    if format == "csv":
        unit = len("\n".encode(encoding))
        return _mark_problem("separator", separator, encoding, unit) or (
            _mark_problem("quote", quote, encoding, unit) if quote else None
        )
    return None


def _mark_problem(what: str, mark: str, encoding: str, unit: int) -> str | None:
    try:
        encoded = mark.encode(encoding)
    except UnicodeEncodeError:
        encoded = b""
    if not encoded or any(character in mark for character in "\r\n") or (what == "quote" and len(encoded) != unit):
        return f"{what}: expected one character of {encoding} that is no line end; got {mark!r}"
    return None


def byte_order_mark(head: bytes, encoding: str) -> int:
    """Return how many bytes of byte order mark a file begins with.

    Raises InputError if the mark is one of another encoding than the contract's.
    """
    name = codecs.lookup(encoding).name
    for mark, meant in _MARKS:
        if head.startswith(mark):
            if meant != name:
                raise InputError(f"expected {encoding}; its byte order mark says {meant}; correct the contract")
            return len(mark)
    return 0


def header_columns(header: bytes, *, encoding: str, separator: str, quote: str) -> tuple[str, ...]:
    """Return the column names in a CSV file's header record; bytes that don't decode become U+FFFD.

    Raises InputError for a header that holds a carriage return alone outside quotes: its file's lines may all end so.
    """
    text = header.decode(encoding, errors="replace")
    try:
        rows = list(
            csv.reader(
                io.StringIO(text, newline=""),
                delimiter=separator,
                quotechar=quote or None,
                quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            )
        )
    except (csv.Error, TypeError):  # a field above csv's limit, a separator of two characters
        return tuple(text.split(separator))
    if len(rows) > 1:
        raise InputError("expected lines that end in a newline; its header holds a carriage return alone; save it anew")
    return tuple(rows[0]) if rows else ()

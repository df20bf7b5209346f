"""A CSV sample's shape (separator, quote, header) and rows."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator

from leadhouse.conf.errors import InputError
from leadhouse.expectations.sample_table import MAX_CELLS, MAX_COLUMNS, MAX_ROWS, SampleColumn, Table

SEPARATORS = ",;\t|"
_FIELD_LIMIT = 32_000_000
_PROBE = 200_000
_DATA = (
    re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),  # e-mail
    re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?"),  # date
    re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"),
    re.compile(r"[0-9a-f]{32}"),
)
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*")
_YEAR = re.compile(r"(19|20)\d\d")


def read_csv(text: str, file: str, complete: bool) -> Table:
    """Read a CSV text with a header.

    ``file`` names it in messages, ``complete`` says whether the text is the whole file. Raises InputError where the
    first line is no header or nothing follows it.
    """
    csv.field_size_limit(_FIELD_LIMIT)
    separator, quote = detect_shape(text)
    first = next(_records(text[:_PROBE], separator, quote), [])
    _refuse_preamble(text, file, len(first))
    records = _records(text, separator, quote)
    header = next(records, [])
    limit = max(100, min(MAX_ROWS, MAX_CELLS // max(len(header), 1)))
    rows = list(itertools.islice(records, limit + 1))
    more = len(rows) > limit
    if not complete and not more:
        rows = rows[:-1]  # the last record may have lost its end
    rows = rows[:limit]
    doubts = _row_doubts(header, rows)
    rows = [row for row in rows if len(row) == len(header)] or rows
    if not rows:
        raise InputError(f"{file}: expected records after the header; got none; take a sample with some hundred rows")
    _refuse_title(header, rows, file)
    _refuse_headless(header, rows, file)
    columns, skipped = _columns(header, rows)
    if not columns:
        raise InputError(f"{file}: expected a header with column names in the first line; got only empty ones")
    return Table(
        "csv", columns, len(rows), complete and not more, separator, quote, skipped=skipped, doubts=tuple(doubts)
    )


def detect_shape(text: str) -> tuple[str, str]:
    """Return the separator and the quote under which most records have as many cells as the header."""
    probe = text[:_PROBE]
    whole = len(text) <= _PROBE
    quote = "'" if _quoting(probe, "'") > 2 * _quoting(probe, '"') + 2 else '"'
    return max(SEPARATORS, key=lambda separator: _fit(probe, separator, quote, whole)), quote


def _quoting(probe: str, quote: str) -> int:
    return len(
        re.findall(rf"(?:^|[{SEPARATORS}]){quote}[^{quote}\n]*{quote}(?=[{SEPARATORS}\r\n]|$)", probe, re.MULTILINE)
    )


def _fit(probe: str, separator: str, quote: str, whole: bool) -> float:
    records = list(itertools.islice(_records(probe, separator, quote), 500))
    if not whole and len(records) > 2:
        records = records[:-1]
    widths = Counter(len(record) for record in records)
    if not widths or len(records[0]) == 1:
        return 0.0
    share = widths[len(records[0])] / len(records)
    return share * (1 + math.log2(len(records[0])))


def _records(text: str, separator: str, quote: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quotechar=quote)
    return (record for record in reader if record)


def _refuse_preamble(text: str, file: str, width: int) -> None:
    """Refuse lines above the header; ``width``: the cells of the first line. Where they are more than a separator would
    make of the others, that one stands within their cells, as in ``a|b|c``."""
    lines = text.lstrip("\r\n").splitlines()[:20]
    if lines and re.fullmatch(r"sep=.", lines[0].strip(), re.IGNORECASE):
        raise InputError(
            f"{file}: expected a header in the first line; got Excel's {lines[0].strip()!r}; delete that line"
        )
    for separator in SEPARATORS:
        counts = [line.count(separator) for line in lines]
        usual = Counter(counts[1:]).most_common(1)[0] if len(counts) > 4 else (0, 0)
        if counts and counts[0] == 0 and usual[0] >= max(2, width) and usual[1] >= len(counts) * 0.6:
            raise InputError(
                f"{file}: expected a header of about {usual[0] + 1} columns in the first line; got {lines[0][:60]!r}; "
                f"delete the lines above the header"
            )


def _refuse_title(header: list[str], rows: list[list[str]], file: str) -> None:
    """A title with empty cells beside it is no header: most columns would have no name."""
    unnamed = [index for index, name in enumerate(header) if not name.strip()]
    filled = [index for index in unnamed if sum(bool(row[index : index + 1] and row[index]) for row in rows[:200]) > 1]
    if len(filled) * 2 > len(header):
        raise InputError(
            f"{file}: expected column names in the first line; {len(filled)} of its {len(header)} cells are empty, "
            "though their columns are filled; delete the lines above the header"
        )


def _refuse_headless(header: list[str], rows: list[list[str]], file: str) -> None:
    cells = [cell.strip() for cell in header if cell.strip()]
    data = [cell for cell in cells if any(pattern.fullmatch(cell) for pattern in _DATA)]
    numbers = [cell for cell in cells if _NUMBER.fullmatch(cell) and not _YEAR.fullmatch(cell)]
    repeated = [
        index
        for index, cell in enumerate(header)
        if cell.strip() and sum(len(row) > index and row[index] == cell for row in rows[:2000]) >= 2
    ]
    again = any(row == header for row in rows)
    if data or len(numbers) * 2 >= len(cells) > 0 or (len(repeated) * 2 > len(cells) and not again):
        shown = next(iter(data or numbers), header[0] if header else "")
        what = "an e-mail address, date or id" if data else "a number" if numbers else "a value that comes again below"
        raise InputError(
            f"{file}: expected column names in the first line; got data ({what} in column "
            f"{[cell.strip() for cell in header].index(shown.strip()) + 1}); add a header line"
        )


def _row_doubts(header: list[str], rows: list[list[str]]) -> list[str]:
    doubts = []
    ragged = sum(len(row) != len(header) for row in rows)
    if ragged:
        doubts.append(
            f"{ragged:,} of {len(rows):,} records have more or fewer cells than the header's {len(header)}; "
            f"they would be quarantined; check the separator and the quotes"
        )
    if any(row == header for row in rows):
        doubts.append(
            "the header line comes again among the records (several exports in one file?); delete the repeats"
        )
    if any(cell.count("\n") > 200 for row in rows for cell in row):
        doubts.append("a quoted cell spans more than 200 lines: a quote may be unclosed; check it")
    return doubts


def _columns(header: list[str], rows: list[list[str]]) -> tuple[tuple[SampleColumn, ...], tuple[tuple[str, str], ...]]:
    columns: list[SampleColumn] = []
    skipped: list[tuple[str, str]] = []
    seen: set[str] = set()
    for index, name in enumerate(header):
        values: list[str | None] = [row[index] if index < len(row) else "" for row in rows]
        filled = sum(bool(value) for value in values)
        if not name.strip():
            skipped.append(
                (f"column {index + 1}", f"it has no name in the header; {filled:,} of {len(rows):,} rows hold a value")
            )
        elif name.strip() in seen:
            skipped.append(
                (name.strip(), f"column {index + 1} has the same name as an earlier one; rename it at the source")
            )
        elif len(columns) >= MAX_COLUMNS:
            skipped.append((name.strip(), f"only the first {MAX_COLUMNS:,} columns are drafted"))
        else:
            seen.add(name.strip())
            columns.append(SampleColumn(name, values))
    return tuple(columns), tuple(skipped)

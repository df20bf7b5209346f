"""Rows on a terminal, as CSV or as JSON: values from anywhere, made safe to print."""

from __future__ import annotations

import base64
import csv
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Any

import pyarrow as pa
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leadhouse.conf.errors import InputError
from leadhouse.jobs.runtime.rows import python_rows

FORMATS = ("table", "csv", "json")
SHOWN_ROWS = 50
_COUNTED_ROWS = 1_000_000
_CELL = 60
_LONG = 2_000
_LEAST = 4
_NARROW = 24
"""A column is given at least this much room if its content needs it."""


def show_rows(reader: pa.RecordBatchReader, form: str, console: Console) -> None:
    """Print rows as a table (the first SHOWN_ROWS), or all of them as CSV or as one JSON array.

    Raises InputError for another format.
    """
    if form not in FORMATS:
        raise InputError(f"--format: expected one of {', '.join(FORMATS)}; got {form!r}")
    if form == "table":
        _show_table(reader, console)
    elif form == "csv":
        _write_csv(reader, console.file)
    else:
        _write_json(reader, console.file)


def show_json(data: object, console: Console) -> None:
    """Print plain data as one JSON document."""
    console.file.write(json.dumps(plain(data), ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def grid(
    title: str | None, columns: Sequence[str], rows: Sequence[Sequence[object]], *, width: int, fold: bool = False
) -> Table:
    """Return a table that fits a terminal: long cells are cut; ``fold``: the last column's take more lines."""
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="bold", box=None, padding=(0, 2, 0, 0)
    )
    last = len(columns) - 1
    texts = [
        [cell(value, _LONG if fold and place == last else _CELL) for place, value in enumerate(row)] for row in rows
    ]
    room = _shared([_room(name, texts, place) for place, name in enumerate(columns)], width - 2 * len(columns))
    for place, name in enumerate(columns):
        numeric = any(isinstance(row[place], int | float) and not isinstance(row[place], bool) for row in rows)
        table.add_column(
            Text(visible(name)),
            justify="right" if numeric else "left",
            overflow="fold" if fold and place == last else "ellipsis",
            no_wrap=not (fold and place == last),
            width=room[place],
        )
    for row in texts:
        table.add_row(*[Text(text) for text in row])
    return table


def plain(value: object) -> Any:
    """Return a value as JSON has it: timestamps as ISO 8601 in UTC, bytes as text or base64, NaN as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return _bytes_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Decimal):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def cell(value: object, width: int = _CELL) -> str:
    """Return a value as one short line for the terminal, its control characters made visible."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return moment_text(value.replace(microsecond=0))
    basis = plain(value)
    text = visible(basis if isinstance(basis, str) else json.dumps(basis, ensure_ascii=False))
    return text if len(text) <= width else text[: width - 1] + "…"


def visible(text: str) -> str:
    """Return a text with control characters escaped: data must not steer the terminal."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def decoded(raw: bytes) -> str:
    """Return bytes as text, as far as they are UTF-8; other bytes stand there as ``\\xNN``, NUL and its like too."""
    return visible(raw.decode("utf-8", errors="backslashreplace"))


def moment_text(moment: datetime) -> str:
    """Return a moment as ISO 8601 in UTC; one without a time zone is taken as it stands."""
    return moment.isoformat() if moment.tzinfo is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _show_table(reader: pa.RecordBatchReader, console: Console) -> None:
    names = reader.schema.names
    shown: list[list[object]] = []
    total = 0
    for batch in reader:
        if len(shown) < SHOWN_ROWS:
            shown += [list(row.values()) for row in python_rows(batch.slice(0, SHOWN_ROWS - len(shown)))]
        total += batch.num_rows
        if total > _COUNTED_ROWS:
            break
    fitting = _fitting(names, shown, console.width)
    console.print(grid(None, names[:fitting], [row[:fitting] for row in shown], width=console.width))
    console.print(Text(_how_many(len(shown), total) + _left_out(names[fitting:]), style="dim"))


def _fitting(names: Sequence[str], rows: Sequence[Sequence[object]], width: int) -> int:
    """Return how many columns have room side by side; the first one always has."""
    texts = [[cell(value) for value in row] for row in rows]
    used = 0
    for place, name in enumerate(names):
        used += min(_NARROW, _room(name, texts, place)) + 2
        if used > width and place:
            return place
    return len(names)


def _room(name: str, texts: Sequence[Sequence[str]], place: int) -> int:
    return max([len(name), *(len(row[place]) for row in texts)])


def _shared(wanted: list[int], width: int) -> list[int]:
    """Return the columns' widths, the widest cut until all fit."""
    room = list(wanted)
    while sum(room) > width and max(room) > _LEAST:
        room[room.index(max(room))] -= 1
    return room


def _left_out(names: Sequence[str]) -> str:
    return f"; no room for {', '.join(names)}" if names else ""


def _how_many(shown: int, total: int) -> str:
    if total > _COUNTED_ROWS:
        return f"the first {shown} of more than {_COUNTED_ROWS:,} rows; all of them with --format csv or json"
    if total > shown:
        return f"the first {shown} of {total:,} rows; all of them with --format csv or json"
    return f"{total:,} row{'' if total == 1 else 's'}"


def _write_csv(reader: pa.RecordBatchReader, file: IO[str]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(reader.schema.names)
    for batch in reader:
        writer.writerows([[_csv_cell(value) for value in row.values()] for row in python_rows(batch)])


def _csv_cell(value: object) -> object:
    basis = plain(value)
    if isinstance(basis, bool):
        return "true" if basis else "false"
    return json.dumps(basis, ensure_ascii=False) if isinstance(basis, dict | list) else basis


def _write_json(reader: pa.RecordBatchReader, file: IO[str]) -> None:
    file.write("[")
    separator = "\n"
    for batch in reader:
        for row in python_rows(batch):
            file.write(separator + json.dumps(plain(row), ensure_ascii=False, allow_nan=False))
            separator = ",\n"
    file.write("\n]\n")


def _bytes_text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(raw).decode()

"""A JSON-lines sample's rows: nested objects become dotted paths, arrays of objects may hold the items."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from leadhouse.conf.errors import InputError
from leadhouse.expectations.sample_arrays import Pick, picks, plain_path
from leadhouse.expectations.sample_table import MAX_CELLS, MAX_COLUMNS, MAX_ROWS, SampleColumn, Table
from leadhouse.transforms.json_path import Name, json_path

_MAX_DEPTH = 12
_WHEN = re.compile(r"time|date|(^|_)(ts|at|on)$")
_WHAT = re.compile(r"type|event|action|kind|name")
_PAGE = 20
_ONE_A_LINE = "expected one JSON object a line"


def read_json(text: str, file: str, complete: bool) -> Table:
    """Read JSON lines; ``file`` names them in messages, ``complete`` says whether the text is the whole file.

    Raises InputError where the lines are no JSON objects, e.g. one pretty-printed document over many lines.
    """
    payloads, broken, more = _payloads(text, file)
    doubts = [f"{broken:,} lines are not valid JSON; they would be quarantined"] if broken else []
    items: str | None = None
    rows: list[Mapping[str, Any]] = [payload for payload in payloads if isinstance(payload, dict)]
    arrays = [payload for payload in payloads if isinstance(payload, list)]
    if len(arrays) > len(rows):
        items, rows = "$", [item for payload in arrays for item in payload if isinstance(item, dict)]
    elif path := _items_path(rows):
        items, rows = path, _items(rows, path)
        doubts.append(
            f"items: each line holds an array {path!r} of what looks like events, so each element is an item; "
            f"paths that begin with '$.' stand beside it"
        )
    if not rows:
        raise InputError(f"{file}: {_ONE_A_LINE}; got lines without objects; check the file")
    rows = rows[: max(100, min(MAX_ROWS, MAX_CELLS // max(len(rows[0]), 1)))]
    found = picks(rows)
    columns, skipped = _columns(rows, found)
    doubts += _picked(found, columns)
    if not columns:
        raise InputError(f"{file}: expected objects with at least one plain value; got only arrays or empty objects")
    return Table("json", columns, len(rows), complete and not more, items=items, skipped=skipped, doubts=tuple(doubts))


def _payloads(text: str, file: str) -> tuple[list[Any], int, bool]:
    payloads: list[Any] = []
    broken = 0
    # not splitlines(): JSON may hold U+2028 and other marks that it takes for line ends
    lines = [line for line in text.split("\n") if line.strip()]
    for line in lines[:MAX_ROWS]:
        try:
            payloads.append(json.loads(line, parse_float=Decimal))
        except (ValueError, RecursionError):
            broken += 1
    if broken > len(payloads):
        pretty = broken > 1 and _is_json(text)
        what = (
            "got one document over several lines; convert it (jq -c '.[]' or jq -c .)"
            if pretty
            else (f"{broken:,} of {len(lines[:MAX_ROWS]):,} lines are no JSON; check the file")
        )
        raise InputError(f"{file}: {_ONE_A_LINE}; {what}")
    return payloads, broken, len(lines) > MAX_ROWS


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text.lstrip()[:2].strip() in ("[", "{")
    return True


def _items_path(rows: list[Mapping[str, Any]]) -> str | None:
    """Return the key of the array of objects that makes up nearly all of each payload, or None.

    Either little stands beside it, or its elements look like events (they say when or what), or are many.
    """
    arrays: dict[str, list[Mapping[str, Any]]] = {}
    counts: Counter[str] = Counter()
    beside: set[str] = set()
    for row in rows:
        for key, value in row.items():
            if isinstance(value, list) and value and isinstance(value[0], dict):
                counts[key] += 1
                arrays.setdefault(key, []).extend(_elements(row, key))
            elif value not in (None, [], {}):
                beside.add(key)
    wide = [
        key for key, count in counts.items() if count >= 0.8 * len(rows) and "." not in key and not _unwritable(key)
    ]
    if len(wide) != 1:
        return None
    keys = {name.lower() for element in arrays[wide[0]] for name in element}
    told = any(_WHEN.search(name) for name in keys) and any(_WHAT.search(name) for name in keys)
    page = len(arrays[wide[0]]) >= _PAGE * len(rows)  # of an API: its records, and how many there are
    return wide[0] if len(beside) <= 1 or told or page else None


def _items(rows: list[Mapping[str, Any]], path: str) -> list[Mapping[str, Any]]:
    """Each element of the arrays as a row, with what stands beside them under the key ``$``."""
    items = []
    for row in rows:
        beside = {key: value for key, value in row.items() if key != path}
        items += [{**element, "$": beside} if beside else element for element in _elements(row, path)]
    return items


def _elements(row: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = row.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _picked(found: Mapping[str, Pick], columns: Iterable[SampleColumn]) -> list[str]:
    """Say of which arrays the elements are fields."""
    used = {plain_path(column.physical_name) for column in columns}
    doubts = []
    for path, pick in found.items():
        if any(name.startswith(f"{path}[]") for name in used):
            how = "never has more than one element, so that one is read"
            if pick.by is not None:
                how = f"names its elements by {pick.by!r}, so each one named in the sample is read as [{pick.by}=...]"
            doubts.append(f"{path}: an array that {how}; check")
    return doubts


def _columns(
    rows: list[Mapping[str, Any]], found: Mapping[str, Pick]
) -> tuple[tuple[SampleColumn, ...], tuple[tuple[str, str], ...]]:
    values: dict[str, list[str | None]] = {}
    kinds: dict[str, set[str]] = {}
    skipped: dict[str, str] = {}
    for index, row in enumerate(rows):
        for path, value in _flat(row, "", 0, skipped, found):
            if path not in values:
                if len(values) >= MAX_COLUMNS:
                    skipped[path] = f"only the first {MAX_COLUMNS:,} paths are drafted"
                    continue
                values[path] = [None] * len(rows)
                kinds[path] = set()
            if value is not None:
                values[path][index] = _text(value)
                kinds[path].add(_kind(value))
    _drop_absent(values, {path for path in values if not kinds[path]}, skipped)
    _drop_clashes(values, skipped)
    _drop_constant(values)
    columns = tuple(SampleColumn(path, cells, frozenset(kinds[path])) for path, cells in values.items())
    return columns, tuple(skipped.items())


def _drop_absent(values: dict[str, list[str | None]], empty: set[str], skipped: Mapping[str, str]) -> None:
    """Drop what is null in some rows and an object or an array in all others: only what is in it has values."""
    above = {path[:end] for path in (*values, *skipped) for end, mark in enumerate(path) if mark in ".["}
    for path in empty & (above | skipped.keys()):
        del values[path]


def _drop_clashes(values: dict[str, list[str | None]], skipped: dict[str, str]) -> None:
    """Drop paths that can't be read beside others: Spark reads a name in one way, whatever its capitals."""
    folded: dict[str, str] = {}
    arrays = {head for path in values for head in _heads(path) if head.endswith("[]")}
    for path in list(values):
        parts = path.lower().split(".")
        above = next((folded[head] for end in range(1, len(parts)) if (head := ".".join(parts[:end])) in folded), None)
        same = folded.setdefault(path.lower(), path)
        if above is not None:
            skipped[path] = f"{above!r} holds a plain value in some rows and an object in others"
            del values[path]
        elif same != path:
            skipped[path] = f"it differs from {same!r} only in capitals"
            del values[path]
        elif any(f"{head}[]" in arrays for head in _heads(path)):
            skipped[path] = "it holds an array in some rows and something else in others"
            del values[path]
    for path in [path for path in values if any(other.startswith(path + ".") for other in skipped)]:
        skipped[path] = "it holds a plain value in some rows and an object or array in others"
        del values[path]


def _heads(path: str) -> list[str]:
    """A path and all that is above it, without which element of an array it is in."""
    parts = plain_path(path.lower()).split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _drop_constant(values: dict[str, list[str | None]]) -> None:
    """Drop what only repeats which element of an array it stands in, where something beside it doesn't."""
    varies = {path: len(set(cells) - {None}) > 1 for path, cells in values.items()}
    beside = {path.rpartition("]")[0] for path in values if varies[path]} - {""}
    for path in [path for path in values if not varies[path] and path.rpartition("]")[0] in beside]:
        del values[path]


def _flat(
    row: Mapping[str, Any], prefix: str, depth: int, skipped: dict[str, str], found: Mapping[str, Pick]
) -> Iterable[tuple[str, Any]]:
    for key, value in row.items():
        path = f"{prefix}{key}"
        if not key.strip() or json_path(key) != (Name(key),) or "`" in key or _unwritable(key):
            skipped[path] = (
                "a key that is empty, holds a dot or a control character, or reads as a step can't be in a path"
            )
        elif isinstance(value, dict):
            if depth >= _MAX_DEPTH:
                skipped[path] = f"it is nested more than {_MAX_DEPTH} deep"
            else:
                yield from _flat(value, f"{path}.", depth + 1, skipped, found)
        elif isinstance(value, list):
            if (pick := found.get(plain_path(path))) is not None and depth < _MAX_DEPTH:
                for step, element in pick.elements(value):
                    if not isinstance(element, dict):
                        yield path + step, element
                        continue
                    place = f"{path}{step}."
                    below = _flat(element, place, depth + 1, skipped, found)
                    yield from (leaf for leaf in below if not pick.tells(leaf[0].removeprefix(place)))
            elif value:
                inner = "objects" if isinstance(value[0], dict) else "values"
                skipped[path] = (
                    f"an array of {inner}: a field holds one value; name it in 'items' if its elements are the events"
                )
        else:
            yield path, value


def _unwritable(key: str) -> bool:
    return any(ord(char) < 0x20 or 0xD800 <= ord(char) <= 0xDFFF for char in key)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, Decimal | float) else "string"

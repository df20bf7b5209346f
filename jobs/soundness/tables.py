"""Whether each table is what its contract says, and whether its rows can be read: not only counted, from the log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake.exceptions import DeltaError

from leadhouse.expectations.tables import spark_type, table_specs
from leadhouse.jobs.runtime.finding import NOTE, WRONG, Finding, reason
from leadhouse.jobs.runtime.integrity import commits
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.soundness.content import DataFile, data_files, file_batches

CHECK, HISTORY = "tables", "history"

_RESTORE = "restore it from a backup; a derived table can be computed again"


def check_tables(place: Place, tables: Sequence[str]) -> list[Finding]:
    """Read every row of these tables, whose logs are whole, and compare columns and counts."""
    findings: list[Finding] = []
    for table in tables:
        try:
            files = data_files(place, table)
            findings += _columns(place, table)
        except (DeltaError, OSError, ValueError) as problem:
            what = f"{table}: expected a Delta table; it can't be opened: {reason(problem)}"
            findings.append(_wrong(what, "restore the table's folder from a backup"))
            continue
        findings += [finding for file in files for finding in _file(table, file)]
    return findings


def _columns(place: Place, table: str) -> list[Finding]:
    """Compare a table's columns with its contract's."""
    columns = table_specs()[table].columns
    wanted = {column.name: _written(spark_type(column.sql_type).jsonValue()) for column in columns}
    schema = json.loads(place.open(table).schema().to_json())
    found = {field["name"]: _written(field["type"]) for field in schema["fields"]}
    findings = []
    if absent := [column.name for column in columns if column.required and column.name not in found]:
        what = f"{table}: expected the columns {', '.join(absent)}, as its contract has them; they are not there"
        findings.append(_wrong(what, "another program or release made the table: use that release"))
    if new := [column.name for column in columns if not column.required and column.name not in found]:
        what = f"{table}: expected the columns {', '.join(new)}; an earlier release made the table without"
        findings.append(Finding(CHECK, NOTE, what, "the next run adds them"))
    if others := [name for name in found if name not in wanted]:
        what = f"{table}: expected only its contract's columns; got {', '.join(others)} too"
        findings.append(_wrong(what, "a newer release or another program added them: find out which one writes here"))
    for name in wanted.keys() & found.keys():
        if wanted[name] != found[name]:
            what = f"{table}.{name}: expected the type {wanted[name]}; got {found[name]}"
            findings.append(_wrong(what, "another program or release made the table: use that release"))
    return findings


def _written(kind: Any) -> str:
    """Write a type of Delta's or Spark's JSON without what may differ: comments, and whether nulls may be inside."""
    if isinstance(kind, str):
        return kind
    if kind["type"] == "array":
        return f"array<{_written(kind['elementType'])}>"
    if kind["type"] == "map":
        return f"map<{_written(kind['keyType'])}, {_written(kind['valueType'])}>"
    return f"struct<{', '.join(field['name'] + ': ' + _written(field['type']) for field in kind['fields'])}>"


def _file(table: str, file: DataFile) -> list[Finding]:
    """Read a data file to its end."""
    name = file.path.name
    if not file.path.is_file():
        return [_wrong(f"{table}: expected the data file {name}, which its log names; it is gone", _RESTORE)]
    size = file.path.stat().st_size
    if size != file.size:
        return [_wrong(f"{table}: expected {name} to have {file.size:,} bytes; it has {size:,}", _RESTORE)]
    try:
        rows = sum(batch.num_rows for batch in file_batches(file))
    except (OSError, pa.ArrowException) as problem:
        return [_wrong(f"{table}: expected to read the rows of {name}; {reason(problem)}", _RESTORE)]
    if file.rows is not None and rows != file.rows:
        return [_wrong(f"{table}: expected {file.rows:,} rows in {name}, as its log says; read {rows:,}", _RESTORE)]
    return []


def check_history(place: Place, tables: Sequence[str]) -> list[Finding]:
    """Say how far back tables can be read, where that is not all of their history."""
    since = {table: _oldest_readable(place, table) for table in tables}
    if not (shortened := [f"{table} before {version}" for table, version in since.items() if version]):
        return []
    what = f"older versions can't be read any more: {', '.join(shortened)}"
    return [Finding(HISTORY, NOTE, what, "nothing to do: maintenance has removed their files")]


def _oldest_readable(place: Place, table: str) -> int:
    """Return the version from which on all that later versions have removed is still there."""
    root = Path(place.table_path(table))
    removed = {
        version: [action["remove"]["path"] for action in actions if "remove" in action]
        for version, actions in commits(place, table)
    }
    for version in sorted(removed, reverse=True):
        if not all((root / unquote(path)).is_file() for path in removed[version]):
            return version
    return min(removed)


def _wrong(what: str, remedy: str) -> Finding:
    return Finding(CHECK, WRONG, what, remedy)

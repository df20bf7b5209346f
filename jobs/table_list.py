"""``leadhouse tables``: which tables the lake has, what they mean and what is in them, read without a JVM."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.text import Text

from leadhouse.conf.errors import InputError
from leadhouse.expectations.tables import TableSpec, table_specs
from leadhouse.jobs.runtime.answers import grid, show_json
from leadhouse.jobs.runtime.commits import committed_at
from leadhouse.jobs.runtime.place import Place, find_place
from leadhouse.jobs.runtime.views import VIEWS

Row = dict[str, Any]


def table_list(place: Place) -> list[Row]:
    """Return every table with its purpose, rows, version and when it was last written; then the views."""
    rows = [
        {"table": spec.name} | _content(place, spec.name) | {"purpose": spec.purpose} for spec in table_specs().values()
    ]
    views = [
        {"table": view.name, "rows": None, "version": None, "written_at": None, "purpose": f"View. {view.purpose}"}
        for view in VIEWS.values()
    ]
    return rows + views


def table_meaning(place: Place, name: str) -> Row:
    """Return one table's meaning and state. Raises InputError for a name that is no table or view."""
    specs = table_specs()
    if name in VIEWS:
        view = VIEWS[name]
        return {
            "table": name,
            "purpose": view.purpose,
            "over": ", ".join(view.over),
            "sql": view.sql.strip(),
            "columns": [],
        }
    if name not in specs:
        known = [*specs, *VIEWS]
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else "run 'leadhouse tables'"
        raise InputError(f"tables: expected one of {', '.join(known)}; got {name!r}; {hint}")
    spec = specs[name]
    return _meaning(spec) | _content(place, name)


def _meaning(spec: TableSpec) -> Row:
    return {
        "table": spec.name,
        "purpose": spec.purpose,
        "grain": spec.grain,
        "owner": spec.owner,
        "contract_version": spec.version,
        "storage": spec.storage,
        "columns": [
            {
                "column": column.name,
                "type": column.sql_type,
                "required": column.required,
                "key": column.key_position,
                "classification": column.classification,
                "sources": list(column.sources),
                "description": column.description,
            }
            for column in spec.columns
        ],
    }


def _content(place: Place, name: str) -> Row:
    if not place.exists(name):
        return {"rows": None, "version": None, "written_at": None}
    table = place.open(name)
    counts = pa.table(table.get_add_actions(flatten=True)).column("num_records")
    return {
        "rows": pc.sum(counts).as_py() or 0,
        "version": table.version(),
        "written_at": committed_at(place.table_path(name), table.version()),
    }


def show_tables(lake_root: Path, name: str | None = None, *, as_json: bool = False, console: Console) -> None:
    """Print all tables, or what one means. Raises InputError if there is no lake or no such table."""
    place = find_place(lake_root)
    if as_json:
        show_json(table_list(place) if name is None else table_meaning(place, name), console)
    elif name is None:
        columns = ("table", "rows", "version", "written_at", "purpose")
        console.print(
            grid(
                None,
                columns,
                [[row[column] for column in columns] for row in table_list(place)],
                width=console.width,
                fold=True,
            )
        )
    else:
        _show_meaning(table_meaning(place, name), console)


def _show_meaning(meaning: Row, console: Console) -> None:
    console.print(Text(meaning["table"], style="bold"), Text(meaning["purpose"]))
    if "sql" in meaning:
        console.print(Text(f"A view over {meaning['over']}:\n{meaning['sql']}"))
        return
    state = f"{meaning['rows'] or 0:,} rows at version {meaning['version']}"
    contract = f"Owner {meaning['owner']}, contract {meaning['contract_version']}, {meaning['storage']}"
    console.print(Text(f"{meaning['grain']} {contract}; {state}.\n"))
    columns = ("column", "type", "required", "key", "classification", "description")
    console.print(
        grid(
            None,
            columns,
            [[column[name] for name in columns] for column in meaning["columns"]],
            width=console.width,
            fold=True,
        )
    )
    for column in meaning["columns"]:
        if column["sources"]:
            console.print(Text(f"{column['column']} ← {', '.join(column['sources'])}", style="dim"))

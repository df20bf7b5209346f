"""Whether a change of our own tables' contracts breaks who reads them, and whether their versions say so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from leadhouse.expectations.tables import TableSpec


@dataclass(frozen=True)
class ReleasedColumn:
    """What readers rely on in a column."""

    name: str
    sql_type: str
    required: bool
    key_position: int | None


@dataclass(frozen=True)
class ReleasedTable:
    """A table's contract as it was last released."""

    version: str
    columns: tuple[ReleasedColumn, ...]


@dataclass(frozen=True)
class Change:
    """One difference between a released contract and the present one."""

    table: str
    text: str
    breaking: bool


def released_form(specs: Mapping[str, TableSpec]) -> dict[str, ReleasedTable]:
    """Return what a release of these contracts promises."""
    return {
        spec.name: ReleasedTable(
            spec.version,
            tuple(ReleasedColumn(c.name, c.sql_type, c.required, c.key_position) for c in spec.columns),
        )
        for spec in specs.values()
    }


def write_released(tables: Mapping[str, ReleasedTable]) -> str:
    """Return released contracts as JSON text, the same for the same contracts."""
    return json.dumps({name: asdict(table) for name, table in tables.items()}, indent=1) + "\n"


def read_released(text: str) -> dict[str, ReleasedTable]:
    """Read what ``write_released`` wrote."""
    return {
        name: ReleasedTable(table["version"], tuple(ReleasedColumn(**column) for column in table["columns"]))
        for name, table in json.loads(text).items()
    }


def changes(old: Mapping[str, ReleasedTable], new: Mapping[str, ReleasedTable]) -> list[Change]:
    """Return every difference.

    Breaking are: a table or column gone, a column retyped, made required or nullable, added as required, a changed key.
    """
    found = [Change(name, "table removed", True) for name in old if name not in new]
    found += [Change(name, "table added", False) for name in new if name not in old]
    for name in new:
        if name in old:
            found += _column_changes(name, old[name], new[name])
    return found


def problems(old: Mapping[str, ReleasedTable], new: Mapping[str, ReleasedTable]) -> list[str]:
    """Return what forbids a release, as lines for a person; empty if the versions fit the changes."""
    found = []
    for change in changes(old, new):
        if change.table not in old:
            continue
        if change.table not in new:
            found.append(f"{change.table}: table removed; readers rely on it; keep its contract and mark it deprecated")
            continue
        before, after = old[change.table].version, new[change.table].version
        part = "major" if change.breaking else "minor"
        count = 1 if change.breaking else 2
        if _parts(after)[:count] <= _parts(before)[:count]:
            found.append(f"{change.table}: {change.text}; expected a new {part} version after {before}; got {after}")
    return found


def _column_changes(table: str, old: ReleasedTable, new: ReleasedTable) -> list[Change]:
    before = {column.name: column for column in old.columns}
    after = {column.name: column for column in new.columns}
    found = [Change(table, f"column {name} removed (or renamed)", True) for name in before if name not in after]
    for name, column in after.items():
        if name not in before:
            found.append(Change(table, f"column {name} added{' as required' * column.required}", column.required))
            continue
        was = before[name]
        if was.sql_type != column.sql_type:
            found.append(Change(table, f"column {name} retyped from {was.sql_type} to {column.sql_type}", True))
        if was.required != column.required:
            word = "required" if column.required else "nullable"
            found.append(Change(table, f"column {name} made {word}", True))
        if was.key_position != column.key_position:
            found.append(Change(table, f"column {name} at another place in the key", True))
    return found


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))

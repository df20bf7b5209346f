"""Rows of our own tables for tests: what a test doesn't say gets a plain value of the column's type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from leadhouse.expectations.tables import table_specs

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)

_PLAIN: dict[str, Any] = {
    "STRING": "x",
    "INT": 0,
    "BIGINT": 0,
    "DOUBLE": 0.5,
    "BOOLEAN": True,
    "BINARY": b"x",
    "TIMESTAMP": NOON,
}


def row(table: str, **values: Any) -> dict[str, Any]:
    """Return one row of a table: its nullable columns null, its required ones plain, unless ``values`` says more."""
    spec = table_specs()[table]
    unknown = values.keys() - {column.name for column in spec.columns}
    assert not unknown, f"{table} has no columns {unknown}"
    plain = {column.name: _plain(column.sql_type) if column.required else None for column in spec.columns}
    return plain | values


def _plain(sql_type: str) -> Any:
    if sql_type.startswith("ARRAY"):
        return []
    if sql_type.startswith("MAP"):
        return {}
    return _PLAIN[sql_type]

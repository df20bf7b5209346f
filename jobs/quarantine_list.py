"""``leadhouse quarantine list``: what was refused and why, read without a JVM."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from leadhouse.jobs.runtime.answers import grid, show_json
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.reader import Reader, quoted

LATEST = 50

Row = dict[str, Any]


def quarantined(reader: Reader, source: str | None = None, rule: str | None = None) -> Row:
    """Return refused items and contradicted facts: totals by rule, and the LATEST of each with their messages."""
    wanted = " AND ".join(
        f"{column} = {quoted(value)}" for column, value in (("source", source), ("rule", rule)) if value is not None
    )
    among = f"WHERE {wanted}" if wanted else ""
    rules = reader.fetch(
        f'SELECT tenant, source, rule, "column", contract_version, count(*) AS items, max(received_at) AS latest '
        f'FROM ops.refused {among} GROUP BY tenant, source, rule, "column", contract_version '
        "ORDER BY items DESC, tenant, source, rule",
    )
    items = reader.fetch(
        f'SELECT tenant, source, record_id, item, rule, "column", message, contract_version, received_at '
        f"FROM ops.refused {among} ORDER BY received_at DESC, record_id, item LIMIT {LATEST}",
    )
    return {
        "total": sum(row["items"] for row in rules),
        "rules": rules,
        "items": items,
        "findings": [] if source is not None else _findings(reader, rule),
    }


def _findings(reader: Reader, rule: str | None) -> list[Row]:
    only = f" AND rule = {quoted(rule)}" if rule is not None else ""
    return reader.fetch(
        "SELECT tenant, rule, fact_table, fact_id, lead_id, message, known_at FROM (SELECT *, row_number() OVER "
        "(PARTITION BY tenant, finding_id ORDER BY known_at DESC) AS place FROM silver.findings) "
        f"WHERE place = 1 AND status = 'raised'{only} ORDER BY known_at DESC, fact_id LIMIT {LATEST}",
    )


def show_quarantine(
    lake_root: Path, *, source: str | None = None, rule: str | None = None, as_json: bool = False, console: Console
) -> None:
    """Print what was refused, by rule and the latest one by one. Raises InputError if there is no lake."""
    found = quarantined(Reader(find_place(lake_root)), source, rule)
    if as_json:
        show_json(found, console)
        return
    if not found["total"] and not found["findings"]:
        console.print("Nothing is in quarantine.")
        return
    if found["total"]:
        _print(console, f"Refused: {found['total']:,} items", _RULES, found["rules"])
        _print(console, "The latest", _ITEMS, found["items"])
    if found["findings"]:
        _print(console, "Facts that contradict others", _FINDINGS, found["findings"])
    console.print(Text("\nleadhouse trace RECORD shows a record's text", style="dim"))


_RULES = ("tenant", "source", "rule", "column", "contract_version", "items", "latest")
_ITEMS = ("source", "record_id", "item", "rule", "column", "message")
_FINDINGS = ("tenant", "rule", "fact_table", "fact_id", "message")


def _print(console: Console, title: str, columns: tuple[str, ...], rows: list[Row]) -> None:
    console.print()
    shown = [[_short(column, row[column]) for column in columns] for row in rows]
    console.print(grid(title, columns, shown, width=console.width, fold=columns[-1] == "message"))


def _short(column: str, value: Any) -> Any:
    return value[:12] if column in ("record_id", "fact_id") else value

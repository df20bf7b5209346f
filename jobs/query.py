"""``leadhouse sql``: a question to the lake, answered without a JVM."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.jobs.runtime.answers import show_rows
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.reader import Reader


def show_sql(lake_root: Path, sql: str, *, as_of: str | None = None, form: str = "table", console: Console) -> None:
    """Print what a query returns. Raises InputError for what is no query or can't run, a bad moment, a bad format."""
    show_rows(Reader(find_place(lake_root), parse_moment(as_of)).ask(sql), form, console)


def parse_moment(text: str | None) -> datetime | None:
    """Read a moment in ISO 8601; without a time zone it is UTC. Raises InputError for anything else."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as problem:
        raise InputError(
            f"--as-of: expected a moment such as 2026-01-31 or 2026-01-31T12:00:00Z; got {text!r}; write it so"
        ) from problem
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)

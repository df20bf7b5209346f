"""The commands that only look at a lake, without a JVM: its state, its tables, a trace, what was refused."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from leadhouse.jobs.commands.options import DEFAULT_LAKE, AsJson, Lake

app = typer.Typer()
quarantine_app = typer.Typer(help="What was refused, and why.", no_args_is_help=True)


@app.command()
def status(lake: Lake = DEFAULT_LAKE, as_json: AsJson = False) -> None:
    """Show how a lake stands."""
    from leadhouse.jobs.status import show_status

    show_status(lake, as_json=as_json, console=Console())


@app.command()
def tables(
    name: Annotated[str | None, typer.Argument(help="One table.")] = None,
    lake: Lake = DEFAULT_LAKE,
    as_json: AsJson = False,
) -> None:
    """Show what the tables mean and hold."""
    from leadhouse.jobs.table_list import show_tables

    show_tables(lake, name, as_json=as_json, console=Console())


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='For example "SELECT * FROM gold.lead_scores".')],
    lake: Lake = DEFAULT_LAKE,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Read the tables as they stood at this moment.")] = None,
    form: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
) -> None:
    """Query the lake, without a JVM."""
    from leadhouse.jobs.query import show_sql

    show_sql(lake, query, as_of=as_of, form=form, console=Console())


@app.command()
def trace(
    wanted: Annotated[str, typer.Argument(metavar="ID", help="A receipt's action, decision, lead or record.")],
    lake: Lake = DEFAULT_LAKE,
    as_json: AsJson = False,
) -> None:
    """Walk from an action back to the bytes that caused it."""
    from leadhouse.jobs.trace import show_trace

    show_trace(lake, wanted, as_json=as_json, console=Console())


@quarantine_app.command("list")
def quarantine_list(
    lake: Lake = DEFAULT_LAKE, source: str | None = None, rule: str | None = None, as_json: AsJson = False
) -> None:
    """Show what was refused, and why."""
    from leadhouse.jobs.quarantine_list import show_quarantine

    show_quarantine(lake, source=source, rule=rule, as_json=as_json, console=Console())

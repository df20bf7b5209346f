"""The commands about one lake: its state, its soundness, its tables, a trace, what was refused and what is held."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from leadhouse.jobs.commands.options import DEFAULT_LAKE, DEFAULT_WORKSPACE, AsJson, Lake, OfWorkspace, Workspace

app = typer.Typer()
held_app = typer.Typer(help="Batches that the quality gate holds.", no_args_is_help=True)
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


@app.command()
def doctor(lake: Lake = DEFAULT_LAKE, workspace: OfWorkspace = None, as_json: AsJson = False) -> int:
    """Check that this machine and a lake are sound. Exit code 1 if something is wrong."""
    from leadhouse.jobs.doctor import show_doctor

    return show_doctor(lake, workspace, as_json=as_json, console=Console())


@quarantine_app.command("list")
def quarantine_list(
    lake: Lake = DEFAULT_LAKE, source: str | None = None, rule: str | None = None, as_json: AsJson = False
) -> None:
    """Show what was refused, and why."""
    from leadhouse.jobs.quarantine_list import show_quarantine

    show_quarantine(lake, source=source, rule=rule, as_json=as_json, console=Console())


@quarantine_app.command("replay")
def quarantine_replay(lake: Lake = DEFAULT_LAKE, workspace: Workspace = DEFAULT_WORKSPACE) -> int:
    """Judge again what was refused, by the contracts as they are now."""
    from leadhouse.jobs.quarantine_replay import replay_quarantine

    return replay_quarantine(lake, workspace, console=Console())


Batch = Annotated[str, typer.Argument(metavar="BATCH", help="As 'held list' shows it, for example refine/1/4.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for those who ask later.")]
Source = Annotated[str | None, typer.Option("--source", help="Only this source of the batch.")]
Person = Annotated[str | None, typer.Option("--by", help="Who decides; default: who is logged in.")]


@held_app.command("list")
def held_list(lake: Lake = DEFAULT_LAKE, as_json: AsJson = False) -> int:
    """Show what the gate holds, and why. Exit code 3 while something waits."""
    from leadhouse.jobs.held import show_held

    return show_held(lake, as_json=as_json, console=Console())


@held_app.command("release")
def held_release(
    batch: Batch, reason: Reason, lake: Lake = DEFAULT_LAKE, source: Source = None, person: Person = None
) -> None:
    """Let a held batch pass: the next run turns it into facts."""
    from leadhouse.jobs.held import decide_held
    from leadhouse.jobs.runtime.batches import RELEASED

    decide_held(lake, batch, RELEASED, reason=reason, source=source, person=person, console=Console())


@held_app.command("reject")
def held_reject(
    batch: Batch, reason: Reason, lake: Lake = DEFAULT_LAKE, source: Source = None, person: Person = None
) -> None:
    """Decide that a held batch never passes."""
    from leadhouse.jobs.held import decide_held
    from leadhouse.jobs.runtime.batches import REJECTED

    decide_held(lake, batch, REJECTED, reason=reason, source=source, person=person, console=Console())

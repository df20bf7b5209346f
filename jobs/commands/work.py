"""The commands that change a lake: all jobs in turn, or one of them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from leadhouse.jobs.commands.options import (
    DEFAULT_LAKE,
    DEFAULT_WORKSPACE,
    AsJson,
    AsOf,
    Lake,
    Landing,
    Workspace,
    moment,
)

app = typer.Typer()


@app.command()
def run(
    lake: Lake = DEFAULT_LAKE,
    workspace: Workspace = DEFAULT_WORKSPACE,
    landing: Landing = None,
    as_of: AsOf = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on for ever with what arrives.")] = False,
) -> int:
    """Run every job, once over what is new."""
    from leadhouse.jobs.run import follow_jobs, run_jobs

    work = follow_jobs if follow else run_jobs
    return work(lake, workspace, landing=landing, as_of=moment(as_of), console=Console())


@app.command()
def ingest(
    lake: Lake = DEFAULT_LAKE,
    workspace: Workspace = DEFAULT_WORKSPACE,
    landing: Landing = None,
    as_of: AsOf = None,
    accept_loss: Annotated[
        list[str] | None,
        typer.Option("--accept-loss", metavar="TOPIC", help="Go on without the messages that this topic has lost."),
    ] = None,
) -> int:
    """Take every byte that has landed, and every message of the topics."""
    from leadhouse.jobs.run import run_jobs

    accepted = tuple(accept_loss or ())
    return run_jobs(
        lake, workspace, landing=landing, as_of=moment(as_of), console=Console(), only="ingest", accept_loss=accepted
    )


@app.command()
def rebuild(
    source: Annotated[str, typer.Option("--source", help="The source whose records are read again.")],
    lake: Lake = DEFAULT_LAKE,
    workspace: Workspace = DEFAULT_WORKSPACE,
) -> int:
    """Read a source's records again by its contract as it is now; what they say more becomes facts."""
    from leadhouse.jobs.rebuild import rebuild_source

    return rebuild_source(lake, workspace, source, console=Console())


def _job_command(name: str, description: str) -> None:
    """Add a command for one job; all jobs have the same options."""

    def command(
        lake: Lake = DEFAULT_LAKE,
        workspace: Workspace = DEFAULT_WORKSPACE,
        landing: Landing = None,
        as_of: AsOf = None,
    ) -> int:
        from leadhouse.jobs.run import run_jobs

        return run_jobs(lake, workspace, landing=landing, as_of=moment(as_of), console=Console(), only=name)

    app.command(name=name, help=description)(command)


for _name, _description in (
    ("refine", "Turn records into facts, behind rules and the gate."),
    ("feature", "Say what was known about each lead."),
    ("train", "Learn from outcomes; register the model."),
    ("score", "Apply the champion to every lead."),
    ("decide", "Choose the next action for each lead, or why none."),
):
    _job_command(_name, _description)


@app.command()
def sync(
    lake: Lake = DEFAULT_LAKE,
    workspace: Workspace = DEFAULT_WORKSPACE,
    allow_empty: Annotated[
        list[str] | None, typer.Option("--allow-empty", metavar="LIST", help="Let this list collapse to nobody.")
    ] = None,
) -> int:
    """Tell the destinations who is on which list, once."""
    from leadhouse.jobs.run import run_jobs

    allowed = tuple(allow_empty or ())
    return run_jobs(lake, workspace, landing=None, as_of=None, console=Console(), only="sync", allow_empty=allowed)


@app.command()
def maintain(
    lake: Lake = DEFAULT_LAKE,
    workspace: Workspace = DEFAULT_WORKSPACE,
    minutes: Annotated[float, typer.Option("--minutes", help="Begin no new piece of work after so many.")] = 10.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep the lake small and quick, and let go what has expired."""
    from leadhouse.jobs.maintain import maintain_lake

    maintain_lake(lake, workspace, minutes=minutes, dry_run=dry_run, as_json=as_json, console=Console())

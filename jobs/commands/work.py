"""The commands that change a lake: all jobs in turn, or one of them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from leadhouse.jobs.commands.options import DEFAULT_LAKE, DEFAULT_WORKSPACE, AsOf, Lake, Landing, Workspace, moment

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
    ("ingest", "Take every byte that has landed."),
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

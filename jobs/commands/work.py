"""The commands that change a lake: all jobs in turn, or one of them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.jobs.commands.options import (
    DEFAULT_LAKE,
    DEFAULT_WORKSPACE,
    AsJson,
    AsOf,
    Follow,
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
    follow: Follow = False,
    jobs: Annotated[bool, typer.Option("--jobs", help="With --follow: each job a process of its own.")] = False,
) -> int:
    """Run every job, once over what is new."""
    if jobs and not follow:
        raise InputError("--jobs: expected it beside --follow; it is alone; add --follow, or leave it out")
    from leadhouse.jobs.drivers import follow_beside
    from leadhouse.jobs.following import follow_jobs
    from leadhouse.jobs.run import run_jobs

    work = follow_beside if jobs else follow_jobs if follow else run_jobs
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
    follow: Follow = False,
) -> int:
    """Take every byte that has landed, and every message of the topics."""
    accepted = tuple(accept_loss or ())
    if accepted and follow:
        raise _word_for_once("--accept-loss")
    return _work("ingest", lake, workspace, landing, moment(as_of), follow=follow, accept_loss=accepted)


@app.command()
def rebuild(
    source: Annotated[str, typer.Option("--source", help="The source whose records are read again.")],
    lake: Lake = DEFAULT_LAKE,
    workspace: Workspace = DEFAULT_WORKSPACE,
) -> int:
    """Read a source's records again by its contract as it is now; what they say more becomes facts."""
    from leadhouse.jobs.rebuild import rebuild_source

    return rebuild_source(lake, workspace, source, console=Console())


def _work(
    job: str,
    lake: Path,
    workspace: Path,
    landing: Path | None,
    as_of: datetime | None,
    *,
    follow: bool,
    allow_empty: tuple[str, ...] = (),
    accept_loss: tuple[str, ...] = (),
    if_needed: bool = False,
    strict: bool = False,
) -> int:
    """Do one job: once, with the lake to itself, or for ever beside the others."""
    console = Console()
    if follow:
        from leadhouse.jobs.following import follow_jobs

        return follow_jobs(lake, workspace, landing=landing, as_of=as_of, console=console, only=job)
    from leadhouse.jobs.run import run_jobs

    return run_jobs(
        lake, workspace, landing=landing, as_of=as_of, console=console, only=job, allow_empty=allow_empty,
        accept_loss=accept_loss, if_needed=if_needed, strict=strict,
    )  # fmt: skip


def _word_for_once(option: str) -> InputError:
    return InputError(f"{option}: expected it for one run; got --follow too; run once with it, then follow without")


def _job_command(name: str, description: str) -> None:
    """Add a command for one job; all jobs have the same options."""

    def command(
        lake: Lake = DEFAULT_LAKE,
        workspace: Workspace = DEFAULT_WORKSPACE,
        landing: Landing = None,
        as_of: AsOf = None,
        follow: Follow = False,
    ) -> int:
        return _work(name, lake, workspace, landing, moment(as_of), follow=follow)

    app.command(name=name, help=description)(command)


for _name, _description in (
    ("refine", "Turn records into facts, behind rules and the gate."),
    ("feature", "Say what was known about each lead."),
    ("score", "Apply the champion to every lead."),
    ("decide", "Choose the next action for each lead, or why none."),
):
    _job_command(_name, _description)


@app.command()
def train(
    lake: Lake = DEFAULT_LAKE,
    workspace: Workspace = DEFAULT_WORKSPACE,
    landing: Landing = None,
    as_of: AsOf = None,
    if_needed: Annotated[
        bool, typer.Option("--if-needed", help="Only where there is no champion, or it has drifted or fails.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Register no model that is suspected of knowing the outcome beforehand.")
    ] = False,
    follow: Follow = False,
) -> int:
    """Learn from outcomes; register the model; watch the one that scores."""
    if if_needed and follow:
        raise _word_for_once("--if-needed")
    if strict and follow:
        raise InputError(
            "--strict: expected it for one run; got --follow too; say 'strict = true' below [training] in settings.toml"
        )
    return _work("train", lake, workspace, landing, moment(as_of), follow=follow, if_needed=if_needed, strict=strict)


@app.command()
def watch(lake: Lake = DEFAULT_LAKE, workspace: Workspace = DEFAULT_WORKSPACE, as_of: AsOf = None) -> int:
    """Say whether leads still look as in training and scores came true; take back a model that fails."""
    return _work("watch", lake, workspace, None, moment(as_of), follow=False)


@app.command()
def sync(
    lake: Lake = DEFAULT_LAKE,
    workspace: Workspace = DEFAULT_WORKSPACE,
    allow_empty: Annotated[
        list[str] | None, typer.Option("--allow-empty", metavar="LIST", help="Let this list collapse to nobody.")
    ] = None,
    follow: Follow = False,
) -> int:
    """Tell the destinations who is on which list, once."""
    allowed = tuple(allow_empty or ())
    if allowed and follow:
        raise _word_for_once("--allow-empty")
    return _work("sync", lake, workspace, None, None, follow=follow, allow_empty=allowed)


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

"""The ``leadhouse`` command. Each command imports what it needs when it runs, so that reading ones answer at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from leadhouse.conf.errors import InputError, LeadhouseError

app = typer.Typer(
    name="leadhouse",
    help="The open lakehouse for lead nurturing: scored, consent-checked, explained engagement lists.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
contract_app = typer.Typer(help="Write, try and compare contracts.", no_args_is_help=True)
quarantine_app = typer.Typer(help="What was refused, and why.", no_args_is_help=True)
app.add_typer(contract_app, name="contract")
app.add_typer(quarantine_app, name="quarantine")

Lake = Annotated[Path, typer.Option("--lake", envvar="LEADHOUSE_LAKE", help="The lake's folder.")]
Workspace = Annotated[
    Path, typer.Option("--workspace", envvar="LEADHOUSE_WORKSPACE", help="Folder with settings, contracts and lists.")
]
Landing = Annotated[
    Path | None, typer.Option("--landing", envvar="LEADHOUSE_LANDING", help="Folder that files land in.")
]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="Compute for this moment (ISO 8601); default: the latest event.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

DEFAULT_LAKE, DEFAULT_WORKSPACE = Path("lake"), Path()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 wrong input, 3 held or waiting for a person."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    try:
        code = app(args=[argument for argument in arguments if argument != "--debug"], standalone_mode=False)
    except LeadhouseError as problem:
        if debug:
            raise
        for line in str(problem).splitlines():
            print(f"leadhouse: {line}", file=sys.stderr)  # noqa: T201 - an error's place is the standard error
        return problem.exit_code
    except typer.Abort:
        return 1
    except typer.Exit as stop:
        return int(stop.exit_code)
    except Exception as problem:
        if debug:
            raise
        if hasattr(problem, "format_message"):  # the command line's own: a wrong option, a missing argument
            print(f"leadhouse: {problem.format_message()}", file=sys.stderr)  # noqa: T201
            return 2
        first = next(iter(str(problem).splitlines()), "")
        print(f"leadhouse: {type(problem).__name__}: {first[:300]} (--debug shows where)", file=sys.stderr)  # noqa: T201
        return 1
    return int(code or 0)


OfWorkspace = Annotated[
    Path | None, typer.Option("--workspace", envvar="LEADHOUSE_WORKSPACE", help="The workspace that it belongs to.")
]


@contract_app.command("draft")
def contract_draft(
    sample: Annotated[Path, typer.Argument(help="A CSV or JSON-lines file of the source.")],
    workspace: OfWorkspace = None,
    source: Annotated[str | None, typer.Option("--source", help="The source's name; default: from the file's.")] = None,
) -> int:
    """Guess a contract from a sample, each doubt marked; into the workspace, or to the standard output."""
    from leadhouse.jobs.contract import show_draft

    return show_draft(_file(sample, "sample"), workspace, source, Console())


@contract_app.command("try")
def contract_try(
    contract: Annotated[Path, typer.Argument(help="The contract file.")],
    sample: Annotated[Path, typer.Argument(help="A file of the source.")],
    workspace: OfWorkspace = None,
    as_json: AsJson = False,
) -> int:
    """Show what a contract would accept and refuse of a sample, without a lake."""
    from leadhouse.jobs.contract_try import show_trial

    return show_trial(
        _file(contract, "contract"), _file(sample, "sample"), workspace, as_json=as_json, console=Console()
    )


@contract_app.command("check")
def contract_check(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A contract file, or a folder of them.")],
    workspace: OfWorkspace = None,
    as_json: AsJson = False,
) -> int:
    """Say whether contracts are valid; all problems at once."""
    from leadhouse.jobs.contract import show_check

    return show_check(path, workspace, as_json=as_json, console=Console())


@contract_app.command("diff")
def contract_diff(old: Path, new: Path, workspace: OfWorkspace = None, as_json: AsJson = False) -> int:
    """Say whether a new contract is compatible with what is stored under an old one."""
    from leadhouse.jobs.contract import show_diff

    return show_diff(old, new, workspace, as_json=as_json, console=Console())


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Folder to make.")], tenant: str = "acme") -> None:
    """Start a workspace of your own."""
    from leadhouse.jobs.init import init_workspace

    init_workspace(folder, tenant=tenant, console=Console())


@app.command()
def demo(
    leads: Annotated[int, typer.Option(help="How many leads to make up.")] = 3000,
    seed: Annotated[int, typer.Option(help="Equal seeds make equal companies.")] = 7,
    folder: Annotated[Path, typer.Option("--dir", help="Where everything goes.")] = Path("build/demo"),
) -> int:
    """Make up a company's data, run everything on it, and show what came out."""
    from leadhouse.jobs.demo import run_demo

    return int(run_demo(folder, leads=leads, seed=seed, console=Console()) or 0)


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
    return work(lake, workspace, landing=landing, as_of=_moment(as_of), console=Console())


def _job_command(name: str, description: str) -> None:
    """Add a command for one job; all jobs have the same options."""

    def command(
        lake: Lake = DEFAULT_LAKE,
        workspace: Workspace = DEFAULT_WORKSPACE,
        landing: Landing = None,
        as_of: AsOf = None,
    ) -> int:
        from leadhouse.jobs.run import run_jobs

        return run_jobs(lake, workspace, landing=landing, as_of=_moment(as_of), console=Console(), only=name)

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


def _moment(text: str | None) -> datetime | None:
    from leadhouse.jobs.query import parse_moment

    return parse_moment(text)


def _file(path: Path, what: str) -> Path:
    if not path.is_file():
        raise InputError(f"{what}: expected a file at {path}; there is none; check the path")
    return path


if __name__ == "__main__":
    sys.exit(main())

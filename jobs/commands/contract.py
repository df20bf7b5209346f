"""``leadhouse contract``: writing, trying and comparing contracts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from leadhouse.jobs.commands.options import AsJson, OfWorkspace, existing_file

app = typer.Typer(help="Write, try and compare contracts.", no_args_is_help=True)


@app.command("draft")
def contract_draft(
    sample: Annotated[Path, typer.Argument(help="A CSV or JSON-lines file of the source.")],
    workspace: OfWorkspace = None,
    source: Annotated[str | None, typer.Option("--source", help="The source's name; default: from the file's.")] = None,
    topic: Annotated[str | None, typer.Option("--topic", help="The Kafka topic whose messages the lines are.")] = None,
    broker: Annotated[str, typer.Option("--broker", help="The topic's broker, host:port.")] = "127.0.0.1:9092",
) -> int:
    """Guess a contract from a sample, each doubt marked; into the workspace, or to the standard output."""
    from leadhouse.jobs.contract import show_draft

    return show_draft(existing_file(sample, "sample"), workspace, source, Console(), topic=topic, broker=broker)


@app.command("try")
def contract_try(
    contract: Annotated[Path, typer.Argument(help="The contract file.")],
    sample: Annotated[Path, typer.Argument(help="A file of the source.")],
    workspace: OfWorkspace = None,
    as_json: AsJson = False,
) -> int:
    """Show what a contract would accept and refuse of a sample, without a lake."""
    from leadhouse.jobs.contract_try import show_trial

    return show_trial(
        existing_file(contract, "contract"),
        existing_file(sample, "sample"),
        workspace,
        as_json=as_json,
        console=Console(),
    )


@app.command("check")
def contract_check(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A contract file, or a folder of them.")],
    workspace: OfWorkspace = None,
    as_json: AsJson = False,
) -> int:
    """Say whether contracts are valid; all problems at once."""
    from leadhouse.jobs.contract import show_check

    return show_check(path, workspace, as_json=as_json, console=Console())


@app.command("diff")
def contract_diff(old: Path, new: Path, workspace: OfWorkspace = None, as_json: AsJson = False) -> int:
    """Say whether a new contract is compatible with what is stored under an old one."""
    from leadhouse.jobs.contract import show_diff

    return show_diff(old, new, workspace, as_json=as_json, console=Console())

"""``leadhouse models``: which versions there are, and a person's word on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from leadhouse.jobs.commands.options import DEFAULT_LAKE, DEFAULT_WORKSPACE, AsJson, Lake, Workspace

app = typer.Typer(help="Versions of the models, and which of them scores.", no_args_is_help=True)

Label = Annotated[
    str, typer.Argument(metavar="VERSION", help="As 'models list' shows it, for example leadhouse-demo/2.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, for those who ask later.")]
Person = Annotated[str | None, typer.Option("--by", help="Who decides; default: who is logged in.")]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Whose model, where the contracts name several.")]


@app.command("list")
def list_models(lake: Lake = DEFAULT_LAKE, workspace: Workspace = DEFAULT_WORKSPACE, as_json: AsJson = False) -> None:
    """Show every version: how good it is, on what, and what was decided about it and why."""
    from leadhouse.jobs.model_versions import show_models

    show_models(lake, workspace, as_json=as_json, console=Console())


@app.command("card")
def show_model_card(
    version: Annotated[
        str | None, typer.Argument(metavar="[VERSION]", help="As 'models list' shows it; default: the champion.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Also put the card there, with its pictures and figures.")
    ] = None,
    lake: Lake = DEFAULT_LAKE,
    workspace: Workspace = DEFAULT_WORKSPACE,
) -> None:
    """Show how good a version is, where it fails, what it looks at, and what it is not good for."""
    from leadhouse.jobs.model_card import show_card

    show_card(lake, workspace, version, folder=folder, console=Console())


@app.command("promote")
def promote_model(
    version: Label,
    reason: Reason,
    lake: Lake = DEFAULT_LAKE,
    workspace: Workspace = DEFAULT_WORKSPACE,
    person: Person = None,
) -> None:
    """Make a version the champion: the next batch is scored by it, also of jobs that are at work."""
    from leadhouse.jobs.model_versions import promote

    promote(lake, workspace, version, reason=reason, person=person, console=Console())


@app.command("rollback")
def roll_back_model(
    reason: Reason,
    lake: Lake = DEFAULT_LAKE,
    workspace: Workspace = DEFAULT_WORKSPACE,
    tenant: Tenant = None,
    person: Person = None,
) -> None:
    """Make the champion before the present one champion again."""
    from leadhouse.jobs.model_versions import roll_back

    roll_back(lake, workspace, tenant=tenant, reason=reason, person=person, console=Console())


@app.command("rebuild")
def rebuild_model(version: Label, lake: Lake = DEFAULT_LAKE, workspace: Workspace = DEFAULT_WORKSPACE) -> int:
    """Learn a version again from the facts as they were known then, and say whether the same comes out."""
    from leadhouse.jobs import model_rebuild
    from leadhouse.jobs.runtime.opening import open_run

    console = Console()
    with open_run(lake, workspace, holder="leadhouse models rebuild") as opened:
        with console.status("train …"):
            found = model_rebuild.rebuild_model(opened, version)
        console.print(found.words, markup=False, highlight=False, soft_wrap=True)
    return 0 if found.holds else 1

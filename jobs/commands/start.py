"""The commands to start with: a workspace of one's own, or a whole company made up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

app = typer.Typer()


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

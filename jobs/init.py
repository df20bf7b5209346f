"""``leadhouse init``: starts a workspace, the folder of settings, contracts and lists that is the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.conf.names import name_problem

_RENAMED = {"gitignore": ".gitignore"}
"""A package can't carry a .gitignore: build tools obey it."""


def init_workspace(folder: Path, *, tenant: str = "acme", console: Console | None = None) -> tuple[Path, ...]:
    """Make a workspace and return its files. ``console`` gets the next steps.

    Raises InputError if there is something in the folder already, or the tenant's name is none.
    """
    if problem := name_problem(tenant, "tenant"):
        raise InputError(problem)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        what = "it is not empty" if folder.is_dir() else "it is a file"
        raise InputError(f"{folder}: expected a new or empty folder for the workspace; {what}; choose another")
    made = []
    try:
        for relative, entry in _starter(files("leadhouse.conf").joinpath("starter"), Path()):
            target = folder / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            text = entry.read_text(encoding="utf-8")
            if relative.name == "settings.toml":
                text = re.sub(r"^tenant = .*$", f'tenant = "{tenant}"', text, flags=re.MULTILINE)
            target.write_text(text, encoding="utf-8")
            made.append(target)
        (folder / "policies").mkdir()
    except OSError as failure:
        raise InputError(
            f"{folder}: expected a folder that can be written to; {failure.strerror}; choose another"
        ) from failure
    if console is not None:
        _show(folder, console)
    return tuple(made)


def _starter(folder: Traversable, below: Path) -> Iterator[tuple[Path, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _starter(entry, below / entry.name)
        else:
            yield below / _RENAMED.get(entry.name, entry.name), entry


def _show(folder: Path, console: Console) -> None:
    console.print(
        f"Made the workspace {folder}: settings.toml, contracts/, lists/, policies/. Next:",
        markup=False,
        soft_wrap=True,
    )
    for line in (
        f"leadhouse contract draft SAMPLE.csv --workspace {folder}",
        f"leadhouse contract try {folder}/contracts/SAMPLE.odcs.yaml SAMPLE.csv --workspace {folder}",
        f"leadhouse run --lake lake --workspace {folder} --landing FOLDER_OF_THE_FILES",
    ):
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)

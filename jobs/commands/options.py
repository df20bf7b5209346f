"""Options and arguments that several commands share: how each is written, and what it means."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from leadhouse.conf.errors import InputError

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
Follow = Annotated[bool, typer.Option("--follow", help="Go on for ever with what arrives.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

OfWorkspace = Annotated[
    Path | None, typer.Option("--workspace", envvar="LEADHOUSE_WORKSPACE", help="The workspace that it belongs to.")
]

DEFAULT_LAKE, DEFAULT_WORKSPACE = Path("lake"), Path()


def moment(text: str | None) -> datetime | None:
    """Return the moment that an option names. Raises InputError if it names none."""
    from leadhouse.jobs.query import parse_moment

    return parse_moment(text)


def existing_file(path: Path, what: str) -> Path:
    """Return a path that is a file. Raises InputError, which calls it ``what``, if it is none."""
    if not path.is_file():
        raise InputError(f"{what}: expected a file at {path}; there is none; check the path")
    return path

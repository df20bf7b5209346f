"""Secrets: named in settings and contracts, read from the environment or a file, and kept nowhere else."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from leadhouse.conf.errors import InputError


@dataclass(frozen=True)
class Secret:
    """Where a secret is: never the secret itself, so that it may be shown, logged and kept."""

    kind: str
    """``env`` or ``file``."""
    name: str
    """The environment variable, or the file's absolute path."""

    def read(self) -> str:
        """Return the secret. Raises InputError if variable or file is missing or empty."""
        return str(environment_secret(self.name)) if self.kind == "env" else file_secret(Path(self.name))


def environment_secret(name: str | None) -> str | None:
    """Return the secret in an environment variable; None where no variable is named. Raises InputError if it is
    unset."""
    if name is None:
        return None
    value = os.environ.get(name)
    if not value:
        raise InputError(f"environment: expected a secret in {name}; it is not set; export it and run again")
    return value


def file_secret(path: Path) -> str:
    """Return the secret in a file, without the line end. Raises InputError if there is none."""
    try:
        value = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{path}: expected a file with a secret; it can't be read; check path and rights") from problem
    if not value:
        raise InputError(f"{path}: expected a file with a secret; it is empty; write the secret into it")
    return value

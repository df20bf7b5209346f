"""A workspace: the folder of the user's own that says what Leadhouse works on."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from leadhouse.conf.errors import InputError
from leadhouse.conf.settings import Settings, read_settings

SHIPPED = ("demo", "olist", "x_education")


@dataclass(frozen=True)
class Workspace:
    """A workspace's folder with its settings and the files in it."""

    folder: Path
    settings: Settings
    contract_files: tuple[Path, ...]
    list_files: tuple[Path, ...]
    policy_files: tuple[Path, ...]


def open_workspace(folder: Path) -> Workspace:
    """Open a workspace. Raises InputError if the folder or its settings are not as expected."""
    if not folder.is_dir():
        raise InputError(
            f"workspace: expected a folder at {folder}; there is none; say with --workspace where yours is, or start "
            f"one: leadhouse init {folder} --tenant NAME"
        )
    return Workspace(
        folder=folder,
        settings=read_settings(folder),
        contract_files=_yaml_files(folder / "contracts"),
        list_files=_yaml_files(folder / "lists"),
        policy_files=_yaml_files(folder / "policies"),
    )


def shipped_workspace(name: str) -> Path:
    """Return the folder of a workspace that comes with Leadhouse: one of SHIPPED."""
    return Path(str(files("leadhouse.conf").joinpath(name)))


def _yaml_files(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.glob("*") if path.suffix in (".yaml", ".yml")))

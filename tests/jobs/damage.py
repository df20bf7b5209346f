"""Damage done to copies of a sound lake, and all that the doctor finds in one."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leadhouse.jobs.doctor import examine
from leadhouse.jobs.runtime.finding import WRONG, Finding
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake


def a_copy(company: Path, folder: Path) -> Lake:
    """The company's lake, copied into a folder."""
    shutil.copytree(company / "lake", folder / "lake")
    return open_lake(folder / "lake")


def findings(root: Path, workspace: Path | None = None) -> list[Finding]:
    """What all checks find in the lake at a folder."""
    return [entry for part in examine(root, workspace).values() for entry in part]


def what_is_wrong(lake: Lake) -> list[Finding]:
    """What they find, without the notes."""
    return [entry for entry in findings(lake.root) if entry.severity == WRONG]


def append(lake: Lake, table: str, rows: Sequence[Mapping[str, Any]], app_id: str, number: int) -> None:
    """Append rows as a writer with this application id would."""
    lake.append_local(
        table,
        [{name: _listed(value) for name, value in row.items()} for row in rows],
        app_id=app_id,
        app_version=number,
    )


def _listed(value: Any) -> Any:
    """Maps as Arrow takes them."""
    return list(value.items()) if isinstance(value, dict) else value


def truncate(path: Path) -> None:
    """Take a file's last byte away."""
    path.write_bytes(path.read_bytes()[:-1])


def commit_of(lake: Lake, table: str, version: int) -> Path:
    """The file of a version's commit."""
    return lake.log_path(table) / f"{version:020}.json"


def data_file(lake: Lake, table: str) -> Path:
    """One of a table's data files."""
    return Path(lake.table_path(table)) / lake.open(table).file_uris()[0].rsplit("/", 1)[-1]

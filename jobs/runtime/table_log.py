"""A table's log as files: what a commit notes about the rows, its checkpoints, and how its old end is trimmed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

CONTENT = "contentVersion"
"""Note in the commits of maintenance: the newest version that changed the table's rows."""

_VERSIONED = re.compile(r"\.?(\d{20})\.(.+)")
"""Every file of one version: commit, checkpoint, Spark's checksum, and the hidden checksums that Hadoop puts beside."""
_COMMIT, _CHECKPOINT = "json", "checkpoint.parquet"


def commit_path(log: Path, version: int) -> Path:
    """Return the file of a version's commit."""
    return log / f"{version:020}.{_COMMIT}"


def content_version(log: Path, version: int) -> int:
    """Return the newest version up to this one that changed the table's rows, as the version's commit notes it."""
    said = [action["commitInfo"] for action in _actions(log, version) if "commitInfo" in action]
    return int(said[0].get(CONTENT, version)) if said else version


def adds_rows(log: Path, version: int) -> bool:
    """Whether a stream has something to take of a version: it skips those that change or move what was there.

    A version whose commit is gone may have had something.
    """
    actions = _actions(log, version)
    added, removed = ({bool(a[kind]["dataChange"]) for a in actions if kind in a} for kind in ("add", "remove"))
    return not actions or (True in added and True not in removed)


def appended_files(log: Path, after: int, version: int) -> list[str] | None:
    """Return the files that the commits after one version, up to another, have added to a table's folder; None if they
    did anything but append."""
    files = []
    for number in range(after + 1, version + 1):
        actions = _actions(log, number)
        if not actions or any(action.keys() & {"remove", "metaData", "protocol"} for action in actions):
            return None
        files += [unquote(action["add"]["path"]) for action in actions if "add" in action]
    return files


def commit_versions(log: Path) -> list[int]:
    """Return the versions whose commits are in the log, in order."""
    return _versions(log, _COMMIT)


def unchecked(log: Path) -> int:
    """Return how many commits came after the newest checkpoint: so many files are read to open the table."""
    newest = max(_versions(log, _CHECKPOINT), default=-1)
    return sum(version > newest for version in commit_versions(log))


def trim(log: Path, *, floor: int, before: float, dry_run: bool = False) -> int:
    """Remove commits that are older than a moment (seconds since 1970) and below version ``floor``, as far as a
    checkpoint replaces them, with all that belongs to them. Returns how many.

    From the oldest on, so that what is left is whole wherever this is stopped.
    """
    commits = commit_versions(log)
    young = (version for version in commits if commit_path(log, version).stat().st_mtime >= before)
    bound = min(floor, next(young, floor))
    replaced_by = max((version for version in _versions(log, _CHECKPOINT) if version <= bound), default=0)
    old = [(version, path) for version, path in _files(log) if version < replaced_by]
    if not dry_run:
        for _, path in sorted(old):
            path.unlink(missing_ok=True)
    return sum(version < replaced_by for version in commits)


def drop_stale_checksums(log: Path) -> None:
    """Remove the checksums that Hadoop wrote beside files which another writer has replaced since.

    Spark would find the newest checkpoint's pointer broken, and try it three times for a second each.
    """
    for name in ("._last_checkpoint.crc",):
        (log / name).unlink(missing_ok=True)


def _actions(log: Path, version: int) -> list[dict[str, Any]]:
    path = commit_path(log, version)
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _versions(log: Path, kind: str) -> list[int]:
    return sorted(version for version, path in _files(log) if path.name == f"{version:020}.{kind}")


def _files(log: Path) -> list[tuple[int, Path]]:
    found = [(_VERSIONED.fullmatch(path.name), path) for path in log.iterdir()]
    return [(int(match[1]), path) for match, path in found if match]

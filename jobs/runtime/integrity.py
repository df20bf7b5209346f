"""Whether each table's Delta log is whole, by its own files: a library that meets a torn commit may pass over it.

A commit says how many rows it adds and how many files it removes, so that one cut between two lines is found too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.runtime.finding import WRONG, Finding, reason, some
from leadhouse.jobs.runtime.place import Place

CHECK = "logs"

_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(\..+)?\.(parquet|json)")
_CHECKSUM = re.compile(r"(\d{20})\.crc")
"""What Spark writes beside each of its commits."""
_ACTIONS = {"add", "remove", "metaData", "protocol", "txn", "commitInfo", "cdc", "domainMetadata", "sidecar"}
_COUNTS = {
    "WRITE": (("num_added_rows", "numOutputRows"), ("num_removed_files", "numRemovedFiles")),
    "OPTIMIZE": ((), ("numFilesRemoved", "numRemovedFiles")),
    "DELETE": ((), ("num_removed_files", "numRemovedFiles")),
}
"""Where delta-rs and Spark say how many rows a commit adds and how many files it removes, by operation."""

_DEFINING = ("CREATE TABLE", "ADD COLUMN", "ADD COLUMNS")

Action = dict[str, Any]


class DamagedError(Exception):
    """A file of a log can't be what was written. Its text ends the sentence "it …"."""


def check_logs(place: Place, tables: Sequence[str]) -> list[Finding]:
    """Check every retained commit and checkpoint of these tables."""
    return [finding for table in tables for finding in _log(place, table, thorough=True)]


def torn_logs(place: Place) -> list[Finding]:
    """Check each table's newest commit and last checkpoint alone: milliseconds, before every run.

    Tables that are not there yet are passed over.
    """
    return [
        finding for table in table_specs() if has_log(place, table) for finding in _log(place, table, thorough=False)
    ]


def has_log(place: Place, table: str) -> bool:
    """Whether a table has ever been made: not if its making was stopped before its first commit."""
    folder = place.log_path(table)
    traces = (match for pattern in (_COMMIT, _CHECKPOINT, _CHECKSUM) for match, _ in _matching(folder, pattern))
    return next(traces, None) is not None or (folder / "_last_checkpoint").is_file()


def commit_files(place: Place, table: str) -> dict[int, Path]:
    """Return the retained commits of a table, oldest first: version → file."""
    return {int(match[1]): path for match, path in _matching(place.log_path(table), _COMMIT)}


def commits(place: Place, table: str) -> Iterator[tuple[int, list[Action]]]:
    """Yield the retained commits of a table whose log is whole, oldest first."""
    for version, path in commit_files(place, table).items():
        yield version, read_commit(path)


def read_commit(path: Path) -> list[Action]:
    """Return a commit's actions. Raises DamagedError if it is not all there."""
    lines = path.read_bytes().split(b"\n")
    actions = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            action = json.loads(line)
        except ValueError as problem:
            raise DamagedError(f"can't be read from line {number} of {len(lines)} on") from problem
        if not isinstance(action, dict) or not action.keys() & _ACTIONS:
            raise DamagedError(f"says nothing that a Delta log may say in line {number} of {len(lines)}")
        actions.append(action)
    if not actions:
        raise DamagedError("is empty")
    _check_counts(actions)
    return actions


def commit_info(actions: Iterable[Action]) -> Action:
    """Return what a commit says about itself; empty if nothing."""
    return next((dict(action["commitInfo"]) for action in actions if "commitInfo" in action), {})


def _check_counts(actions: Sequence[Action]) -> None:
    """Raise DamagedError if a commit holds less than it says of itself."""
    info = commit_info(actions)
    metrics = info.get("operationMetrics") or {}
    rows_names, files_names = _COUNTS.get(str(info.get("operation")), ((), ()))
    if info.get("operation") in _DEFINING and not any("metaData" in action for action in actions):
        raise DamagedError("says that it defines the table's columns and names none")
    stats = [json.loads(action["add"].get("stats") or "{}").get("numRecords") for action in actions if "add" in action]
    for names, found, what in (
        (rows_names, None if None in stats else sum(stats), "adds {} rows"),
        (files_names, sum("remove" in action for action in actions), "removes {} files"),
    ):
        said = next((int(metrics[name]) for name in names if name in metrics), None)
        if said is not None and found is not None and said != found:
            raise DamagedError(f"says that it {what.format(said)}; what is in it {what.format(found)}")


def _log(place: Place, table: str, *, thorough: bool) -> list[Finding]:
    folder = place.log_path(table)
    files = commit_files(place, table)
    checkpoints = _checkpoints(folder)
    findings = _pointer(table, folder, checkpoints)
    for version in checkpoints if thorough else sorted(checkpoints)[-1:]:
        findings += _checkpoint(table, version, checkpoints[version], thorough=thorough)
    if not files:
        what = "expected a log that ends with a commit; there is none"
        return [*findings, _wrong(f"{table}: {what}", "restore the table's folder from a backup")]
    newest = max(files)
    for version in files if thorough else [newest]:
        try:
            read_commit(files[version])
        except (DamagedError, OSError) as problem:
            findings.append(_damaged(table, version, newest, files[version], problem))
    checksums = [int(match[1]) for match, _ in _matching(folder, _CHECKSUM)]
    return findings + _gaps(table, files, checkpoints, checksums)


def _gaps(
    table: str, files: dict[int, Path], checkpoints: dict[int, list[Path]], checksums: Iterable[int]
) -> list[Finding]:
    """Say which commits are absent of those that the present version is made of, and of those between two others."""
    first, newest = min(files), max(files)
    missing = [version for version in range(first, newest) if version not in files]
    if first > 0 and not any(first - 1 <= version <= newest for version in checkpoints):
        missing = [*range(max((v for v in checkpoints if v < first), default=-1) + 1, first), *missing]
    if not missing:
        return _end(table, newest, checksums)
    what = f"{table}: expected every commit from {min(missing)} to {newest}; {some(missing)} of them is not there"
    return [_wrong(what, "restore it from a backup: without it the table's content can't be told")]


def _end(table: str, newest: int, checksums: Iterable[int]) -> list[Finding]:
    """Say that the log once went further."""
    last = max(checksums, default=newest)
    if last <= newest:
        return []
    what = f"{table}: expected commit {last}, whose checksum is there; the newest commit is {newest}"
    return [_wrong(what, "restore it from a backup")]


def _damaged(table: str, version: int, newest: int, path: Path, problem: Exception) -> Finding:
    said = str(problem) if isinstance(problem, DamagedError) else f"can't be read ({reason(problem)})"
    what = f"{table}: expected commit {version} to be whole; {path.name} {said}"
    if version < newest:
        return _wrong(what, "restore that file from a backup")
    return _wrong(
        what,
        f"restore that file from a backup; without one, and if no outcome in ops.batches names version {version}, "
        "move it away with a copy of the table's folder kept: the next run does that batch again",
    )


def _pointer(table: str, folder: Path, checkpoints: dict[int, list[Path]]) -> list[Finding]:
    """Check ``_last_checkpoint``, which says where readers begin."""
    path = folder / "_last_checkpoint"
    if not path.is_file():
        return []
    remedy = "remove that file: readers then look for the checkpoint themselves"
    try:
        version = int(json.loads(path.read_bytes())["version"])
    except (ValueError, KeyError, TypeError):
        return [_wrong(f"{table}: expected _last_checkpoint to name a version; it can't be read", remedy)]
    if version in checkpoints:
        return []
    return [_wrong(f"{table}: expected the checkpoint of version {version}, as _last_checkpoint says; none", remedy)]


def _checkpoint(table: str, version: int, paths: Sequence[Path], *, thorough: bool) -> list[Finding]:
    for path in paths:
        try:
            if path.suffix == ".json":
                read_commit(path)
            elif thorough:
                for _ in pq.ParquetFile(path).iter_batches():
                    pass
            else:
                pq.read_metadata(path)
        except (DamagedError, OSError, pa.ArrowException) as problem:
            what = f"{table}: expected a readable checkpoint of version {version}; {path.name}: {reason(problem)}"
            return [_wrong(what, "remove it and _last_checkpoint if all commits from 0 on are there; else restore it")]
    return []


def _checkpoints(folder: Path) -> dict[int, list[Path]]:
    found: dict[int, list[Path]] = {}
    for match, path in _matching(folder, _CHECKPOINT):
        found.setdefault(int(match[1]), []).append(path)
    return found


def _matching(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[re.Match[str], Path]]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if match := pattern.fullmatch(path.name):
            yield match, path


def _wrong(what: str, remedy: str) -> Finding:
    return Finding(CHECK, WRONG, what, remedy)

"""Tables that the lake's only writer has opened: a micro-batch asks for each of them ten times, and to read a log anew
takes ten times as long as to see that it is still the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deltalake import DeltaTable

from leadhouse.jobs.runtime.table_log import commit_path

_MOST = 200
"""So many tables are remembered: more than a lake has."""


@dataclass(frozen=True)
class _Opened:
    table: DeltaTable
    version: int
    commit: tuple[int, int, int]
    """Inode, size and time of the version's commit: a table that was made anew has another."""


_TABLES: dict[str, _Opened] = {}


def newest(path: str) -> DeltaTable:
    """Open a table at its newest version, or return the one that was opened before if its log says nothing new."""
    log = Path(path) / "_delta_log"
    known = _TABLES.pop(path, None)
    if known is not None:
        version = known.table.version()  # greater than when it was opened if it was written through
        is_same = version > known.version or _commit(log, version) == known.commit
        if is_same and not commit_path(log, version + 1).exists():
            return _remember(path, known.table, log)
    return _remember(path, DeltaTable(path), log)


def forget(path: str) -> None:
    """Open a table anew the next time."""
    _TABLES.pop(path, None)


def _remember(path: str, table: DeltaTable, log: Path) -> DeltaTable:
    version = table.version()
    if (commit := _commit(log, version)) is not None:
        _TABLES[path] = _Opened(table, version, commit)
    while len(_TABLES) > _MOST:
        del _TABLES[next(iter(_TABLES))]
    return table


def _commit(log: Path, version: int) -> tuple[int, int, int] | None:
    try:
        status = commit_path(log, version).stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns

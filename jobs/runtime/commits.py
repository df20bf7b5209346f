"""What a table's own log says of its commits: when each was made, and what a micro-batch wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_LOOK_BACK = 50
"""Commits to look at, newest first: a batch's own are the last ones, unless it is tried again after others wrote."""


@dataclass(frozen=True)
class Written:
    """Rows, bytes and files that a batch added to a table."""

    rows: int
    size: int
    files: int


def written(table_path: str, newest: int, *, job: str, generation: int, number: int) -> Written:
    """Sum what a batch's commits added to a table, all roles and all attempts together.

    Its commits are known by their transaction: ``<lake>:<job>:<table>:<role>:<generation>`` with the batch's number.
    """
    rows = size = files = 0
    for commit in range(newest, max(-1, newest - _LOOK_BACK), -1):
        actions = _actions(_log_entry(table_path, commit))
        transactions = [action["txn"] for action in actions if "txn" in action]
        if not any(_is_of(transaction, job, generation, number) for transaction in transactions):
            continue
        for add in (action["add"] for action in actions if "add" in action):
            rows += int(json.loads(add.get("stats") or "{}").get("numRecords", 0))
            size += int(add["size"])
            files += 1
    return Written(rows, size, files)


def committed_at(table_path: str, number: int) -> datetime | None:
    """Return when a version was committed; None where its entry in the log is gone."""
    for action in _actions(_log_entry(table_path, number)):
        if "commitInfo" in action:
            return datetime.fromtimestamp(int(action["commitInfo"]["timestamp"]) / 1000, UTC)
    return None


def _actions(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():  # cleaned up with the rest of an old log
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _log_entry(table_path: str, number: int) -> Path:
    return Path(table_path) / "_delta_log" / f"{number:020}.json"


def _is_of(transaction: dict[str, Any], job: str, generation: int, number: int) -> bool:
    parts = str(transaction["appId"]).split(":")
    return parts[1:2] == [job] and parts[-1:] == [str(generation)] and transaction["version"] == number

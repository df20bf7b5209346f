"""How far a streaming job has come, told from its checkpoint without a JVM."""

from __future__ import annotations

import json
from pathlib import Path

from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.table_log import adds_rows


def is_through(place: Place, table: str, checkpoint: Path) -> bool:
    """Whether a stream has taken all that its table holds."""
    opened = place.open(table)
    position = untaken_from(checkpoint, str(opened.metadata().id))
    log = place.log_path(table)
    return position is not None and not any(adds_rows(log, v) for v in range(position, opened.version() + 1))


def untaken_from(checkpoint: Path, table_id: str) -> int | None:
    """Return the first version that a stream has not begun to take; None if it is in the midst of something."""
    begun, done = _numbers(checkpoint / "offsets"), _numbers(checkpoint / "commits")
    if not begun or not done or begun[-1] != done[-1]:
        return None
    offset = json.loads((checkpoint / "offsets" / str(done[-1])).read_text(encoding="utf-8").splitlines()[-1])
    # Index -1: before the version's first file. In the first version, files are taken from a snapshot, piece by piece.
    if offset["reservoirId"] != table_id or offset["index"] != -1 or offset["isStartingVersion"]:
        return None
    return int(offset["reservoirVersion"])


def _numbers(folder: Path) -> list[int]:
    return sorted(int(path.name) for path in folder.glob("*") if path.name.isdigit())

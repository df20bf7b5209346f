"""``leadhouse maintain``: keeps a lake small and quick, and lets go what has expired; without a JVM."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.conf.settings import Maintenance
from leadhouse.conf.workspace import open_workspace
from leadhouse.expectations.contract import Contract
from leadhouse.expectations.odcs import read_contracts
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs import ingest, refine, topics
from leadhouse.jobs.runtime.answers import show_json
from leadhouse.jobs.runtime.batches import Count
from leadhouse.jobs.runtime.compaction import Kept, files_of, keep_table
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.leftovers import drop_old_checkpoints, turn_lineage
from leadhouse.jobs.runtime.lock import lake_lock
from leadhouse.jobs.runtime.pins import Pins, find_pins
from leadhouse.jobs.runtime.place import Place, find_place
from leadhouse.jobs.runtime.retention import MEASURES, due_expiries, expire
from leadhouse.jobs.runtime.table_log import commit_path
from leadhouse.jobs.runtime.whole_file import write_whole

STREAMS: Mapping[str, str] = {spec.name: str(spec.stream) for spec in (ingest.SPEC, topics.SPEC, refine.SPEC)}
"""Streaming jobs, and the table that each reads as a stream."""
DUE_COMMITS = 100
"""So many new versions of a table call for maintenance; so does a day."""
OVERDUE = 3
"""So many times more versions, or so many days, and it can't wait for a quiet moment any longer."""

_MEMORY = "maintained.json"
_NAMED = 4
_WORDS = {"expired": "records expired", "expired_quarantine": "refused items expired"}


@dataclass(frozen=True)
class Maintained:
    """What one call did, or (``dry_run``) would do."""

    tables: tuple[Kept, ...] = ()
    """Tables that there was something to do about."""
    expired: tuple[Count, ...] = ()
    checkpoints: int = 0
    """Streaming checkpoints of earlier generations that went."""
    turned: tuple[str, ...] = ()
    """Lineage files that were full."""
    left: tuple[str, ...] = ()
    """What there was no time for: the next call does it."""
    dry_run: bool = False


@dataclass(frozen=True)
class _Memory:
    """What the last calls did, in ``<lake>/ops``; where it is lost, some work is done once more."""

    done_at: datetime | None = None
    """When a call last had the time to do everything."""
    versions: Mapping[str, int] = field(default_factory=dict)
    """Each table's version when it was last looked after."""
    ordered: Mapping[str, int] = field(default_factory=dict)
    """Each table's bytes when it was last ordered."""


def is_due(place: Place, now: datetime, *, busy: bool = False) -> bool:
    """Whether maintenance would find something to do: a day has passed, or a table has many new versions. ``busy``:
    whether so much that work which is there must wait for it.

    Asks only whether some files are there: fast enough for every turn of ``run --follow``.
    """
    memory, times = _recall(place), OVERDUE if busy else 1
    if not busy and memory.done_at is None:
        return True
    if memory.done_at is not None and now - memory.done_at >= timedelta(days=times):
        return True
    commits = DUE_COMMITS * times
    due = ((place.log_path(table), memory.versions.get(table, 0) + commits) for table in table_specs())
    return any(commit_path(log, version).exists() for log, version in due)


def maintain(
    lake: Lake,
    contracts: Sequence[Contract],
    settings: Maintenance,
    *,
    deadline: float,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    dry_run: bool = False,
) -> Maintained:
    """Let go what has expired, then look after each table, the neediest first, and after what lies beside them.

    The caller holds the lake's lock and no batch is running. No new piece of work is begun once ``time.monotonic()``
    is past ``deadline``; whatever was done is whole, and the next call goes on with the rest. With ``dry_run`` nothing
    is written.
    """

    def has_time() -> bool:
        return time.monotonic() < deadline

    pins = find_pins(lake, STREAMS)
    expired, left = _expire(lake, contracts, pins, clock, has_time, dry_run=dry_run)
    memory = _recall(lake)
    versions, ordered = dict(memory.versions), dict(memory.ordered)
    kept: list[Kept] = []
    for table in _by_need(lake, settings, memory):
        if not has_time():
            left.append(table)
            continue
        done = keep_table(
            lake, table, settings, pins,
            clock=clock, ordered_at=ordered.get(table), has_time=has_time, dry_run=dry_run,
        )  # fmt: skip
        kept.append(done)
        versions[table] = lake.version(table)
        if done.ordered:
            ordered[table] = files_of(lake, table, settings).size
    checkpoints, turned = 0, tuple[str, ...]()
    if has_time():
        checkpoints = drop_old_checkpoints(lake, list(STREAMS), dry_run=dry_run)
        turned = turn_lineage(lake.root, settings.lineage_megabytes * 1_000_000, dry_run=dry_run)
    else:
        left.append("checkpoints and lineage")
    if not dry_run:
        _remember(lake, _Memory(memory.done_at if left else clock(), versions, ordered))
    worked = tuple(entry for entry in kept if not entry.is_idle)
    return Maintained(worked, expired, checkpoints, turned, tuple(left), dry_run)


def maintain_lake(
    lake_root: Path, workspace: Path, *, minutes: float, dry_run: bool, as_json: bool, console: Console
) -> None:
    """Maintain a lake from the command line. Raises InputError if there is none, or if the workspace is not as
    expected; TransientError if another process works on the lake."""
    if minutes < 0:
        raise InputError(f"--minutes: expected 0 or more; got {minutes:g}; leave it out for 10")
    deadline = time.monotonic() + 60 * minutes
    opened = open_workspace(workspace)
    contracts = read_contracts(opened.contract_files, opened.settings.tenant)
    find_place(lake_root)
    with lake_lock(lake_root, "leadhouse maintain"):
        lake = open_lake(lake_root)
        done = maintain(lake, contracts, opened.settings.maintenance, deadline=deadline, dry_run=dry_run)
    if as_json:
        show_json(asdict(done), console)
    else:
        show_maintained(done, console)


def show_maintained(done: Maintained, console: Console) -> None:
    """Print what was done, or would be."""
    told = [
        *(f"{count.source}: {count.rows:,} {_WORDS[count.measure]}" for count in done.expired),
        *(f"{entry.table}: {'; '.join(_words(entry))}" for entry in done.tables),
        *([f"{done.checkpoints} checkpoints of earlier generations removed"] if done.checkpoints else []),
        *(f"{name} was full: a new one begins" for name in done.turned),
    ]
    if done.left:
        more = f" and {len(done.left) - _NAMED} more" if len(done.left) > _NAMED else ""
        rest = f"{', '.join(done.left[:_NAMED])}{more}"
        told.append(f"No time was left for {rest}: the next call goes on; --minutes gives it more.")
    if done.dry_run:
        told.insert(0, "What would be done; nothing was written:")
    for line in told or ["Nothing to do."]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _words(entry: Kept) -> list[str]:
    joined = f"{entry.files_before:,} files → {entry.files_after:,}{', ordered' if entry.ordered else ''}"
    return [
        *([joined] if entry.ordered or entry.files_before != entry.files_after else []),
        *([f"{entry.files_removed:,} old files, {entry.bytes_freed / 1e6:,.1f} MB"] if entry.files_removed else []),
        *([f"{entry.versions_trimmed:,} old versions"] if entry.versions_trimmed else []),
        *([entry.note] if entry.note else []),
    ]


def main(argv: Sequence[str]) -> int:
    """Run this from the command line, with the options of ``leadhouse maintain``."""
    from leadhouse.jobs import cli  # here, since the command line imports every job

    return int(cli.main(["maintain", *argv]) or 0)


def _expire(
    lake: Lake,
    contracts: Sequence[Contract],
    pins: Pins,
    clock: Callable[[], datetime],
    has_time: Callable[[], bool],
    *,
    dry_run: bool,
) -> tuple[tuple[Count, ...], list[str]]:
    """Let records go that refine has dealt with; its stream says whether it has."""
    if STREAMS[refine.SPEC.name] not in pins.floors:
        return (), []
    if not has_time():
        return (), ["what has expired"]
    if dry_run:
        due = due_expiries(lake, contracts, clock())
        return tuple(Count(entry.tenant, entry.source, MEASURES[entry.table], entry.rows) for entry in due), []
    counts, all_gone = expire(lake, contracts, clock, has_time)
    return counts, [] if all_gone else ["what has expired"]


def _by_need(lake: Lake, settings: Maintenance, memory: _Memory) -> list[str]:
    """Return the tables that were ever written, those with the most small files and new versions first."""
    need = {}
    for table in table_specs():
        if version := lake.version(table) if lake.exists(table) else 0:
            need[table] = files_of(lake, table, settings).small + version - memory.versions.get(table, 0)
    return sorted(need, key=lambda table: (-need[table], table))


def _recall(place: Place) -> _Memory:
    try:
        content: dict[str, Any] = json.loads((place.root / "ops" / _MEMORY).read_text(encoding="utf-8"))
        done_at = content["done_at"] and datetime.fromisoformat(content["done_at"])
        return _Memory(done_at or None, dict(content["versions"]), dict(content["ordered"]))
    except (OSError, ValueError, KeyError, TypeError):
        return _Memory()


def _remember(lake: Lake, memory: _Memory) -> None:
    path = lake.root / "ops" / _MEMORY
    done_at = memory.done_at and memory.done_at.isoformat()
    write_whole(path, json.dumps(asdict(memory) | {"done_at": done_at}).encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

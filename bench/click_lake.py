"""A lake with so much history and so many leads, and one micro-batch after another taken through every job."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from leadhouse.bench.clicks import land_clicks, write_clicks
from leadhouse.jobs import decide, feature, ingest, refine, score
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.opening import open_run

_LAST = datetime(2026, 6, 1, tzinfo=UTC)
_HISTORY_DAYS = 300.0


@dataclass
class ClickLake:
    """An open lake that clicks land for."""

    run: Run
    landing: Path
    active: int
    """So many of the leads click."""
    batches: int = field(default=0)

    def take(self, clicks: int, days: float = 1.0) -> tuple[float, int]:
        """Land clicks of the active leads and take them through to decisions. Return the seconds and the bytes."""
        self.batches += 1
        last = _LAST + timedelta(minutes=self.batches)
        leads = [number % self.active for number in range(clicks)]
        size = land_clicks(self.landing, f"{self.batches:06}", leads, last=last, days=days)
        begun = time.perf_counter()
        for job in (ingest, refine, feature, score, decide):
            job.run(self.run)
        return time.perf_counter() - begun, size


@contextmanager
def click_lake(folder: Path, *, leads: int, active: int, history: int) -> Iterator[ClickLake]:
    """Make a lake with so many leads and clicks and yield it open."""
    workspace, landing = write_clicks(folder, leads)
    with open_run(folder / "lake", workspace, landing=landing, holder="bench") as run:
        lake = ClickLake(replace(run, follows=True), landing, active)
        lake.take(history, _HISTORY_DAYS)
        yield lake


def processes() -> tuple[int, int]:
    """Return the ids of the driver's two processes: Python, and the JVM that it started."""
    me = os.getpid()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, parent = (
                path.read_text().split(")")[0].split("(")[1],
                int(path.read_text().rsplit(")", 1)[1].split()[1]),
            )
        except OSError:  # it has ended meanwhile
            continue
        if name == "java" and parent == me:
            return me, int(path.parent.name)
    return me, me


def bytes_read() -> int:
    """Return how many bytes the driver has read until now, from files and from the page cache."""
    return sum(_number(f"/proc/{pid}/io", "rchar") for pid in set(processes()))


def resident_bytes(kind: str = "VmRSS") -> int:
    """Return the memory that the driver holds; ``VmHWM``: the most that it ever held."""
    return sum(_number(f"/proc/{pid}/status", kind) for pid in set(processes())) * 1024


def python_bytes() -> int:
    """Return the driver's memory without the JVM's."""
    return _number("/proc/self/status", "VmRSS") * 1024


def _number(path: str, name: str) -> int:
    for line in Path(path).read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0

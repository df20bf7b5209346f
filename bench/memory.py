"""Memory: what the driver holds over many small micro-batches."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from leadhouse.bench.click_lake import click_lake, python_bytes, resident_bytes
from leadhouse.jobs.following import maintain_if_due

_CLICKS, _LEADS = 50, 200
_TOLD_EVERY = 50


@dataclass(frozen=True)
class Tenth:
    """A tenth of the batches."""

    batches: int
    resident: float
    """Bytes that the driver, Python and JVM together, held after each; the mean."""
    python: float
    """Those of Python."""
    seconds: float
    """What a batch took; the median."""


@dataclass(frozen=True)
class Memory:
    """What the driver held, and how long each batch took."""

    batches: int
    early: Tenth
    """The second tenth: by then everything that batches need is compiled."""
    late: Tenth
    """The last."""
    peak: int
    """The most bytes that it ever held."""

    @property
    def growth(self) -> float:
        """The last tenth's bytes over the second tenth's."""
        return self.late.resident / self.early.resident

    @property
    def slowdown(self) -> float:
        """The last tenth's seconds over the second tenth's."""
        return self.late.seconds / self.early.seconds


def measure_memory(folder: Path, batches: int, say: Callable[[str], None]) -> Memory:
    """Take so many small batches through every job in one process."""
    held: list[tuple[int, int, float]] = []
    console = Console(quiet=True)
    with click_lake(folder / "lake", leads=_LEADS, active=_LEADS, history=_CLICKS) as lake:
        for number in range(batches):
            seconds, _ = lake.take(_CLICKS)
            maintain_if_due(lake.run, console, busy=True)
            held.append((resident_bytes(), python_bytes(), seconds))
            if number % _TOLD_EVERY == 0:
                resident, python, _ = held[-1]
                mebibytes = f"{resident / 2**20:,.0f} MiB, of which Python {python / 2**20:,.0f}"
                say(f"batch {number}: {mebibytes}; {seconds:.1f} s")
        tenth = max(1, batches // 10)
        early, late = _tenth(held[tenth : 2 * tenth]), _tenth(held[-tenth:])
        return Memory(batches, early, late, resident_bytes("VmHWM"))


def _tenth(held: list[tuple[int, int, float]]) -> Tenth:
    resident, python, seconds = zip(*held, strict=True)
    return Tenth(len(held), statistics.mean(resident), statistics.mean(python), statistics.median(seconds))

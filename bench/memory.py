"""Memory: what the driver holds over many small micro-batches."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from leadhouse.bench.click_lake import click_lake, python_bytes, resident_bytes

_CLICKS, _LEADS = 50, 200
_TOLD_EVERY = 50


@dataclass(frozen=True)
class Memory:
    """What the driver, Python and JVM together, held after each batch."""

    resident: tuple[int, ...]
    """Bytes."""
    peak: int
    """The most that it ever held."""

    @property
    def growth(self) -> float:
        """The last tenth's mean over the second tenth's."""
        tenth = max(1, len(self.resident) // 10)
        return statistics.mean(self.resident[-tenth:]) / statistics.mean(self.resident[tenth : 2 * tenth])


def measure_memory(folder: Path, batches: int, say: Callable[[str], None]) -> Memory:
    """Take so many small batches through every job in one process."""
    held = []
    with click_lake(folder / "lake", leads=_LEADS, active=_LEADS, history=_CLICKS) as lake:
        for number in range(batches):
            lake.take(_CLICKS)
            held.append(resident_bytes())
            if number % _TOLD_EVERY == 0:
                say(f"batch {number}: {held[-1] / 2**20:,.0f} MiB, of which Python {python_bytes() / 2**20:,.0f}")
        return Memory(tuple(held), resident_bytes("VmHWM"))

"""Growth: what a micro-batch costs when the lake has a hundred times the history, or a hundred times the leads."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leadhouse.bench.click_lake import bytes_read, click_lake


@dataclass(frozen=True)
class Batch:
    """A micro-batch on a lake of a size."""

    what: str
    new: int
    """Signals in the batch."""
    history: int
    """Signals in the lake before."""
    leads: int
    seconds: float
    """The median of the runs."""
    read: float
    """Bytes read per new byte."""


@dataclass(frozen=True)
class Growth:
    """Several batches, and t = a + b·new + c·history + d·leads fitted to them (least squares)."""

    batches: tuple[Batch, ...]

    @property
    def coefficients(self) -> tuple[float, ...]:
        """a in seconds, b, c and d in seconds for a million rows."""
        rows = [(1.0, batch.new / 1e6, batch.history / 1e6, batch.leads / 1e6) for batch in self.batches]
        fitted, *_ = np.linalg.lstsq(np.array(rows), np.array([batch.seconds for batch in self.batches]), rcond=None)
        return tuple(float(value) for value in fitted)

    def ratio(self, what: str) -> float:
        """Return a batch's seconds over those of the same batch on the small lake."""
        by_name = {batch.what: batch.seconds for batch in self.batches}
        return by_name[what] / by_name[SMALL]


SMALL, HISTORY, LEADS, FEW = "small lake", "much history", "many leads", "small batch"


def measure_growth(
    folder: Path, *, new: int, history: int, leads: int, times: int, runs: int, say: Callable[[str], None]
) -> Growth:
    """Take batches of ``new`` signals on a lake with ``history`` signals of ``leads`` leads, and on larger ones."""
    sizes = (
        (SMALL, new, history, leads),
        (FEW, max(1, new // 10), history, leads),
        (HISTORY, new, history * times, leads),
        (LEADS, new, history, leads * times),
    )
    batches = []
    for what, clicks, past, many in sizes:
        with click_lake(folder / "lake", leads=many, active=leads, history=past) as lake:
            lake.take(clicks)  # compiles what this size needs
            seconds, read = [], []
            for _ in range(runs):
                before = bytes_read()
                taken, size = lake.take(clicks)
                seconds.append(taken)
                read.append((bytes_read() - before) / size)
        shutil.rmtree(folder / "lake")
        batches.append(Batch(what, clicks, past, many, statistics.median(seconds), statistics.median(read)))
        say(f"{what}: {batches[-1].seconds:.1f} s, {batches[-1].read:,.0f} bytes read for a new one")
    return Growth(tuple(batches))

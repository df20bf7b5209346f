"""What is measured: named pieces of work, each done several times, and the median of their seconds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

OURS, FLOOR, PEER = "leadhouse", "floor", "peer"
"""Who does the work: Leadhouse's job, the bare Spark job, or a program without Spark."""


@dataclass
class Stopwatch:
    """Seconds of every run, by what was done and who did it."""

    say: Callable[[str], None]
    """Told each run's seconds, as progress."""
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    @contextmanager
    def running(self, what: str, who: str) -> Iterator[None]:
        """Time the block as one run."""
        begun = time.perf_counter()
        yield
        taken = time.perf_counter() - begun
        self.seconds.setdefault((what, who), []).append(taken)
        self.say(f"{what}, {who}: {taken:.1f} s")

    def median(self, what: str, who: str) -> float:
        """Return the median seconds of the runs."""
        return statistics.median(self.seconds[what, who])


@dataclass(frozen=True)
class Line:
    """One line of the table: the same rows done by Leadhouse, by the bare Spark job and by the peer."""

    what: str
    rows: int
    seconds: float
    floor_seconds: float | None
    """None: not measured."""
    peer_seconds: float | None
    absent: str = field(default="–", kw_only=True)
    """What the table says in place of a peer that was not measured."""

    @property
    def rate(self) -> float:
        """Leadhouse's rows per second."""
        return self.rows / self.seconds

    @property
    def to_floor(self) -> float | None:
        """Leadhouse's rate as a share of the bare Spark job's."""
        return None if self.floor_seconds is None else self.floor_seconds / self.seconds

    @property
    def to_peer(self) -> float | None:
        """Leadhouse's rate as a share of the peer's."""
        return None if self.peer_seconds is None else self.peer_seconds / self.seconds

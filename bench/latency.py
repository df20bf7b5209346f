"""Latency: from the moment at which a signal was due to the end of the first batch of decisions that knows of it."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from leadhouse.bench import naive_chain
from leadhouse.bench.broker import running_broker, sending
from leadhouse.bench.clicks import SOURCE, click, write_clicks
from leadhouse.bench.passes import Decided, decided_clicks, seconds_by_job
from leadhouse.conf.errors import LeadhouseError

_POLL_SECONDS = 5.0
_PATIENCE_SECONDS = 900
_STOP_SECONDS = 300
_SAID = 3_000
"""Characters of a program's log that an error cites."""
_JVM_FRAMES = ("\tat ", "\t... ")
_ERROR = re.compile(r"\bERROR\b|^Traceback|Exception\b|Error: ")
NAIVE = "clicks-naive"
"""The topic of the chain of queries."""


@dataclass(frozen=True)
class Schedule:
    """When signals are due: evenly, from the start on."""

    rate: int
    """Signals a second."""
    warm_up: int
    """Seconds before what is measured."""
    measured: int
    """Seconds."""
    leads: int

    @property
    def signals(self) -> int:
        """All of them, those of the warm-up too."""
        return self.rate * (self.warm_up + self.measured)


@dataclass(frozen=True)
class Program:
    """What takes signals from a topic of its own."""

    what: str
    topic: str
    module: Sequence[str]
    """Python module and arguments."""
    decided: Callable[[], Decided]


@dataclass(frozen=True)
class Latency:
    """How long one program took over the signals that were measured."""

    what: str
    seconds: tuple[float, ...]
    """Of each signal, sorted."""
    commits: int
    """So many batches of decisions told of them."""
    seconds_by_job: Mapping[str, float] = field(default_factory=dict)
    """Where a pass through all jobs spends its time."""

    def within(self, percent: int) -> float:
        """Return the seconds within which so many percent of the signals were decided."""
        return self.seconds[-(-len(self.seconds) * percent // 100) - 1]


def measure_latency(folder: Path, schedule: Schedule, say: Callable[[str], None]) -> list[Latency]:
    """Let ``run --follow``, then a query for each table, take the same steady signals from a broker."""
    with running_broker(folder / "broker") as address:
        workspace, landing = write_clicks(folder, schedule.leads, address=address)
        lake, naive = folder / "lake", folder / "naive"
        follow = ["leadhouse.jobs.cli", "run", "--follow", "--lake", str(lake), "--workspace", str(workspace)]
        programs = (
            Program(
                "Leadhouse, run --follow", SOURCE, [*follow, "--landing", str(landing)], lambda: decided_clicks(lake)
            ),
            Program(
                "a query for each table",
                NAIVE,
                ["leadhouse.bench.naive_chain", address, NAIVE, str(naive)],
                lambda: naive_chain.decided(naive),
            ),
        )
        found = []
        for program in programs:
            first, decided = _take(program, address, schedule, folder / "log")
            found.append(_latency(program.what, first.timestamp(), decided, schedule))
            if program.topic == SOURCE:
                since = first + timedelta(seconds=schedule.warm_up)
                found[-1] = replace(found[-1], seconds_by_job=seconds_by_job(lake, since))
            say(f"{program.what}: p50 {found[-1].within(50):.1f} s, p99 {found[-1].within(99):.1f} s")
    return found


def _take(program: Program, address: str, schedule: Schedule, log: Path) -> tuple[datetime, Decided]:
    """Start a program, send it the signals; return when the first of them was due, and what became of all."""
    with sending(address, program.topic) as producer, log.open("wb") as out:
        first = datetime.now(UTC)  # a greeting: that it is decided says that the program has started
        producer(click(f"greeting-{first.timestamp()}", 0, first))
        process = subprocess.Popen([sys.executable, "-m", *program.module], stdout=out, stderr=subprocess.STDOUT)
        try:
            _wait(process, log, lambda: any(due >= first for due, _ in program.decided()))
            first = _send(producer, schedule)
            _wait(process, log, lambda: sum(due >= first for due, _ in program.decided()) >= schedule.signals)
            return first, program.decided()
        finally:
            process.terminate()
            try:
                process.wait(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _send(producer: Callable[[bytes], None], schedule: Schedule) -> datetime:
    """Send every signal when it is due, those that are overdue at once; return when the first was."""
    begun = time.time()
    for number in range(schedule.signals):
        due = begun + number / schedule.rate
        if (early := due - time.time()) > 0:
            time.sleep(early)
        producer(click(f"{begun}-{number}", number % schedule.leads, datetime.fromtimestamp(due, UTC)))
    return datetime.fromtimestamp(begun, UTC)


def _wait(process: subprocess.Popen[bytes], log: Path, until: Callable[[], bool]) -> None:
    """Wait until something is true. Raises LeadhouseError if the program ends before, or takes too long."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not until():
        if process.poll() is not None or time.monotonic() > deadline:
            said = first_error(log.read_text(errors="replace"))
            raise LeadhouseError(f"bench: expected every signal to be decided; {process.args!r} did not: {said}")
        time.sleep(_POLL_SECONDS)


def first_error(log: str) -> str:
    """Return what a log says from its first error on, without the JVM's frames; its end if it tells of no error.

    Of queries that end one after another only the first says why: the others lost Python, which ended with it.
    """
    lines = [line for line in log.splitlines() if not line.startswith(_JVM_FRAMES)]
    first = next((place for place, line in enumerate(lines) if _ERROR.search(line)), None)
    return "\n".join(lines)[-_SAID:] if first is None else "\n".join(lines[first:])[:_SAID]


def _latency(what: str, first: float, decided: Decided, schedule: Schedule) -> Latency:
    begin = first + schedule.warm_up
    end = begin + schedule.measured
    measured = [(due.timestamp(), done.timestamp()) for due, done in decided if begin <= due.timestamp() < end]
    return Latency(what, tuple(sorted(done - due for due, done in measured)), len({done for _, done in measured}))

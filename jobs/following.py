"""``--follow``: all jobs in turn, or one of them beside the others, again and again until somebody asks to stop."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.expectations.sharing import circle_of
from leadhouse.jobs.champion import champion_of, open_registry
from leadhouse.jobs.maintain import is_due, maintain, show_maintained
from leadhouse.jobs.model_health import why_train
from leadhouse.jobs.run import MAY_WAIT, SPECS, Turn, say_once, take_turn, told
from leadhouse.jobs.runtime.contracts import renewed
from leadhouse.jobs.runtime.job import JobSpec, Run
from leadhouse.jobs.runtime.opening import open_run

PARENT = "LEADHOUSE_PARENT"
"""Environment variable: id of the process that started this one, and without which it is to end."""
POLL_SECONDS = 0.5
HELD_SYNC_SECONDS = 60.0
IDLE_TRAINING_SECONDS, BUSY_TRAINING_SECONDS = 300.0, 3600.0
"""It trains no sooner after the last time; in the first of these only if nothing else is to be done."""
MAINTENANCE_SECONDS, BUSY_MAINTENANCE_SECONDS = 60.0, 5.0
_IN_ONE_COMMIT = ("ingest",)
"""Jobs of which a batch is one commit: nobody ever sees half of one."""


def follow_jobs(
    lake: Path,
    workspace: Path,
    *,
    landing: Path | None,
    as_of: datetime | None,
    console: Console,
    only: str | None = None,
) -> int:
    """Run all jobs, alone on the lake, or one beside the others, again and again until SIGTERM or SIGINT, which let the
    running micro-batch finish. Returns the exit code of the last turn."""
    stop = stop_when_asked()
    opening = open_run(
        lake, workspace, landing=landing, as_of=as_of, holder=f"leadhouse {only or 'run'} --follow",
        takes_files=only == "ingest", job=only, beside=jobs_beside(only) if only else (),
    )  # fmt: skip
    with opening as once, told(once):
        opened = replace(once, follows=True)
        stop_when_asked(stop)  # Spark has taken the terminal's signal for itself
        # Beside other jobs refine may meet what ingest has taken by a contract that can't be read just now.
        forgiven = MAY_WAIT if only is None else (*MAY_WAIT, "refine")
        turn, pauses, said = Turn(0, ()), Pauses(), dict[str, str]()
        while not stop.is_set() and not _is_left_alone():
            opened = _renewed(opened, console, said)
            turn = take_turn(opened, console, only, forgiven=forgiven, quiet=True, skip=pauses.skipped(turn), said=said)
            pauses.note(turn, hurried="train" in turn.worked and _wants_training(opened))
            if only is None:
                maintain_if_due(opened, console, busy=bool(turn.worked))
            if not turn.worked:  # after work there may be more that has arrived meanwhile
                stop.wait(POLL_SECONDS)
        return turn.code


def jobs_beside(job: str) -> tuple[JobSpec, ...]:
    """Return the jobs of which a batch in its midst is not to be seen by a job that is a process of its own."""
    return tuple(spec for name, specs in SPECS.items() if name not in (job, *_IN_ONE_COMMIT) for spec in specs)


def stop_when_asked(stop: threading.Event | None = None) -> threading.Event:
    """Return an event that SIGTERM and SIGINT set from now on."""
    asked = stop or threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        asked.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    return asked


def _is_left_alone() -> bool:
    """Whether the process that started this one, and would have stopped it, was killed."""
    parent = os.environ.get(PARENT)
    return parent is not None and os.getppid() != int(parent)


class Pauses:
    """Which jobs are left out of a turn, so that a signal doesn't wait for them."""

    def __init__(self) -> None:
        self._next_sync = self._next_idle_training = self._next_training = time.monotonic()

    def skipped(self, last: Turn) -> tuple[str, ...]:
        """Name the jobs that the turn after ``last`` leaves out."""
        now = time.monotonic()
        trains = now >= (self._next_training if last.worked else self._next_idle_training)
        return (*(() if trains else ("train",)), *(() if now >= self._next_sync else ("sync",)))

    def note(self, turn: Turn, *, hurried: bool = False) -> None:
        """Take note of a turn that has ended; ``hurried``: a champion has drifted or fails, so that training should not
        wait for a quiet moment until it can be replaced."""
        now = time.monotonic()
        if "sync" in turn.held:  # what a destination did not take is tried again, but not at once
            self._next_sync = now + HELD_SYNC_SECONDS
        if "train" in turn.missed:  # its registry is down: asking takes seconds
            self._next_idle_training = self._next_training = now + IDLE_TRAINING_SECONDS
        if "train" in turn.worked:
            self._next_idle_training = now + IDLE_TRAINING_SECONDS
            self._next_training = now + (IDLE_TRAINING_SECONDS if hurried else BUSY_TRAINING_SECONDS)


def _wants_training(opened: Run) -> bool:
    registry = open_registry(opened)
    circle = circle_of(opened.contracts, opened.workspace.settings.training)
    scoring = {tenant: champion_of(registry, tenant, circle) for tenant in opened.tenants}
    return any(why_train(opened.lake, tenant, champion) is not None for tenant, champion in scoring.items())


def maintain_if_due(opened: Run, console: Console, *, busy: bool) -> None:
    """Keep the lake's tables in shape, for a minute at the most: what is left is for the next turn.

    ``busy``: where work is waiting, for seconds, and only if it was put off for long: else a lake that is never quiet
    would grow for ever.
    """
    if not is_due(opened.lake, opened.clock(), busy=busy):
        return
    deadline = time.monotonic() + (BUSY_MAINTENANCE_SECONDS if busy else MAINTENANCE_SECONDS)
    settings = opened.workspace.settings.maintenance
    done = maintain(opened.lake, opened.contracts, settings, deadline=deadline, clock=opened.clock)
    show_maintained(done, console)


def _renewed(opened: Run, console: Console, said: dict[str, str]) -> Run:
    """Take up contracts and lists that were changed; go on with those before if they can't be used."""
    try:
        run = renewed(opened)
    except InputError as problem:
        say_once("contracts", f"going on with those before: {problem}", console, said)
        return opened
    said.pop("contracts", None)
    return run

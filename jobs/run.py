"""``leadhouse run``: every job in turn, once over what is new or for ever, and what they did on the terminal."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from leadhouse.conf.errors import InputError, LostBytesError, TransientError
from leadhouse.jobs import decide, feature, ingest, refine, score, sync, train
from leadhouse.jobs.maintain import is_due, maintain, show_maintained
from leadhouse.jobs.runtime.batches import HELD
from leadhouse.jobs.runtime.contracts import renewed
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.lineage import Lineage
from leadhouse.jobs.runtime.opening import open_run
from leadhouse.jobs.runtime.runner import UNCHANGED, Report

JOBS: Mapping[str, Callable[[Run], Report]] = {
    "ingest": ingest.run,
    "refine": refine.run,
    "feature": feature.run,
    "train": train.run,
    "score": score.run,
    "decide": decide.run,
    "sync": sync.run,
}
"""Every job, in the order of a signal's path."""

POLL_SECONDS = 0.5
HELD_SYNC_SECONDS = 60.0
IDLE_TRAINING_SECONDS, BUSY_TRAINING_SECONDS = 300.0, 3600.0
"""``--follow`` trains no sooner after the last time; in the first of these only if nothing else is to be done."""
MAINTENANCE_SECONDS = 60.0


@dataclass(frozen=True)
class Turn:
    """Every job taken once."""

    code: int
    """Exit code that it would end with."""
    worked: tuple[str, ...]
    """The jobs that had something to do."""


def run_jobs(
    lake: Path,
    workspace: Path,
    *,
    landing: Path | None,
    as_of: datetime | None,
    console: Console,
    only: str | None = None,
    allow_empty: tuple[str, ...] = (),
    accept_loss: tuple[str, ...] = (),
) -> int:
    """Run all jobs, or one, over what is new. Returns 3 if something is held, else 0."""
    holder = f"leadhouse {only or 'run'}"
    opening = open_run(
        lake, workspace, landing=landing, as_of=as_of, holder=holder, allow_empty=allow_empty, accept_loss=accept_loss,
        takes_files=only == "ingest",
    )  # fmt: skip
    with opening as opened, _told(opened):
        return _pass(opened, console, only).code


def follow_jobs(lake: Path, workspace: Path, *, landing: Path | None, as_of: datetime | None, console: Console) -> int:
    """Run all jobs again and again until SIGTERM or SIGINT, which let the running micro-batch finish."""
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    with open_run(lake, workspace, landing=landing, as_of=as_of, holder="leadhouse run --follow") as opened:
        turn, pauses = Turn(0, ()), _Pauses()
        with _told(opened):
            said: dict[str, str] = {}
            while not stop.is_set():
                opened = _renewed(opened, console, said)
                turn = _pass(opened, console, None, quiet=True, skip=pauses.skipped(turn), said=said)
                pauses.note(turn)
                if not turn.worked:
                    _maintain_if_due(opened, console)
                stop.wait(POLL_SECONDS)
        return turn.code


class _Pauses:
    """Which jobs ``--follow`` leaves out of a turn, so that a signal doesn't wait for them."""

    def __init__(self) -> None:
        self._next_sync = self._next_idle_training = self._next_training = time.monotonic()

    def skipped(self, last: Turn) -> tuple[str, ...]:
        """Name the jobs that the turn after ``last`` leaves out."""
        now = time.monotonic()
        trains = now >= (self._next_training if last.worked else self._next_idle_training)
        return (*(() if trains else ("train",)), *(() if now >= self._next_sync else ("sync",)))

    def note(self, turn: Turn) -> None:
        """Take note of a turn that has ended."""
        now = time.monotonic()
        if turn.code and now >= self._next_sync:  # what a destination did not take is tried again, but not at once
            self._next_sync = now + HELD_SYNC_SECONDS
        if "train" in turn.worked:
            self._next_idle_training, self._next_training = now + IDLE_TRAINING_SECONDS, now + BUSY_TRAINING_SECONDS


def _maintain_if_due(opened: Run, console: Console) -> None:
    """Keep the lake's tables in shape, for a minute at the most: what is left is for the next turn."""
    if not is_due(opened.lake, opened.clock()):
        return
    deadline = time.monotonic() + MAINTENANCE_SECONDS
    settings = opened.workspace.settings.maintenance
    done = maintain(opened.lake, opened.contracts, settings, deadline=deadline, clock=opened.clock)
    show_maintained(done, console)


def _renewed(opened: Run, console: Console, said: dict[str, str]) -> Run:
    """Take up contracts and lists that were changed; go on with those before if they can't be used."""
    try:
        run = renewed(opened)
    except InputError as problem:
        _say_once("contracts", f"going on with those before: {problem}", console, said)
        return opened
    said.pop("contracts", None)
    return run


def _pass(
    opened: Run,
    console: Console,
    only: str | None,
    *,
    quiet: bool = False,
    skip: tuple[str, ...] = (),
    said: dict[str, str] | None = None,
) -> Turn:
    """Take every job once. Bytes that were lost in landing, and a broker that doesn't answer, are said and cost exit
    code 1; the other jobs go on. ``said`` remembers what need not be said at every turn."""
    code, worked = 0, []
    memory = {} if said is None else said
    for name, job in JOBS.items():
        if only not in (None, name) or name in skip:
            continue
        try:
            report = _report(job, opened, name, console, quiet=quiet)
        except (LostBytesError, TransientError) as missing:
            if only is not None or name != "ingest":
                raise
            _say_once(name, str(missing), console, memory)
            code = 1
            continue
        if name == "ingest":
            memory.pop(name, None)
        if report.status != UNCHANGED:
            worked.append(name)
        if report.status == HELD:
            code = code or 3
    return Turn(code, tuple(worked))


def _say_once(about: str, what: str, console: Console, said: dict[str, str]) -> None:
    if said.get(about) != what:
        console.print(f"{about}: {what}", markup=False, highlight=False, soft_wrap=True)
    said[about] = what


@contextmanager
def _told(opened: Run) -> Iterator[None]:
    """Tell lineage of the whole run, the parent of every batch."""
    lineage = Lineage(opened.lake, opened.workspace.settings.lineage, opened.run_id)
    lineage.begin_run(opened.clock())
    try:
        yield
    except Exception as problem:
        lineage.end_run(opened.clock(), type(problem).__name__)
        raise
    lineage.end_run(opened.clock())


def _report(job: Callable[[Run], Report], opened: Run, name: str, console: Console, *, quiet: bool) -> Report:
    if quiet:
        report = job(opened)
    else:
        with console.status(f"{name} …"):
            report = job(opened)
    if not (quiet and report.status == UNCHANGED):
        show_report(report, console)
    return report


def show_report(report: Report, console: Console) -> None:
    """Print what a job did: its ledger by source, then its notes."""
    style = {"held": "bold yellow", UNCHANGED: "dim"}.get(report.status, "green")
    words = "nothing new" if report.status == UNCHANGED else report.status
    console.print(f"[bold]{report.job:8}[/bold] [{style}]{words}[/{style}]")
    by_source: dict[tuple[str, str], list[str]] = {}
    for count in report.counts:
        if count.rows:
            by_source.setdefault((count.tenant, count.source), []).append(f"{count.measure} {count.rows:,}")
    for (_, source), measures in by_source.items():
        console.print(f"         {source}: {', '.join(measures)}", markup=False, highlight=False, soft_wrap=True)
    for note in report.notes:
        console.print(f"         {note}", markup=False, highlight=False, soft_wrap=True)

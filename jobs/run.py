"""``leadhouse run``: every job in turn, once over what is new or for ever, and what they did on the terminal."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType

from rich.console import Console

from leadhouse.conf.errors import InputError, LostBytesError
from leadhouse.jobs import decide, feature, ingest, refine, score, sync, train
from leadhouse.jobs.runtime.batches import HELD
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.lineage import Lineage
from leadhouse.jobs.runtime.opening import open_run
from leadhouse.jobs.runtime.runner import Report

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

POLL_SECONDS = 2.0
HELD_SYNC_SECONDS = 60.0


def run_jobs(
    lake: Path,
    workspace: Path,
    *,
    landing: Path | None,
    as_of: datetime | None,
    console: Console,
    only: str | None = None,
    allow_empty: tuple[str, ...] = (),
) -> int:
    """Run all jobs, or one, over what is new. Returns 3 if something is held, else 0."""
    if landing is None and only == "ingest":
        raise InputError("--landing: expected the folder that files land in; it is missing; name it")
    holder = f"leadhouse {only or 'run'}"
    opening = open_run(lake, workspace, landing=landing, as_of=as_of, holder=holder, allow_empty=allow_empty)
    with opening as opened, _told(opened):
        return _pass(opened, console, only)


def follow_jobs(lake: Path, workspace: Path, *, landing: Path | None, as_of: datetime | None, console: Console) -> int:
    """Run all jobs again and again until SIGTERM or SIGINT, which let the running micro-batch finish."""
    stop = threading.Event()

    def ask_to_stop(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    with open_run(lake, workspace, landing=landing, as_of=as_of, holder="leadhouse run --follow") as opened:
        code, next_sync = 0, time.monotonic()
        with _told(opened):
            while not stop.is_set():
                # What a destination did not take is tried again, but not at every turn.
                skip = () if time.monotonic() >= next_sync else ("sync",)
                code = _pass(opened, console, None, quiet=True, skip=skip)
                if code and not skip:
                    next_sync = time.monotonic() + HELD_SYNC_SECONDS
                stop.wait(POLL_SECONDS)
        return code


def _pass(opened: Run, console: Console, only: str | None, *, quiet: bool = False, skip: tuple[str, ...] = ()) -> int:
    """Take every job once. Bytes that were lost in landing are said and cost exit code 1; the other jobs go on."""
    code = 0
    for name, job in JOBS.items():
        if only not in (None, name) or name in skip or (name == "ingest" and opened.landing is None):
            continue
        try:
            report = _report(job, opened, name, console, quiet=quiet)
        except LostBytesError as lost:
            if only is not None:
                raise
            console.print(f"{name}: {lost}", markup=False, highlight=False, soft_wrap=True)
            code = 1
            continue
        if report.status == HELD:
            code = code or 3
    return code


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
    if not (quiet and report.status == "unchanged"):
        show_report(report, console)
    return report


def show_report(report: Report, console: Console) -> None:
    """Print what a job did: its ledger by source, then its notes."""
    style = {"held": "bold yellow", "unchanged": "dim"}.get(report.status, "green")
    words = "nothing new" if report.status == "unchanged" else report.status
    console.print(f"[bold]{report.job:8}[/bold] [{style}]{words}[/{style}]")
    by_source: dict[tuple[str, str], list[str]] = {}
    for count in report.counts:
        if count.rows:
            by_source.setdefault((count.tenant, count.source), []).append(f"{count.measure} {count.rows:,}")
    for (_, source), measures in by_source.items():
        console.print(f"         {source}: {', '.join(measures)}", markup=False, highlight=False, soft_wrap=True)
    for note in report.notes:
        console.print(f"         {note}", markup=False, highlight=False, soft_wrap=True)

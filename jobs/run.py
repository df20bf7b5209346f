"""``leadhouse run``: every job in turn, once over what is new, and what they did on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from rich.console import Console

from leadhouse.conf.errors import LostBytesError, TransientError
from leadhouse.jobs import decide, feature, ingest, refine, score, sync, topics, train, watch
from leadhouse.jobs.latest_events import past_records
from leadhouse.jobs.runtime.book import HELD
from leadhouse.jobs.runtime.job import JobSpec, Run
from leadhouse.jobs.runtime.lineage import Lineage
from leadhouse.jobs.runtime.opening import open_run
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.runtime.runner import UNCHANGED, Report, join_reports


def _train_and_watch(run: Run) -> Report:
    """Both in one process, since both decide which model scores and write ops.promotions.

    Watching comes second, so that what it takes back is neither scored with nor promoted once more from the same facts:
    the next score is made by what stands then. Who trains only if needed wants it first, to know whether it is.
    """
    jobs = (watch.run, train.run) if run.if_needed else (train.run, watch.run)
    return join_reports("train", *[job(run) for job in jobs])


JOBS: Mapping[str, Callable[[Run], Report]] = {
    "ingest": ingest.run,
    "refine": refine.run,
    "feature": feature.run,
    "train": _train_and_watch,
    "score": score.run,
    "decide": decide.run,
    "sync": sync.run,
}
"""Every job, in the order of a signal's path."""

SPECS: Mapping[str, tuple[JobSpec, ...]] = {
    "ingest": (ingest.SPEC, topics.SPEC),
    "refine": (refine.SPEC, refine.RELEASES, refine.LEADS),
    "feature": (feature.SPEC,),
    "train": (train.SPEC, watch.SPEC),
    "score": (score.SPEC,),
    "decide": (decide.SPEC,),
    "sync": (sync.SPEC,),
}
"""What the runner knows each job by. No two jobs write one table, so that each may be a process of its own."""
PARTS: Mapping[str, Callable[[Run], Report]] = {"watch": watch.run}
"""What can be done alone of a job that is several."""
MAY_WAIT = ("ingest", "train")
"""Jobs whose loss, silent broker or silent registry doesn't keep the others from their work."""


@dataclass(frozen=True)
class Turn:
    """Every job taken once."""

    code: int
    """Exit code that it would end with."""
    worked: tuple[str, ...]
    """The jobs that had something to do."""
    held: tuple[str, ...] = ()
    """The jobs of which something is held or was not taken: by the gate, a person, a destination."""
    missed: tuple[str, ...] = ()
    """The jobs that could not do their work, and may later."""


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
    if_needed: bool = False,
    strict: bool = False,
) -> int:
    """Run all jobs, or one, over what is new. Returns 3 if something is held, else 0.

    ``if_needed``: train only where there is no champion, or where what it was watched by calls for another.
    """
    opening = open_run(
        lake, workspace, landing=landing, as_of=as_of, holder=f"leadhouse {only or 'run'}", allow_empty=allow_empty,
        accept_loss=accept_loss, takes_files=only == "ingest",
    )  # fmt: skip
    with opening as opened, told(opened):
        wanted = replace(opened, if_needed=if_needed, strict=strict)
        turn = take_turn(wanted, console, only, forgiven=MAY_WAIT if only is None else ())
        if "feature" in turn.worked and as_of is None:
            for line in past_records(Reader(opened.lake)):
                console.print(line, markup=False, highlight=False, soft_wrap=True)
        return turn.code


def take_turn(
    opened: Run,
    console: Console,
    only: str | None = None,
    *,
    forgiven: tuple[str, ...] = (),
    quiet: bool = False,
    skip: tuple[str, ...] = (),
    said: dict[str, str] | None = None,
) -> Turn:
    """Take every job once, or one. Bytes that were lost in landing, and what may be there later (a broker that doesn't
    answer), are said and cost exit code 1 if they befall a job that is ``forgiven``; the other jobs go on. ``said``
    remembers what need not be said at every turn."""
    code, worked, held, missed = 0, [], [], []
    memory = {} if said is None else said
    for name, job in (JOBS if only is None or only in JOBS else PARTS).items():
        if only not in (None, name) or name in skip:
            continue
        try:
            report = _report(job, opened, name, console, quiet=quiet)
        except (LostBytesError, TransientError) as missing:
            if name not in forgiven:
                raise
            say_once(name, str(missing), console, memory)
            code = 1
            missed.append(name)
            continue
        memory.pop(name, None)
        if report.status != UNCHANGED:
            worked.append(name)
        if report.status == HELD:
            held.append(name)
            code = code or 3
    return Turn(code, tuple(worked), tuple(held), tuple(missed))


def say_once(about: str, what: str, console: Console, said: dict[str, str]) -> None:
    """Print a line about something, unless it is what was said about it last."""
    if said.get(about) != what:
        console.print(f"{about}: {what}", markup=False, highlight=False, soft_wrap=True)
    said[about] = what


@contextmanager
def told(opened: Run) -> Iterator[None]:
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

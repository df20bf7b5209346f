"""Leadhouse's own jobs at work on the workload, each on a fresh lake, and the others beside them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from leadhouse.bench import floors, scoring
from leadhouse.bench.dlt_peer import load_by_dlt
from leadhouse.bench.measure import FLOOR, OURS, PEER, Line, Stopwatch
from leadhouse.bench.messages import INGEST_TOPIC, sent_messages, take_messages
from leadhouse.bench.model import TREES
from leadhouse.bench.polars_peer import parse_and_split
from leadhouse.bench.through import STAGES, decide_on_facts
from leadhouse.bench.workload import Workload
from leadhouse.conf.errors import LeadhouseError
from leadhouse.jobs import ingest, refine, score
from leadhouse.jobs.champion import open_registry
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.opening import open_run
from leadhouse.jobs.runtime.runner import Report, run_job

INGEST, REFINE, SCORE = "ingest", "refine", "score"
BOTH = f"{INGEST} + {REFINE}"
DLT = f"{BOTH}, beside dlt"
THROUGH = "through decisions"
_PARSE = "parse and split"


@dataclass(frozen=True)
class Bench:
    """A bench at work in a scratch folder."""

    folder: Path
    workload: Workload
    leads: int
    runs: int
    seed: int
    say: Callable[[str], None]
    dlt: Path | None = None
    """The Python that has dlt; None: it isn't measured."""

    def measure(self) -> tuple[list[Line], dict[str, float]]:
        """Do everything ``runs`` times, in turns; return the medians, and the seconds of each job through decisions."""
        watch = Stopwatch(self.say)
        self.folder.mkdir(parents=True, exist_ok=True)
        for number in range(self.runs):
            self._facts(watch, self.folder / f"facts-{number}")
        with sent_messages(self.workload, self.folder / "topic") as address:
            for number in range(self.runs):
                take_messages(self.workload, address, self.folder / f"topic-{number}", watch)
        loaded = self._load()
        self._scores(watch)
        stages = {what: watch.median(what, OURS) for what in (INGEST, REFINE, *STAGES)}
        return self._lines(watch, stages, loaded), stages

    def _lines(self, watch: Stopwatch, stages: dict[str, float], loaded: tuple[float, str] | None) -> list[Line]:
        peer = watch.median(_PARSE, PEER)
        bare = {what: watch.median(what, FLOOR) for what in (INGEST, REFINE)}
        both, events = stages[INGEST] + stages[REFINE], self.workload.events
        by_dlt, version = loaded or (None, "")
        return [
            Line(INGEST, events, stages[INGEST], bare[INGEST], peer),
            Line(INGEST_TOPIC, events, watch.median(INGEST_TOPIC, OURS), watch.median(INGEST_TOPIC, FLOOR), None),
            Line(REFINE, events, stages[REFINE], bare[REFINE], peer),
            Line(BOTH, events, both, sum(bare.values()), peer),
            Line(f"{DLT} {version}".strip(), events, both, None, by_dlt, absent="not installed"),
            Line(THROUGH, events, sum(stages.values()), None, None),
            Line(SCORE, self.leads, *(watch.median(SCORE, who) for who in (OURS, FLOOR, PEER))),
        ]

    def _load(self) -> tuple[float, str] | None:
        """Let dlt load the files, once: it may take as long as all else. Return the seconds and its version."""
        if self.dlt is None:
            return None
        loaded = load_by_dlt(self.dlt, self.workload.files, self.folder / "dlt")
        shutil.rmtree(self.folder / "dlt")
        self.say(f"dlt: {loaded[0]:.1f} s")
        return loaded

    def _facts(self, watch: Stopwatch, folder: Path) -> None:
        """One run through decisions, of the bare jobs and of the peer; what they wrote is removed afterwards."""
        work = self.workload
        with open_run(folder / "lake", work.workspace, landing=work.landing, holder="bench") as run:
            with watch.running(INGEST, OURS):
                ingest.run(run)
            with watch.running(REFINE, OURS):
                report = run_job(run, refine.SPEC)
            _check(report, work)
            bare = open_lake(folder / "bare")
            with watch.running(INGEST, FLOOR):
                floors.ingest_floor(run.spark, work, bare, datetime.now(UTC))
            with watch.running(REFINE, FLOOR):
                floors.refine_floor(run.spark, run.lake, bare, next(iter(run.keys.values())))
            decide_on_facts(run, work, watch, self.seed)
        with watch.running(_PARSE, PEER):
            parse_and_split(work, folder / "peer")
        shutil.rmtree(folder)

    def _scores(self, watch: Stopwatch) -> None:
        filled = self.folder / "scores"
        with open_run(filled, self.workload.workspace, holder="bench") as run:
            self.say(f"features of {self.leads:,} leads and a model of {TREES} trees")
            trees = bytes(scoring.fill(run, self.leads, self.seed).save_raw("ubj"))
        for number in range(self.runs):
            self._score(watch, filled, self.folder / f"scores-{number}", trees)

    def _score(self, watch: Stopwatch, filled: Path, folder: Path, trees: bytes) -> None:
        shutil.copytree(filled, folder / "lake")
        with open_run(folder / "lake", self.workload.workspace, holder="bench") as run:
            open_registry(run).champion(run.tenants[0])  # opens MLflow's database, once a process
            with watch.running(SCORE, OURS):
                score.run(run)
            scoring.check(run.lake, self.leads)
            bare = open_lake(folder / "bare")
            with watch.running(SCORE, FLOOR):
                scoring.score_floor(run.spark, run.lake, bare, trees)
            scoring.check(bare, self.leads)
            with watch.running(SCORE, PEER):
                scoring.score_peer(run.lake, folder / "peer", trees)
        shutil.rmtree(folder)


def _check(report: Report, work: Workload) -> None:
    """Raise LeadhouseError unless refine found exactly the bad and the repeated events that were generated."""
    found = {count.measure: count.rows for count in report.counts}
    wanted = {"items": work.events, "quarantined": work.bad, "duplicate": work.repeated}
    wrong = {name: (rows, found.get(name)) for name, rows in wanted.items() if found.get(name) != rows}
    if wrong:
        told = "; ".join(f"{name}: expected {rows}, got {got}" for name, (rows, got) in wrong.items())
        raise LeadhouseError(f"bench: refine counted wrong: {told}; look at jobs/refine.py")

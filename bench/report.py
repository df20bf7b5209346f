"""The bench's results in words and rows: what each part prints, and writes as its section of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leadhouse.bench.growth import HISTORY, LEADS, Growth
from leadhouse.bench.latency import Latency, Schedule
from leadhouse.bench.measure import Line
from leadhouse.bench.memory import Memory
from leadhouse.bench.methods import (
    GROWTH_METHOD,
    LATENCY_METHOD,
    MEMORY_METHOD,
    THROUGHPUT_METHOD,
    TRAINING_METHOD,
)
from leadhouse.bench.training import Training
from leadhouse.bench.training_rows import CATEGORIES, FEATURES
from leadhouse.bench.workload import Workload

REFINE_AIM, THROUGH_AIM, SCORE_AIM = 0.7, 40_000, 200_000
P50_AIM, P99_AIM = 2.5, 5.0
HISTORY_AIM, MEMORY_AIM, PEAK_AIM_GIB = 1.15, 1.1, 6
TRAIN_AIM_SECONDS, TRAIN_AIM_GIB, PREDICT_AIM = 240, 8, 250_000
_GIB = 2**30


@dataclass(frozen=True)
class Section:
    """A part's result."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    told: tuple[str, ...]
    """The aims and what is reached; what was measured on."""
    method: str


def throughput(lines: Sequence[Line], stages: Mapping[str, float], work: Workload, runs: int, seed: int) -> Section:
    """Return the section about rows a second; ``stages`` are the seconds of each job through decisions."""
    by_name = {line.what: line for line in lines}
    refine, through, score = by_name["refine"], by_name["through decisions"], by_name["score"]
    told = (
        f"Refine: {_share(refine.to_floor)} of its floor (aim: {REFINE_AIM}); through decisions: {through.rate:,.0f} "
        f"events/s (aim: {THROUGH_AIM:,}); score: {score.rate:,.0f} rows/s (aim: {SCORE_AIM:,}).",
        f"Through decisions: {', '.join(f'{what} {seconds:.1f} s' for what, seconds in stages.items())}; of "
        f"{work.leads:,} leads.",
        f"Workload: {work.events:,} events of {work.size / max(work.events, 1):.0f} bytes in {len(work.files)} files, "
        f"{work.bad:,} bad, {work.repeated:,} repeated; {score.rows:,} leads of 40 features, 200 trees; "
        f"median of {runs}; seed {seed}.",
    )
    headers = ("What", "Rows", "Seconds", "Rows/s", "Bare Spark, rows/s", "Ratio", "Without Spark, rows/s", "Ratio")
    return Section("Throughput", headers, tuple(_cells(line) for line in lines), told, THROUGHPUT_METHOD)


def latency(found: Sequence[Latency], schedule: Schedule) -> Section:
    """Return the section about seconds from a signal to the decisions that know of it."""
    ours = found[0]
    rows = tuple(
        (entry.what, f"{len(entry.seconds):,}", *[f"{entry.within(share):.1f}" for share in (50, 99, 100)],
         f"{entry.commits:,}")
        for entry in found
    )  # fmt: skip
    told = (
        f"p50 {ours.within(50):.1f} s (aim: {P50_AIM}), p99 {ours.within(99):.1f} s (aim: {P99_AIM:.0f}).",
        "A pass through all jobs, median seconds: "
        + ", ".join(f"{job} {seconds:.1f}" for job, seconds in ours.seconds_by_job.items())
        + ".",
        f"Workload: {schedule.rate:,} signals a second of {schedule.leads:,} leads; {schedule.warm_up} s not measured, "
        f"then {schedule.measured} s.",
    )
    headers = ("What", "Signals", "p50, s", "p99, s", "Longest, s", "Batches of decisions")
    return Section("Latency", headers, rows, told, LATENCY_METHOD)


def growth(found: Growth, runs: int) -> Section:
    """Return the section about larger lakes."""
    rows = tuple(
        (batch.what, f"{batch.new:,}", f"{batch.history:,}", f"{batch.leads:,}", f"{batch.seconds:.1f}",
         f"{found.ratio(batch.what):.2f}", f"{batch.read:,.0f}")
        for batch in found.batches
    )  # fmt: skip
    a, b, c, d = found.coefficients
    told = (
        f"Much history: {found.ratio(HISTORY):.2f} of the small lake's time (aim: {HISTORY_AIM}); "
        f"many leads: {found.ratio(LEADS):.2f}.",
        f"Fitted: t = {a:.1f} s + {b:.1f} s · new/1M + {c:.2f} s · history/1M + {d:.1f} s · leads/1M.",
        f"Median of {runs}.",
    )
    headers = ("Lake", "New signals", "History", "Leads", "Seconds", "Ratio", "Bytes read for a new one")
    return Section("Growth", headers, rows, told, GROWTH_METHOD)


def memory(found: Memory) -> Section:
    """Return the section about the driver's memory."""
    rows = tuple(
        (
            what,
            f"{part.batches:,}",
            f"{part.resident / _GIB:.2f}",
            f"{part.python / _GIB:.2f}",
            f"{part.seconds:.1f}",
        )
        for what, part in (("second tenth", found.early), ("last tenth", found.late))
    )
    told = (
        f"The last tenth holds {found.growth:.2f} of the second tenth (aim: {MEMORY_AIM}); "
        f"at most {found.peak / _GIB:.1f} GiB (aim: {PEAK_AIM_GIB}); it takes {found.slowdown:.2f} of its time.",
        f"{found.batches:,} batches in one process.",
    )
    return Section(
        "Memory", ("Batches", "How many", "Mean, GiB", "Python's, GiB", "Median, s"), rows, told, MEMORY_METHOD
    )


def training(found: Training, seed: int) -> Section:
    """Return the section about training and scoring without Spark."""
    ours, plain = found.ours, found.plain
    rows = (
        ("training, seconds", f"{ours.seconds:.2f}", f"{plain.seconds:.2f}", f"{ours.seconds / plain.seconds:.2f}"),
        ("training, peak GiB", f"{ours.peak / _GIB:.2f}", f"{plain.peak / _GIB:.2f}", f"{ours.peak / plain.peak:.2f}"),
        ("scoring, rows/s", f"{ours.rate:,.0f}", f"{plain.rate:,.0f}", f"{ours.rate / plain.rate:.2f}"),
    )
    told = (
        f"Training: {ours.seconds:.0f} s (aim for a million leads: {TRAIN_AIM_SECONDS}), "
        f"{ours.peak / _GIB:.1f} GiB (aim: {TRAIN_AIM_GIB}); scoring: {ours.rate:,.0f} rows/s (aim: {PREDICT_AIM:,}).",
        f"Training, seconds: {', '.join(f'{part} {seconds:.1f}' for part, seconds in found.stages)}.",
        f"Workload: {found.leads:,} leads of {FEATURES} features, {CATEGORIES} of them categories; "
        f"{found.rounds} trees, AUC {found.auc:.3f}, calibrated by {found.calibration}; one run; seed {seed}.",
    )
    return Section("Training", ("What", "Leadhouse", "Plain XGBoost", "Ratio"), rows, told, TRAINING_METHOD)


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.what,
        f"{line.rows:,}",
        f"{line.seconds:.1f}",
        f"{line.rate:,.0f}",
        _rate(line.rows, line.floor_seconds, "–"),
        _share(line.to_floor),
        _rate(line.rows, line.peer_seconds, line.absent),
        _share(line.to_peer),
    )


def _rate(rows: int, seconds: float | None, absent: str) -> str:
    return absent if seconds is None else f"{rows / seconds:,.0f}"


def _share(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.2f}"

"""The bench's result: a table for the terminal, and the same as a page of the docs."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rich.table import Table

from leadhouse.bench.measure import Line
from leadhouse.bench.workload import Workload

REFINE_AIM, SCORE_AIM = 0.7, 200_000
HEADERS = ("What", "Rows", "Seconds", "Rows/s", "Bare Spark, rows/s", "Ratio", "Without Spark, rows/s", "Ratio")
_PACKAGES = ("pyspark", "delta-spark", "xgboost", "great-expectations", "polars", "deltalake", "pyarrow", "numpy")

_PAGE = """\
# Performance

`make bench` generates page views, lets Leadhouse's jobs work on them, and measures beside each the bare Spark job
that does only the same reads and writes, and a program without Spark. This page is what one run printed, written by the
command itself (`python -m leadhouse.bench --write docs/performance.md`).

{table}

{facts}

## What is compared

Seconds are the median of the runs, each on a fresh lake, in one session that has been warmed up on a small workload.
Opening lake and session isn't counted. A ratio is Leadhouse's rows/s over the other's: 1 is as fast, 0.5 takes twice
as long.

| | Leadhouse | Bare Spark (`bench/floors.py`, `bench/scoring.py`) | Without Spark |
|---|---|---|---|
| ingest | the job: files listed and fingerprinted, bytes checked, `bronze.files` and `bronze.records` written, counted, book-keeping, lineage | files read as text, the columns of `bronze.records` written with the same kind of record_id; the position is a running number, not a byte | as for refine |
| refine | the job without deriving the leads: records → items, row rules, gate, deduplication, `silver.quarantine`, `items`, `signals`, `identity_links`, `identities`, book-keeping, lineage | the same bronze read, `from_json` with a typed schema, one pass of rules that keeps the first reason, the same five tables written with the same columns and keyed ids; no gate, no deduplication (repeats are written), nothing known is read, no byte-level checks, no book-keeping | Polars parses the files, types and splits them, delta-rs writes silver and quarantine; no bronze, no ids or hashes, no deduplication, no gate |
| ingest + refine | both jobs | both bare jobs | the same as above: from files to silver and quarantine |
| score | the job: champion looked up, model checked by its hash, features read, calibrated, graded, trend, `gold.lead_scores` overwritten, book-keeping | the same features read, the same trees by plain XGBoost in `mapInArrow`, the same columns written; no calibration, no trend, no look-up | the same trees by plain XGBoost on all cores; delta-rs reads and writes, without grade and hash |

The run fails if refine doesn't find exactly the bad and the repeated events that were generated, or if a score is
missing.
"""  # noqa: E501 - a table's rows are long


def table(lines: Sequence[Line]) -> Table:
    """Return the result for the terminal."""
    made = Table(title="Leadhouse beside bare Spark and no Spark", title_justify="left")
    for number, header in enumerate(HEADERS):
        made.add_column(header, justify="left" if number == 0 else "right")
    for line in lines:
        made.add_row(*_cells(line))
    return made


def facts(lines: Sequence[Line], work: Workload, runs: int, seed: int) -> list[str]:
    """Return what belongs beside the table: the aims and what is reached, workload, machine and versions."""
    by_name = {line.what: line for line in lines}
    refine, score = by_name["refine"], by_name["score"]
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return [
        f"Refine: {refine.to_floor:.2f} of its floor (aim: {REFINE_AIM}); score: {score.rate:,.0f} rows/s "
        f"(aim: {SCORE_AIM:,}).",
        f"Workload: {work.events:,} events of {work.size / max(work.events, 1):.0f} bytes in {len(work.files)} files, "
        f"{work.bad:,} bad, {work.repeated:,} repeated; {score.rows:,} leads of 40 features, 200 trees; "
        f"median of {runs}; seed {seed}.",
        f"Machine: {os.cpu_count()} cores ({_processor()}), {_memory():.0f} GiB.",
        f"Versions: commit {_commit()}, Python {platform.python_version()}, {versions}.",
    ]


def write_page(path: Path, lines: Sequence[Line], told: Sequence[str]) -> None:
    """Write the page with the table and the facts."""
    rows = [HEADERS, ("---", *["---:"] * (len(HEADERS) - 1)), *[_cells(line) for line in lines]]
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    path.write_text(_PAGE.format(table=text, facts="\n".join(f"- {fact}" for fact in told)), encoding="utf-8")


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.what,
        f"{line.rows:,}",
        f"{line.seconds:.1f}",
        f"{line.rate:,.0f}",
        f"{line.rows / line.floor_seconds:,.0f}",
        f"{line.to_floor:.2f}",
        f"{line.rows / line.peer_seconds:,.0f}",
        f"{line.to_peer:.2f}",
    )


def _commit() -> str:
    """The checkout's commit; ``+`` behind it if files differ from it."""
    try:
        folder = Path(__file__).parent
        head = _git(folder, "rev-parse", "--short", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}+" if changed else head


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _processor() -> str:
    found = Path("/proc/cpuinfo")
    lines = found.read_text().splitlines() if found.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30

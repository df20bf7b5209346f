"""``python -m leadhouse.bench [PART …]``: measure, print the tables and, if told to, write them into the docs."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from leadhouse.bench import page, report
from leadhouse.bench.dlt_peer import INSTALL, find_python
from leadhouse.bench.growth import measure_growth
from leadhouse.bench.latency import Schedule, measure_latency
from leadhouse.bench.memory import measure_memory
from leadhouse.bench.pipeline import Bench
from leadhouse.bench.report import Section
from leadhouse.bench.training import measure_training
from leadhouse.bench.workload import make_workload
from leadhouse.conf.errors import LeadhouseError

WARM_UP = 20_000
"""Events and leads that are worked on before more than so many are measured: the first ones cost the JVM most."""

Say = Callable[[str], None]
_WIDTH = 140
_USUAL = ("throughput", "latency", "growth", "training")
"""The parts that are measured if none is named."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench and return the exit code."""
    options = _options().parse_args(argv)
    # A pipe has no width of its own: wide enough that no figure is cut off.
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    begun = time.perf_counter()

    def say(text: str) -> None:
        console.print(f"[dim]{time.perf_counter() - begun:5.0f} s  {text}", highlight=False)

    if options.scratch is not None:
        options.scratch.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="leadhouse-bench-", dir=options.scratch))
    try:
        for part in options.parts or _USUAL:
            (scratch / part).mkdir()
            _tell(PARTS[part](options, scratch / part, say), options.write, console)
    except LeadhouseError as problem:
        console.print(str(problem), style="red", highlight=False)
        return problem.exit_code
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


def _tell(section: Section, path: Path | None, console: Console) -> None:
    told = [*section.told, *page.circumstances()]
    console.print(page.printed(section.title, section.headers, section.rows))
    for fact in told:
        console.print(fact, highlight=False, soft_wrap=True)
    if path:
        page.write_section(path, section.title, section.headers, section.rows, told, section.method)


def _throughput(options: argparse.Namespace, scratch: Path, say: Say) -> Section:
    if options.events > WARM_UP:
        say(f"warm-up on {WARM_UP:,} events, not measured")
        warm = make_workload(scratch / "warm", WARM_UP, options.seed)
        Bench(scratch / "warm" / "lakes", warm, WARM_UP, 1, options.seed, lambda _: None).measure()
    say(f"generating {options.events:,} events")
    work = make_workload(scratch / "work", options.events, options.seed)
    leads = options.leads or options.events
    dlt = find_python(options.dlt_python)
    lines, stages = Bench(scratch / "work" / "lakes", work, leads, options.runs, options.seed, say, dlt).measure()
    return report.throughput(lines, stages, work, options.runs, options.seed)


def _latency(options: argparse.Namespace, scratch: Path, say: Say) -> Section:
    schedule = Schedule(options.rate, options.warm_up, options.seconds, options.latency_leads)
    return report.latency(measure_latency(scratch, schedule, say), schedule)


def _growth(options: argparse.Namespace, scratch: Path, say: Say) -> Section:
    found = measure_growth(
        scratch, new=options.new, history=options.new, leads=options.new // 10 or 1, times=options.times,
        runs=options.runs, say=say,
    )  # fmt: skip
    return report.growth(found, options.runs)


def _memory(options: argparse.Namespace, scratch: Path, say: Say) -> Section:
    return report.memory(measure_memory(scratch, options.batches, say))


def _training(options: argparse.Namespace, scratch: Path, say: Say) -> Section:
    return report.training(measure_training(scratch, options.training_leads, options.seed, say), options.seed)


PARTS: Mapping[str, Callable[[argparse.Namespace, Path, Say], Section]] = {
    "throughput": _throughput,
    "latency": _latency,
    "growth": _growth,
    "memory": _memory,
    "training": _training,
}


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m leadhouse.bench", description=__doc__)
    usual = ", ".join(_USUAL)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART",
                        help=f"what to measure: {', '.join(PARTS)} (default: {usual})")  # fmt: skip
    for flag, default, meaning in (
        ("--events", 1_000_000, "throughput: events to generate"),
        ("--rate", 1_000, "latency: signals a second"),
        ("--warm-up", 120, "latency: seconds that are not measured"),
        ("--seconds", 120, "latency: seconds that are"),
        ("--latency-leads", 500, "latency: leads"),
        ("--new", 10_000, "growth: signals of a batch, and of the small lake; a tenth as many leads"),
        ("--times", 100, "growth: so many times the history, and the leads"),
        ("--batches", 2_000, "memory: batches"),
        ("--training-leads", 1_000_000, "training: leads"),
        ("--runs", 3, "throughput, growth: runs whose median counts"),
    ):
        parser.add_argument(flag, type=_positive, default=default, help=f"{meaning} (default: {default:,})")
    parser.add_argument("--leads", type=_positive, help="throughput: leads to score (default: as many as events)")
    parser.add_argument("--dlt-python", type=Path, metavar="PYTHON",
                        help=f"throughput: a Python that has dlt: {INSTALL} (default: this one)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=7, help="seed of everything that is generated (default: 7)")
    parser.add_argument("--scratch", type=Path, help="folder to work in (default: the system's for temporary files)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the tables into a page of the docs")
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a positive whole number; got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

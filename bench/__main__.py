"""``python -m leadhouse.bench``: measure, print the table and, if told to, write it into the docs."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from leadhouse.bench.pipeline import Bench
from leadhouse.bench.report import facts, table, write_page
from leadhouse.bench.workload import make_workload
from leadhouse.conf.errors import LeadhouseError

WARM_UP = 20_000
"""Events and leads that are worked on before anything is measured: the first ones cost the JVM most."""

_WIDTH = 140


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
        _run(options, console, say, scratch)
    except LeadhouseError as problem:
        console.print(str(problem), style="red", highlight=False)
        return problem.exit_code
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


def _run(options: argparse.Namespace, console: Console, say: Callable[[str], None], scratch: Path) -> None:
    small = min(WARM_UP, options.events)
    say(f"warm-up on {small:,} events, not measured")
    warm = make_workload(scratch / "warm", small, options.seed)
    Bench(scratch / "warm" / "lakes", warm, small, 1, options.seed, lambda _: None).measure()
    say(f"generating {options.events:,} events")
    work = make_workload(scratch / "work", options.events, options.seed)
    leads = options.leads or options.events
    lines = Bench(scratch / "work" / "lakes", work, leads, options.runs, options.seed, say).measure()
    told = facts(lines, work, options.runs, options.seed)
    console.print(table(lines))
    for fact in told:
        console.print(fact, highlight=False, soft_wrap=True)
    if options.write:
        write_page(options.write, lines, told)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m leadhouse.bench", description=__doc__)
    parser.add_argument("--events", type=_positive, default=1_000_000, help="events to generate (default: a million)")
    parser.add_argument("--leads", type=_positive, help="leads to score (default: as many as events)")
    parser.add_argument("--runs", type=_positive, default=3, help="runs whose median counts (default: 3)")
    parser.add_argument("--seed", type=int, default=7, help="seed of everything that is generated (default: 7)")
    parser.add_argument("--scratch", type=Path, help="folder to work in (default: the system's for temporary files)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table as a page of the docs")
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"expected a positive whole number; got {text!r}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

"""``make faults``: the job is killed at point after point while a company's files land; prints what did not hold.

Each seed is a story: the files land in pieces, and each run over a piece is killed at a point that the seed draws, then
started again. What is done is kept in a file, so that a matrix that was stopped goes on; it takes hours.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.faults.harness import POINTS, broken, run_process, state
from tests.jobs.small_company import land, write_workspace

FOLDER = Path("build/faults")
CASES_PER_SEED = 12


def main() -> int:
    """Run the matrix. Returns 1 if something did not hold."""
    options = argparse.ArgumentParser(prog="make faults", description=__doc__)
    options.add_argument("--seeds", type=int, default=25, help="stories of 12 kills each")
    options.add_argument("--cases", type=int, default=CASES_PER_SEED, help="kills in a story")
    options.add_argument("--first", type=int, default=0, help="seed to begin with")
    chosen = options.parse_args()
    console = Console()
    FOLDER.mkdir(parents=True, exist_ok=True)
    done = FOLDER / f"cases-{chosen.cases}.jsonl"
    cases = [json.loads(line) for line in done.read_text().splitlines()] if done.exists() else []
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        if any(case["seed"] == seed for case in cases):
            continue
        story = []
        for case in _story(seed, chosen.cases):
            story.append(case)
            console.print(f"seed {seed:3} {case['point']:24} {case['seconds']:5.0f} s {case['broken'] or 'holds'}")
        with done.open("a") as file:  # a story counts once it is whole
            file.writelines(json.dumps(case) + "\n" for case in story)
        cases += story
    return _show(cases, console)


def _story(seed: int, kills: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(seed)
    points = [*draw.sample(POINTS, k=min(kills, len(POINTS)))]
    folder = FOLDER / f"seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    workspace = write_workspace(folder / "workspace")
    pieces = sorted(path for path in land(folder / "all", pieces=len(points)).rglob("*") if path.is_file())
    draw.shuffle(pieces)
    undisturbed, disturbed, landing = folder / "undisturbed", folder / "lake", folder / "landing"
    for number, point in enumerate(points):
        for piece in pieces[number :: len(points)]:
            target = landing / piece.relative_to(folder / "all")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(piece, target)
        plain = run_process(undisturbed, workspace, landing)
        killed = run_process(disturbed, workspace, landing, kill_at=point)
        again = run_process(disturbed, workspace, landing)
        found = [f"the undisturbed run ended with {plain.code}"] if plain.code else []
        found += [f"the run after the kill ended with {again.code}"] if again.code else []
        found += broken(disturbed, state(undisturbed), said=killed.said + again.said, seconds=again.seconds)
        yield {
            "seed": seed, "point": point, "was_killed": killed.code == -9, "seconds": again.seconds, "broken": found,
        }  # fmt: skip


def _show(cases: list[dict[str, Any]], console: Console) -> int:
    table = Table("point", "kills", "not reached", "slowest restart, s", "did not hold", title="Kills, by point")
    for point in POINTS:
        own = [case for case in cases if case["point"] == point]
        if own:
            failed = Counter(what.split(":")[0] for case in own for what in case["broken"])
            table.add_row(
                point,
                str(sum(case["was_killed"] for case in own)),
                str(sum(not case["was_killed"] for case in own)),
                f"{max(case['seconds'] for case in own):.0f}",
                ", ".join(f"{name} {times}" for name, times in failed.items()) or "nothing",
            )
    console.print(table)
    failing = sorted({case["seed"] for case in cases if case["broken"]})
    console.print(f"{len(cases)} cases; failing seeds: {', '.join(map(str, failing)) or 'none'}")
    return 1 if failing else 0


if __name__ == "__main__":
    sys.exit(main())

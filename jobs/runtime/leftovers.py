"""What runs leave behind beside the tables: checkpoints of earlier generations, and a lineage file that grows."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from leadhouse.jobs.runtime.batches import newest_generation
from leadhouse.jobs.runtime.lake import Lake

LINEAGE = ("lineage", "lineage-unsent")
"""Files below ``ops/`` that every batch adds lines to, without their ending."""
OLD_FILES = 3
"""Full ones of each that are kept, the newest as ``….1.jsonl``."""


def drop_old_checkpoints(lake: Lake, jobs: Sequence[str], *, dry_run: bool = False) -> int:
    """Remove streaming checkpoints that a later generation has replaced. Returns how many."""
    old = [
        folder
        for job in jobs
        for folder in (lake.root / "checkpoints" / job).glob("*")
        # The book's newest generation is the one that goes on; one that it doesn't know yet may be about to begin.
        if folder.name.isdigit() and int(folder.name) < newest_generation(lake, job)
    ]
    for folder in old:
        if not dry_run:
            shutil.rmtree(folder)
    return len(old)


def turn_lineage(root: Path, limit_bytes: int, *, dry_run: bool = False) -> tuple[str, ...]:
    """Begin new lineage files where the present ones are full; the oldest old one goes. Returns their names."""
    turned = []
    for name in LINEAGE:
        path = root / "ops" / f"{name}.jsonl"
        if not path.is_file() or path.stat().st_size < limit_bytes:
            continue
        turned.append(path.name)
        if dry_run:
            continue
        for number in range(OLD_FILES - 1, 0, -1):
            older = path.with_name(f"{name}.{number}.jsonl")
            if older.exists():
                older.replace(path.with_name(f"{name}.{number + 1}.jsonl"))
        path.replace(path.with_name(f"{name}.1.jsonl"))
    return tuple(turned)

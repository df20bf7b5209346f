"""``python dlt_program.py FOLDER FILE …``: load JSON lines into Delta tables by dlt; print the seconds and its version.

It runs on a Python that has dlt, maybe not on Leadhouse's own, so it imports nothing of Leadhouse's. Lines that aren't
JSON go into a table of their own, since dlt's reader stops at the first.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dlt

_CHUNK = 5_000


def load(files: Sequence[Path], folder: Path) -> None:
    """Load the files into the tables ``events`` and ``broken`` below a folder; dlt types and flattens the events."""
    where = dlt.destinations.filesystem(bucket_url=folder.joinpath("delta").as_uri())
    pipeline = dlt.pipeline("bench", destination=where, dataset_name="silver", pipelines_dir=str(folder / "work"))
    lines = dlt.resource(_lines(files), name="events", write_disposition="append", table_format="delta")
    pipeline.run(lines)


def _lines(files: Sequence[Path]) -> Iterator[Any]:
    for file in files:
        events, broken = [], []
        with file.open(encoding="utf-8", errors="replace") as opened:
            for number, line in enumerate(opened):
                try:
                    events.append(json.loads(line))
                except ValueError:
                    broken.append({"file": file.name, "line": number, "raw": line})
                if len(events) >= _CHUNK:
                    yield events
                    events = []
        yield events
        if broken:
            yield dlt.mark.with_table_name(broken, "broken")


if __name__ == "__main__":
    begun = time.perf_counter()
    load([Path(name).absolute() for name in sys.argv[2:]], Path(sys.argv[1]).absolute())
    print(time.perf_counter() - begun, dlt.__version__)

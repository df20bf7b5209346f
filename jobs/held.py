"""``leadhouse held``: batches that the gate holds, and a person's word on them."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.jobs.runtime.answers import grid, show_json
from leadhouse.jobs.runtime.batches import RELEASED
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.reader import Reader

_HELD = """
SELECT h.tenant, h.source, h.batch, count(*) AS records, min(h.held_at) AS held_at,
       max(v.verdict) AS verdict, max(v.person) AS person, max(v.reason) AS reason
FROM ops.held h LEFT JOIN ops.verdicts v ON h.tenant = v.tenant AND h.source = v.source AND h.batch = v.batch
GROUP BY h.tenant, h.source, h.batch ORDER BY held_at DESC, h.source
"""
_FAILED = """
SELECT tenant, source, batch, expectation, "column", observed FROM ops.quality WHERE NOT success
"""

Row = dict[str, Any]


def held_batches(reader: Reader) -> list[Row]:
    """Return every held source of every batch, the latest first: records, why it is held, and what was decided."""
    why: dict[tuple[str, str, str], list[str]] = {}
    for row in reader.fetch(_FAILED):
        what = f"{row['expectation']}{'(' + row['column'] + ')' if row['column'] else ''}: {row['observed']}"
        why.setdefault((row["tenant"], row["source"], row["batch"]), []).append(what)
    held = reader.fetch(_HELD)
    return [row | {"why": "; ".join(why.get((row["tenant"], row["source"], row["batch"]), []))} for row in held]


def show_held(lake_root: Path, *, as_json: bool, console: Console) -> int:
    """Print the held batches. Returns 3 while one waits for a person, else 0. Raises InputError if there is no lake."""
    rows = held_batches(Reader(find_place(lake_root)))
    if as_json:
        show_json(rows, console)
    elif not rows:
        console.print("Nothing is held.")
    else:
        columns = ("tenant", "source", "batch", "records", "held_at", "verdict", "why")
        shown = [[row[column] for column in columns] for row in rows]
        console.print(grid("Held by the gate", columns, shown, width=console.width, fold=True))
        console.print("leadhouse held release BATCH --reason … lets one pass; held reject BATCH --reason … ends it")
    return 3 if any(row["verdict"] is None for row in rows) else 0


def decide_held(
    lake_root: Path, batch: str, verdict: str, *, reason: str, source: str | None, person: str | None, console: Console
) -> None:
    """Write down a person's word on a held batch, of one source or of all that it holds; the next run acts on it.

    Raises InputError if nothing of that batch waits, if the reason is empty, or if another process works on the lake.
    """
    from leadhouse.jobs.runtime.layout import open_lake  # here, so that the commands that only look start fast
    from leadhouse.jobs.runtime.lock import lake_lock

    if not reason.strip():
        raise InputError("--reason: expected why, for those who ask later; got nothing")
    rows = held_batches(Reader(find_place(lake_root)))
    waiting = [row for row in rows if row["batch"] == batch and source in (None, row["source"])]
    decided = [f"{row['source']} ({row['verdict']} by {row['person']})" for row in waiting if row["verdict"]]
    open_rows = [row for row in waiting if not row["verdict"]]
    if not open_rows:
        came = f"already decided: {', '.join(decided)}" if decided else f"nothing is held as {batch!r}"
        raise InputError(f"held: expected a batch that waits; {came}; see 'leadhouse held list'")
    moment = datetime.now(UTC)
    with lake_lock(lake_root, f"leadhouse held {batch}"):
        lake = open_lake(lake_root)
        told = [
            {name: row[name] for name in ("tenant", "source", "batch")}
            | {"verdict": verdict, "person": person or getpass.getuser(), "reason": reason, "decided_at": moment}
            for row in open_rows
        ]
        number = lake.version("ops.verdicts") + 1
        lake.append_local("ops.verdicts", told, app_id="held:ops.verdicts", app_version=number)
    for row in open_rows:
        console.print(f"{row['source']}: {row['records']:,} records {verdict}", highlight=False)
    console.print("The next run takes them." if verdict == RELEASED else "They stay in bronze and in ops.held.")

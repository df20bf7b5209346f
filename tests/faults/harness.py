"""Stops the real job at named points, starts it again, and looks whether anybody could tell.

Six invariants hold after every case. L: the ledger's equation. D: fact keys are unique. S: receipts are what the lists
called for, none twice. R: the same content as an undisturbed run's. T: whole again a minute after the restart.
P: no secret and no personal datum in logs, errors or lineage.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from leadhouse.jobs.runtime import faults
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.status import ledger
from tests.jobs.small_company import AS_OF, hashes, rows_of

SECRET = "a secret of the tests only"
SECONDS_TO_RECOVER = 60
_AROUND = ("before-intent", "before-outcome", "after-outcome")
POINTS = (
    "ingest:listed", "ingest:before-intent", "ingest:written", *(f"ingest:{point}" for point in _AROUND[1:]),
    "refine:before-intent", "refine:after-items", "refine:after-signals", "refine:after-facts",
    *(f"refine:{point}" for point in _AROUND[1:]),
    *(f"leads:{point}" for point in _AROUND),
    *(f"feature:{point}" for point in _AROUND),
    "train:before-intent", "train:after-register", "train:after-verdict", *(f"train:{point}" for point in _AROUND[1:]),
    *(f"watch:{point}" for point in _AROUND),
    *(f"score:{point}" for point in _AROUND),
    "decide:before-intent", "decide:after-decisions", *(f"decide:{point}" for point in _AROUND[1:]),
    "sync:before-intent", "sync:after-outbox", "sync:after-send", *(f"sync:{point}" for point in _AROUND[1:]),
)  # fmt: skip
"""Every named point of a run over landed files, in the order in which a run comes to them."""

FACTS = {
    "silver.signals": "signal_id",
    "silver.traits": "trait_id",
    "silver.outcomes": "outcome_id",
    "silver.consents": "consent_id",
    "silver.identity_links": "link_id",
}
"""Tables of facts, and the column that is unique in each."""
DERIVED = ("silver.leads", "gold.lead_features", "gold.engagement_lists")
RECORDS = ("silver.items", "silver.quarantine", "gold.decisions", "gold.enrolments", "gold.outbox", "gold.receipts")


@dataclass(frozen=True)
class Ended:
    """A run of the job as a process of its own."""

    code: int
    seconds: float
    said: str


def run_process(lake: Path, workspace: Path, landing: Path, *, kill_at: str | None = None) -> Ended:
    """Run every job once in a process of its own; ``kill_at``: the point at which it kills itself."""
    command = [
        sys.executable, "-m", "leadhouse.jobs.cli", "run", "--lake", str(lake), "--workspace", str(workspace),
        "--landing", str(landing), "--as-of", AS_OF.isoformat(),
    ]  # fmt: skip
    environment = {key: value for key, value in os.environ.items() if key != faults.VARIABLE}
    environment |= {"LEADHOUSE_IDENTITY_KEY": SECRET} | ({faults.VARIABLE: f"{kill_at}=kill"} if kill_at else {})
    begun = time.monotonic()
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)
    return Ended(ended.returncode, time.monotonic() - begun, ended.stdout + ended.stderr)


def state(lake: Path) -> dict[str, object]:
    """What must be equal to an undisturbed run's: content hashes of what is computed, counts of what is recorded."""
    hashed: dict[str, object] = {table: hashes(lake, table) for table in (*FACTS, *DERIVED)}
    return hashed | {table: len(rows_of(lake, table)) for table in RECORDS}


def broken(lake: Path, undisturbed: dict[str, object], *, said: str = "", seconds: float = 0.0) -> list[str]:
    """Return what doesn't hold, each with its invariant's letter."""
    found = [*_ledger(lake), *_keys(lake), *_receipts(lake), *_personal(lake, said)]
    found += [f"R: {table} differs from an undisturbed run's" for table, content in state(lake).items()
              if undisturbed[table] != content]  # fmt: skip
    if seconds > SECONDS_TO_RECOVER:
        found.append(f"T: {seconds:.0f} s to recover")
    return found


def _ledger(lake: Path) -> list[str]:
    found = []
    fetched = Counter((row["tenant"], row["source"]) for row in rows_of(lake, "bronze.records"))
    for row in ledger(Reader(find_place(lake))):
        parts = ("accepted", "quarantined", "duplicate", "superseded", "held")
        if row["items"] != sum(row[part] for part in parts):
            found.append(f"L: {row['source']}: items {row['items']} are not the sum of their accounts")
        if row["fetched"] != fetched[row["tenant"], row["source"]]:
            found.append(f"L: {row['source']}: fetched {row['fetched']} is not what bronze holds")
    return found


def _keys(lake: Path) -> list[str]:
    found = []
    for table, column in (FACTS | {"bronze.records": "record_id", "gold.decisions": "decision_id"}).items():
        twice = [key for key, times in Counter(row[column] for row in rows_of(lake, table)).items() if times > 1]
        if twice:
            found.append(f"D: {table}: {len(twice)} keys are there more than once")
    return found


def _receipts(lake: Path) -> list[str]:
    planned = Counter((row["action_id"], row["destination"]) for row in rows_of(lake, "gold.outbox"))
    sent = Counter((row["action_id"], row["destination"]) for row in rows_of(lake, "gold.receipts"))
    found = [] if sent == planned else ["S: receipts are not what was planned"]
    engaged = {row["lead_id"] for row in rows_of(lake, "gold.decisions") if row["action"] == "engage"}
    if {row["lead_id"] for row in rows_of(lake, "gold.receipts")} - engaged:
        found.append("S: something was sent about a lead that no decision engages")
    return found


def _personal(lake: Path, said: str) -> list[str]:
    lineage = (lake / "ops" / "lineage.jsonl").read_text(encoding="utf-8")
    errors = str([row["error"] for row in rows_of(lake, "ops.batches")])
    words = (SECRET, "@x.com")
    places = {"the log": said, "lineage": lineage, "ops.batches": errors}
    return [f"P: {place} holds {word!r}" for place, text in places.items() for word in words if word in text.lower()]

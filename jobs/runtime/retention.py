"""Records that their contract's retention lets go, and the book-keeping that keeps the ledger's balance."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from leadhouse.expectations.contract import Contract
from leadhouse.jobs.runtime import batches
from leadhouse.jobs.runtime.batches import Batch, Count, Outcome
from leadhouse.jobs.runtime.book import COMPLETE
from leadhouse.jobs.runtime.faults import reach
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.reader import Reader, quoted

JOB = "maintain"
"""Name in ops.batches of what lets records go."""
MEASURES = {"bronze.records": "expired", "silver.quarantine": "expired_quarantine"}
"""Tables that retention applies to, and what their rows that went are called in the ledger."""

_PLAN = "expiry"
_LEAST_DAYS, _MOST_DAYS = 1, 365_000
"""A contract's hours are rounded down to days: nothing goes on the day that it came. The calendar has a beginning."""
# A held record waits for a person's word, or for refine to take it after that.
_WAITING = """
SELECT DISTINCT r.tenant, r.source, r.batch FROM bronze.records r
JOIN ops.held h ON r.record_id = h.record_id
LEFT JOIN ops.verdicts v ON h.tenant = v.tenant AND h.source = v.source AND h.batch = v.batch
LEFT JOIN (
  SELECT record_id FROM silver.items UNION SELECT record_id FROM silver.quarantine
) t ON h.record_id = t.record_id
WHERE v.verdict IS NULL OR (v.verdict = 'released' AND t.record_id IS NULL)
"""


@dataclass(frozen=True)
class Expiry:
    """Rows of one table and one source whose time is over."""

    table: str
    tenant: str
    source: str
    before: str
    """Rows received before this moment (ISO 8601) go."""
    spared: tuple[str, ...]
    """Batches of ingest of which a record waits for a person: none of their records of this source goes yet."""
    rows: int = 0

    @property
    def predicate(self) -> str:
        """Return what selects the rows."""
        before = f"arrow_cast({quoted(self.before)}, 'Timestamp(Microsecond, Some(\"UTC\"))')"
        parts = [
            f"tenant = {quoted(self.tenant)}", f"source = {quoted(self.source)}", f"received_at < {before}",
            *([f"batch NOT IN ({', '.join(quoted(batch) for batch in self.spared)})"] if self.spared else []),
        ]  # fmt: skip
        return " AND ".join(parts)


def due_expiries(place: Place, contracts: Sequence[Contract], now: datetime) -> tuple[Expiry, ...]:
    """Return what the contracts' retention lets go now, counted, refused items first.

    A source of which records wait for a person keeps its refused items too.
    """
    reader = Reader(place)
    waiting: dict[tuple[str, str], list[str]] = {}
    if place.version("ops.held"):
        for row in reader.fetch(_WAITING):
            waiting.setdefault((row["tenant"], row["source"]), []).append(row["batch"])
    found = []
    for table in sorted(MEASURES, reverse=True):
        oldest = f"SELECT tenant, source, min(received_at) AS oldest FROM {table} GROUP BY tenant, source"
        first = {(row["tenant"], row["source"]): row["oldest"] for row in reader.fetch(oldest)}
        for contract in contracts:
            unit = (contract.tenant, contract.source)
            if contract.retention_days is None or unit not in first:
                continue
            before = now - timedelta(days=min(max(contract.retention_days, _LEAST_DAYS), _MOST_DAYS))
            spared = tuple(sorted(waiting.get(unit, ())))
            if first[unit] >= before or (spared and table != "bronze.records"):
                continue
            expiry = Expiry(table, *unit, before.isoformat(), spared)
            (counted,) = reader.fetch(f'SELECT count(*) AS "rows" FROM {table} WHERE {expiry.predicate}')
            if counted["rows"]:
                found.append(Expiry(table, *unit, expiry.before, spared, int(counted["rows"])))
    return tuple(found)


def expire(
    lake: Lake, contracts: Sequence[Contract], clock: Callable[[], datetime], has_time: Callable[[], bool]
) -> tuple[tuple[Count, ...], bool]:
    """Let go what is due, once however often it is tried; returns what went, and whether that is all.

    What goes is written down first, with its counts, so that a call that was stopped is finished by the next one.
    """
    generation, number = batches.next_batch(lake, JOB)
    intent = batches.find_intent(lake, JOB, generation, number)
    if intent is None:
        now = clock()
        plan = due_expiries(lake, contracts, now)
        if not plan:
            return (), True
        content = json.dumps([asdict(expiry) for expiry in plan], sort_keys=True).encode()
        intent = batches.begin(lake, _batch(lake, generation, number, now, lake.keep(content)))
    plan = _kept_plan(lake, intent)
    for done, expiry in enumerate(plan):
        if not has_time():
            return (), False
        lake.remove(
            expiry.table,
            expiry.predicate,
            app_id=f"{JOB}:{expiry.table}:{expiry.tenant}.{expiry.source}:{intent.generation}",
            app_version=intent.number,
        )
        reach(f"maintain:expired-{done}")
    counts = tuple(Count(expiry.tenant, expiry.source, MEASURES[expiry.table], expiry.rows) for expiry in plan)
    writes = {expiry.table: lake.version(expiry.table) for expiry in plan}
    batches.finish(lake, Outcome(intent, COMPLETE, writes, counts), clock())
    return counts, True


def _batch(lake: Lake, generation: int, number: int, now: datetime, digest: str) -> Batch:
    return batches.new_batch(
        lake,
        JOB,
        generation,
        number,
        now=now,
        as_of=None,
        known=None,
        inputs_key=digest,
        reads={table: lake.version(table) for table in MEASURES},
        definitions={_PLAN: digest},
    )


def _kept_plan(lake: Lake, intent: Batch) -> tuple[Expiry, ...]:
    entries = json.loads(lake.kept(intent.definitions[_PLAN]))
    return tuple(Expiry(**{**entry, "spared": tuple(entry["spared"])}) for entry in entries)

"""How fresh each source is, beside what its contract promises; without a JVM."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from leadhouse.expectations.contract import Contract
from leadhouse.expectations.odcs import parse_contract
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.reader import Reader

FRESH, LATE = "fresh", "late"

_RECEIVED = """
SELECT tenant, source, count(*) AS records, max(received_at) AS received_at FROM bronze.records
GROUP BY tenant, source ORDER BY tenant, source
"""
_REFINED = """
SELECT definitions FROM ops.batches WHERE job = 'refine' AND kind = 'outcome' AND status IN ('complete', 'held')
ORDER BY generation DESC, number DESC LIMIT 1
"""
_CONTRACTS = "contracts/"


def freshness(place: Place, reader: Reader, now: datetime) -> list[dict[str, Any]]:
    """Return per source: tenant, source, records, received_at, age_hours, promised_hours (None where its contract
    promises nothing), and whether it is fresh or late.

    The contracts are those that its records were last refined under.
    """
    rows = reader.fetch(_RECEIVED)
    promised = {
        (contract.tenant, contract.source): contract.freshness_hours
        for tenant in {row["tenant"] for row in rows}
        for contract in _contracts(place, reader, tenant)
    }
    return [_beside(row, promised.get((row["tenant"], row["source"])), now) for row in rows]


def _beside(row: dict[str, Any], promised_hours: float | None, now: datetime) -> dict[str, Any]:
    received: datetime = row["received_at"]
    received = received if received.tzinfo else received.replace(tzinfo=UTC)
    age_hours = round((now - received).total_seconds() / 3600, 1)
    state = None if promised_hours is None else FRESH if age_hours <= promised_hours else LATE
    return row | {"age_hours": age_hours, "promised_hours": promised_hours, "state": state}


def _contracts(place: Place, reader: Reader, tenant: str) -> list[Contract]:
    """The contracts of the last refinement; ``tenant`` is that of those that name none."""
    last = reader.fetch(_REFINED)
    kept = dict(last[0]["definitions"]) if last else {}
    return [
        parse_contract(place.kept(digest), name.removeprefix(_CONTRACTS), tenant)
        for name, digest in sorted(kept.items())
        if name.startswith(_CONTRACTS)
    ]

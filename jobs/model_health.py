"""What gold.model_health says of each version: for the job that adds to it, and for whoever decides by it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow.compute as pc

from leadhouse.jobs.promotions import ROLLED_BACK, ledger_rows
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.rows import python_rows
from leadhouse.models.health import FAILED, WATCH
from leadhouse.models.version import Version
from leadhouse.models.watching import DRIFT, DRIFTED, HEALTH, VERDICT

TABLE = "gold.model_health"

Row = dict[str, Any]


def verdicts(place: Place, tenant: str, version: int | None = None) -> list[Row]:
    """Return the table's verdicts about a tenant's models, and what waits for one, oldest first.

    ``version``: of the table; the newest by default. Empty in a lake that an earlier release made.
    """
    if not place.exists(TABLE):
        return []
    wanted = (pc.field("tenant") == tenant) & (pc.field("finding") == VERDICT)
    table = place.dataset(TABLE, version).to_table(filter=wanted)
    rows = [row for batch in table.to_batches() for row in python_rows(batch)]
    return sorted(rows, key=lambda row: (row["as_of"], row["measured_at"]))


def newest_verdicts(rows: Iterable[Row], label: str) -> list[Row]:
    """Return what holds of one version: the newest verdict on its health, and that on its drift at each age."""
    held = {
        (row["kind"], row["age_days"]): row
        for row in rows
        if row["model_version"] == label and row["kind"] in (DRIFT, HEALTH)
    }
    return [held[key] for key in sorted(held, key=lambda key: (key[0] == DRIFT, key[1] or 0))]


def why_train(place: Place, tenant: str, champion: Version | None) -> str | None:
    """Return in words why a tenant's model should be trained again; None if nothing calls for it.

    ``champion`` scores the tenant's leads: its own, or a shared one.
    """
    if champion is None:
        return "there is no champion"
    rows = newest_verdicts(verdicts(place, tenant), champion.label)
    found = [row for row in rows if row["verdict"] in (FAILED, WATCH, DRIFTED)]
    if found:
        return f"{champion.label}: {'; '.join(row['words'] for row in found)}"
    last: Sequence[Any] = ledger_rows(place, tenant)[-1:]
    if last and last[0]["verdict"] == ROLLED_BACK and last[0]["person"] is None:
        return f"{last[0]['replaced']} was taken back: {last[0]['reason']}"
    return None

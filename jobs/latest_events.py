"""The latest events that say when they were, beside the moment as of which leads are looked at; without a JVM."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from leadhouse.jobs.runtime.reader import Reader

PAST = timedelta(days=30)
"""Records whose latest event lies further back than this are taken for ones of the past."""

_MOMENTS = "SELECT tenant, max(as_of) AS as_of FROM gold.lead_features GROUP BY tenant ORDER BY tenant"
_EVENTS = (
    "SELECT tenant, occurred_at AS happened FROM silver.signals",
    "SELECT tenant, occurred_at AS happened FROM silver.outcomes WHERE timed",
    "SELECT tenant, created_at AS happened FROM silver.leads WHERE created_at IS NOT NULL",
)
_LATEST = """
SELECT e.tenant AS tenant, max(e.happened) AS latest FROM ({events}) e
JOIN (SELECT tenant AS whose, max(as_of) AS as_of FROM gold.lead_features GROUP BY tenant) m
ON e.tenant = m.whose AND e.happened <= m.as_of GROUP BY e.tenant
"""


def past_records(reader: Reader) -> list[str]:
    """Say of each tenant whose leads are looked at long after their latest event what to do.

    What says no time of its own, a status in an export for one, counts from its arrival: so by one export of long ago
    all leads are as of today, old and silent. Empty where nothing says when it was.
    """
    latest: dict[str, datetime] = {}
    # One query for each: the engine of the reader refuses a union of columns with different comments.
    for row in [row for events in _EVENTS for row in reader.fetch(_LATEST.format(events=events))]:
        happened = _utc(row["latest"])
        latest[row["tenant"]] = max(happened, latest.get(row["tenant"], happened))
    told = []
    for row in reader.fetch(_MOMENTS):
        moment, event = _utc(row["as_of"]), latest.get(row["tenant"])
        if event is not None and moment - event > PAST:
            told.append(
                f"{row['tenant']}: leads are ranked as of {moment:%Y-%m-%d}, {(moment - event).days} days after the "
                f"latest event that says when it was. If these are records of the past, rank as of then: "
                f"leadhouse run … --as-of {event:%Y-%m-%dT%H:%M:%SZ}"
            )
    return told


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

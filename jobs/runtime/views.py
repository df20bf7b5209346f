"""Views over ``ops.batches`` for the JVM-less reader: runs, the count ledger, quality results and lineage."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """A query with a name, over our tables; its SQL is DataFusion's."""

    name: str
    purpose: str
    over: tuple[str, ...]
    sql: str


# A batch that was killed after its outcome is done again and has two outcomes of one content: the newest counts.
_ENDED = """
SELECT * FROM (
  SELECT *, row_number() OVER (PARTITION BY batch ORDER BY recorded_at DESC) AS place
  FROM ops.batches WHERE kind = 'outcome' AND status IN ('complete', 'held')
) WHERE place = 1
"""

_RUNS = """
SELECT began.job, began.generation, began.number, began.batch, began.run_id,
       coalesce(ended.status, 'running') AS status, began.started_at, ended.recorded_at AS ended_at,
       began.as_of, began.known, ended.error
FROM (
  SELECT job, generation, number, batch, run_id, min(recorded_at) AS started_at,
         min(as_of) AS as_of, min(known) AS known
  FROM ops.batches WHERE kind = 'intent' GROUP BY job, generation, number, batch, run_id
) AS began
LEFT JOIN (
  SELECT * FROM (
    SELECT batch, status, recorded_at, error,
           row_number() OVER (PARTITION BY batch ORDER BY recorded_at DESC) AS place
    FROM ops.batches WHERE kind = 'outcome'
  ) WHERE place = 1
) AS ended ON began.batch = ended.batch
"""

_LEDGER = f"""
SELECT entry['tenant'] AS tenant, entry['source'] AS source, entry['measure'] AS measure, entry['rows'] AS "rows",
       job, batch, status, recorded_at
FROM (SELECT unnest(counts) AS entry, job, batch, status, recorded_at FROM ({_ENDED}))
"""

_QUALITY = f"""
SELECT entry['tenant'] AS tenant, entry['source'] AS source, entry['expectation'] AS expectation,
       entry['column'] AS "column", entry['success'] AS success, entry['observed'] AS observed,
       job, batch, status, recorded_at
FROM (SELECT unnest(quality) AS entry, job, batch, status, recorded_at FROM ({_ENDED}))
"""

_LINEAGE = f"""
SELECT job, batch, run_id, direction, entry['key'] AS "table", entry['value'] AS version, recorded_at
FROM (
  SELECT job, batch, run_id, recorded_at, 'read' AS direction, unnest(map_entries(reads)) AS entry FROM ({_ENDED})
  UNION ALL
  SELECT job, batch, run_id, recorded_at, 'write' AS direction, unnest(map_entries(writes)) AS entry FROM ({_ENDED})
)
"""

# An item may be refused again for another reason, or pass after its contract was mended.
_REFUSED = """
SELECT tenant, source, record_id, item, rule, "column", message, contract_version, received_at, batch FROM (
  SELECT q.*, row_number() OVER (
    PARTITION BY q.record_id, q.item
    ORDER BY split_part(q.batch, '/', 1) = 'replay' DESC, TRY_CAST(split_part(q.batch, '/', 2) AS BIGINT) DESC,
             TRY_CAST(split_part(q.batch, '/', 3) AS BIGINT) DESC
  ) AS place
  FROM silver.quarantine q
  LEFT ANTI JOIN silver.items i ON q.record_id = i.record_id AND q.item = i.item
) WHERE place = 1
"""

VIEWS = {
    view.name: view
    for view in (
        View("ops.runs", "Micro-batches: when each began and ended, and how.", ("ops.batches",), _RUNS),
        View("ops.ledger", "Rows per source and measure of every batch that ended.", ("ops.batches",), _LEDGER),
        View("ops.quality", "What the gate found, per expectation and batch.", ("ops.batches",), _QUALITY),
        View("ops.refused", "Items that are refused now, and why.", ("silver.quarantine", "silver.items"), _REFUSED),
        View("ops.lineage", "Delta version of every table that a batch read or wrote.", ("ops.batches",), _LINEAGE),
    )
}
"""Every view by name."""

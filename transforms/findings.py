"""Findings: facts of different sources that contradict each other (DESIGN's law 14)."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.hashing import content_hash, identifier

OUTCOME_BEFORE_CREATION = "outcome_before_creation"


def contradictions(outcomes: DataFrame, leads: DataFrame, identities: DataFrame) -> DataFrame:
    """Return the contradictions among the facts as they stand: tenant, rule, fact_table, fact_id, lead_id, message.

    ``identities`` are the standing ones. Rule outcome_before_creation: an outcome with a time of its own lies before
    its lead came to be.
    """
    resolved = outcomes.join(identities.select("tenant", "identity_key", "lead_id"), ["tenant", "identity_key"])
    created = leads.select("tenant", "lead_id", "created_at")
    early = resolved.join(created, ["tenant", "lead_id"]).where(
        F.col("timed") & (F.col("occurred_at") < F.col("created_at"))
    )
    message = F.format_string(
        "expected the outcome %s after the lead came to be (%s); it is of %s",
        "outcome",
        _day("created_at"),
        _day("occurred_at"),
    )
    return early.select(
        "tenant",
        F.lit(OUTCOME_BEFORE_CREATION).alias("rule"),
        F.lit("silver.outcomes").alias("fact_table"),
        F.col("outcome_id").alias("fact_id"),
        "lead_id",
        message.alias("message"),
    ).distinct()


def finding_changes(found: DataFrame, standing: DataFrame, *, known_at: Column, batch: str) -> DataFrame:
    """Return what to append to silver.findings: new contradictions raised, those that are gone retracted.

    ``standing`` comes from ``knowledge.standing_findings``. Ends in the columns of silver.findings.
    """
    keyed = found.withColumn("finding_id", identifier(F.col("tenant"), F.col("rule"), F.col("fact_id")))
    key = ["tenant", "finding_id"]
    solved = F.lit("the facts no longer contradict each other")
    raised = keyed.join(standing.select(*key), key, "left_anti").withColumn("status", F.lit("raised"))
    gone = standing.join(keyed.select(*key), key, "left_anti")
    gone = gone.withColumn("status", F.lit("retracted")).withColumn("message", solved)
    columns = ["tenant", "finding_id", "rule", "fact_table", "fact_id", "lead_id", "message", "status"]
    changed = raised.select(*columns).unionByName(gone.select(*columns))
    return changed.select(
        *columns,
        known_at.alias("known_at"),
        F.lit(batch).alias("batch"),
        content_hash({name: F.col(name) for name in columns}).alias("content_hash"),
    )


def _day(column: str) -> Column:
    return F.date_format(column, "yyyy-MM-dd HH:mm")

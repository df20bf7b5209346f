"""Scores of leads, with what changed since their last decision."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.hashing import content_hash

_HASHED = (
    "tenant",
    "lead_id",
    "as_of",
    "status",
    "probability",
    "grade",
    "trend",
    "model_hash",
    "probability_low",
    "probability_high",
)


def lead_scores(scored: DataFrame, decisions: DataFrame, ticks: DataFrame) -> DataFrame:
    """Return the rows of gold.lead_scores.

    In: ``scored`` (tenant, lead_id, as_of, known, status, probability, probability_low, probability_high, grade,
    model_version, model_hash), one row per lead; rows of gold.decisions, at least those since the last tick before
    as_of; ``ticks`` (tenant, as_of), one row per tenant. Out: the scored columns, ``trend`` (the probability less the
    score at the lead's latest decision before as_of; null without one or without a score) and content_hash, which
    covers all but ``known`` and ``model_version``: lakes that learned the same at other times hash equal.
    """
    before = (
        decisions.join(F.broadcast(ticks.select("tenant", "as_of")), "tenant")
        .where(F.col("tick") < F.col("as_of"))
        .groupBy("tenant", "lead_id")
        .agg(F.max(F.struct("tick", "known", F.col("score").alias("score"))).alias("latest"))
        .select("tenant", "lead_id", F.col("latest.score").alias("score_before"))
    )
    together = scored.join(before, ["tenant", "lead_id"], "left").withColumn(
        "trend", F.col("probability") - F.col("score_before")
    )
    return together.select(
        "tenant",
        "lead_id",
        "as_of",
        "known",
        "status",
        "probability",
        "grade",
        "trend",
        "model_version",
        "model_hash",
        content_hash({name: F.col(name) for name in _HASHED}).alias("content_hash"),
        "probability_low",
        "probability_high",
    )

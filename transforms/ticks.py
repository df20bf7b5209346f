"""Ticks: when leads are ranked as a whole, and what stands in between."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.hashing import content_hash
from leadhouse.transforms.knowledge import batch_order

_HASHED = ("tenant", "tick", "model_version", "definitions_hash")
_SUBSTANCE = ("action", "list", "channel", "purpose", "reason", "legal_basis", "arm")
"""What makes a decision another one between ticks; the score moves with every minute."""


def scored_moments(scores: DataFrame) -> DataFrame:
    """Return each tenant's moment and model, from rows of gold.lead_scores: tenant, as_of, known, model_version,
    model_hash (a batch is never scored by a mixture of models)."""
    named = ("as_of", "known", "model_version", "model_hash")
    return scores.groupBy("tenant").agg(*[F.max(name).alias(name) for name in named])


def last_ticks(stored: DataFrame) -> DataFrame:
    """Return each tenant's last row of gold.ticks: tenant, tick, model_version, definitions_hash."""
    order = F.struct("tick", "known", *batch_order("batch"), "model_version", "definitions_hash")
    last = stored.groupBy("tenant").agg(F.max(order).alias("last"))
    return last.select("tenant", *[F.col("last")[name].alias(name) for name in _HASHED[1:]])


def earlier_ticks(stored: DataFrame, moments: DataFrame) -> DataFrame:
    """Return each tenant's last tick before its moment: tenant, as_of, tick TIMESTAMP (null if there was none).

    In: rows of gold.ticks; moments (tenant, as_of).
    """
    moment = moments.select("tenant", "as_of")
    before = stored.join(moment, "tenant").where(F.col("tick") < F.col("as_of"))
    last = before.groupBy("tenant").agg(F.max("tick").alias("tick"))
    return moment.join(last, "tenant", "left").select("tenant", "as_of", "tick")


def decision_moments(scored: DataFrame, last: DataFrame, *, definitions_hash: str, rank_minutes: int) -> DataFrame:
    """Say of each tenant's moment whether it is a tick.

    In: the results of ``scored_moments`` and ``last_ticks``; the hash of the lists and policies in force; how long a
    ranking stands at least. Out: tenant, as_of, known, model_version, model_hash, ranked_at TIMESTAMP (the tick that
    the moment is or belongs to), between BOOLEAN (it is none: the last tick was less than ``rank_minutes`` ago and on
    the same UTC day, and neither lists nor model have changed since).
    """
    ranked = last.select(
        "tenant", F.col("tick"), F.col("model_version").alias("_model"), F.col("definitions_hash").alias("_hash")
    )
    since = F.timestamp_diff("SECOND", F.col("tick"), F.col("as_of"))
    between = (
        (since >= 0)
        & (since < rank_minutes * 60)
        & (F.to_date("tick") == F.to_date("as_of"))
        & F.col("_model").eqNullSafe(F.col("model_version"))
        & (F.col("_hash") == definitions_hash)
    )
    stands = F.coalesce(between, F.lit(False))
    return scored.join(ranked, "tenant", "left").select(
        "tenant", "as_of", "known", "model_version", "model_hash",
        F.when(stands, F.col("tick")).otherwise(F.col("as_of")).alias("ranked_at"),
        stands.alias("between"),
    )  # fmt: skip


def new_ticks(moments: DataFrame, *, definitions_hash: str, batch: str) -> DataFrame:
    """Return the ticks among the result of ``decision_moments``, in the columns of gold.ticks."""
    business = {
        "tenant": F.col("tenant"),
        "tick": F.col("as_of"),
        "model_version": F.col("model_version"),
        "definitions_hash": F.lit(definitions_hash),
    }
    return moments.where(~F.col("between")).select(
        "tenant",
        business["tick"].alias("tick"),
        "known",
        "model_version",
        business["definitions_hash"].alias("definitions_hash"),
        F.lit(batch).alias("batch"),
        content_hash(business).alias("content_hash"),
    )


def standing_decisions(decisions: DataFrame, moments: DataFrame) -> DataFrame:
    """Return the decision that stands of each lead between ticks: its last since the tick.

    In: rows of gold.decisions; the result of ``decision_moments``. Out: the columns of gold.decisions.
    """
    open_since = F.broadcast(moments.where("between").select("tenant", "ranked_at"))
    since = decisions.join(open_since, "tenant").where(F.col("tick") >= F.col("ranked_at"))
    order = F.struct("tick", "known", *batch_order("batch"), F.struct(*decisions.columns).alias("row"))
    last = since.groupBy("tenant", "lead_id").agg(F.max(order).alias("last"))
    return last.select("last.row.*").select(*decisions.columns)


def marked_decisions(decided: DataFrame, standing: DataFrame) -> DataFrame:
    """Say of each decision whether it was made before: the same lead, list, action and reason.

    In: the results of ``decisions.decide`` and ``standing_decisions``. Out: the decided columns and stands BOOLEAN.
    """
    before = standing.select("tenant", "lead_id", *[F.col(name).alias(f"_{name}") for name in _SUBSTANCE])
    same = reduce(Column.__and__, [F.col(name).eqNullSafe(F.col(f"_{name}")) for name in _SUBSTANCE])
    stood = before.withColumn("_stood", F.lit(True))
    together = decided.join(stood, ["tenant", "lead_id"], "left")
    return together.select(*decided.columns, F.coalesce(F.col("_stood") & same, F.lit(False)).alias("stands"))


def unchanged_decisions(standing: DataFrame, marked: DataFrame) -> DataFrame:
    """Return the standing decisions that the result of ``marked_decisions`` says are made again."""
    return standing.join(marked.where("stands"), ["tenant", "lead_id"], "left_semi")


def changed_decisions(marked: DataFrame) -> DataFrame:
    """Return the decisions that are other than the standing ones, of the result of ``marked_decisions``."""
    return marked.where(~F.col("stands")).drop("stands")

"""What a model is watched by: leads as they were at the ages that it learned from, and scores whose outcome is known.

Both are chosen as training chooses its examples. What is scored at a tick holds leads of all ages, most of them older
than any example; beside training data it would always look as if something had changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.enrolment import present_leads
from leadhouse.transforms.knowledge import batch_order, current_leads
from leadhouse.transforms.moments import days_after, next_midnight

LATE_DAYS = 7
"""A score counts as one at an age if its tick came no later than this after it: older leads convert less often."""
MOST_LEADS = 20_000
"""Leads that are looked at, at most, drawn by the hash of their ids: no figure gains by more."""
MOST_SCORES = 20_000
"""Scores whose outcomes are looked at, the latest: a model that fails now must not be saved by what it was."""


def new_moments(
    at: DataFrame,
    stated: DataFrame,
    identities: DataFrame,
    *,
    ages_days: Sequence[int],
    after: datetime,
    timed: bool,
) -> DataFrame:
    """Return the moments at which leads came to an age after ``after`` and not after the tick.

    In: ``at`` and ``stated``, the results of ``moments.leads_with_ticks`` and ``moments.outcomes_of_leads``; rows of
    silver.identities; the ages that the model learned from; whether its examples were ``timed``.
    Out: tenant, lead_id STRING, as_of, known TIMESTAMP, age_days INT, MOST_LEADS of them at most.

    A timed moment is that of a training example: the first midnight (UTC) at or after the age, known = as_of, of a lead
    that was not won yet. Where examples are not timed it is the tick, of each lead that was first known after
    ``after``; its age is the first of ``ages_days``.
    """
    chosen = _timed(at, stated, ages_days, after) if timed else _untimed(at, identities, ages_days, after)
    few = chosen.orderBy(F.xxhash64("lead_id"), "lead_id", "age_days").limit(MOST_LEADS)
    return few.select("tenant", "lead_id", "as_of", "known", "age_days")


def ripe_scores(
    decisions: DataFrame,
    ranked: DataFrame,
    at: DataFrame,
    stated: DataFrame,
    identities: DataFrame,
    *,
    ages_days: Sequence[int],
    horizon_days: int,
) -> DataFrame:
    """Return stored scores whose horizon has passed, with what became of their leads.

    In: rows of gold.decisions and gold.ticks; ``at`` and ``stated`` as for ``new_moments``; rows of silver.identities;
    the ages that the models learned from and their horizon. Out: tenant, lead_id, model_version STRING, tick TIMESTAMP,
    probability DOUBLE, label BOOLEAN (won within the horizon after the tick), the latest MOST_SCORES of them at most.

    Of each lead and age it is the score of the first tick at or after the age, LATE_DAYS later at most, if the lead was
    not won yet. The score is the first that was said, whatever was computed anew for that tick later.
    """
    ticks = ranked.select("tenant", "tick").distinct()
    scored = decisions.where(F.col("score").isNotNull() & F.col("model_version").isNotNull())
    ages = F.array(*[F.lit(age) for age in sorted(set(ages_days))])
    aged = (
        present_leads(scored, identities)
        .join(F.broadcast(ticks), ["tenant", "tick"])
        .join(at.withColumnRenamed("tick", "_now"), ["tenant", "lead_id"])
        .where(F.col("created_at").isNotNull() & (days_after(F.col("tick"), horizon_days) <= F.col("_now")))
        .withColumn("age_days", F.explode(ages))
        .withColumn("_from", next_midnight(F.col("created_at"), F.col("age_days")))
        .where((F.col("tick") >= F.col("_from")) & (F.col("tick") < days_after(F.col("_from"), LATE_DAYS)))
    )
    said = F.min(F.struct("tick", "known", *batch_order("batch"), "score", "model_version"))
    first = aged.groupBy("tenant", "lead_id", "age_days").agg(said.alias("first"))
    # A lead of two ages at one tick, where ticks are rare, is one score.
    each = first.select("tenant", "lead_id", "first.tick", "first.score", "first.model_version").distinct()
    return (
        each.join(_wins(stated), ["tenant", "lead_id"], "left")
        .where(_open_at("tick"))
        .orderBy(F.col("tick").desc(), F.xxhash64("lead_id"), "lead_id")
        .limit(MOST_SCORES)
        .select(
            "tenant",
            "lead_id",
            "model_version",
            "tick",
            F.col("score").alias("probability"),
            F.coalesce(F.col("won_at") <= days_after(F.col("tick"), horizon_days), F.lit(False)).alias("label"),
        )
    )


def _timed(at: DataFrame, stated: DataFrame, ages_days: Sequence[int], after: datetime) -> DataFrame:
    ages = F.array(*[F.lit(age) for age in sorted(set(ages_days))])
    return (
        at.where(F.col("timed") & F.col("created_at").isNotNull())
        .withColumn("age_days", F.explode(ages))
        .withColumn("as_of", next_midnight(F.col("created_at"), F.col("age_days")))
        .where((F.col("as_of") > F.lit(after)) & (F.col("as_of") <= F.col("tick")))
        .join(_wins(stated), ["tenant", "lead_id"], "left")
        .where(_open_at("as_of"))
        .withColumn("known", F.col("as_of"))
    )


def _untimed(at: DataFrame, identities: DataFrame, ages_days: Sequence[int], after: datetime) -> DataFrame:
    first = current_leads(identities).groupBy("tenant", "lead_id").agg(F.min("since").alias("since"))
    return (
        at.join(first, ["tenant", "lead_id"])
        .where((F.col("since") > F.lit(after)) & (F.col("since") <= F.col("tick_known")))
        .withColumn("age_days", F.lit(min(ages_days)))
        .withColumnsRenamed({"tick": "as_of", "tick_known": "known"})
    )


def _wins(stated: DataFrame) -> DataFrame:
    return stated.where("value").groupBy("tenant", "lead_id").agg(F.min("occurred_at").alias("won_at"))


def _open_at(moment: str) -> Column:
    """Whether a lead was not won yet at a moment; what is known already foretells nothing."""
    return F.col("won_at").isNull() | (F.col("won_at") > F.col(moment))

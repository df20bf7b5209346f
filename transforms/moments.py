"""The moments that a model learns from: a lead at a tick, with what became of it within the horizon."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.knowledge import (
    DAY_MICROS,
    current_leads,
    facts_of_leads,
    has_happened,
    known_by,
    standing_facts,
    standing_findings,
)

EXAMPLE_COLUMNS = ("tenant", "lead_id", "as_of", "known", "label", "timed")


def scoring_moments(leads: DataFrame, ticks: DataFrame) -> DataFrame:
    """Return the moments to score: every lead that is there at its tenant's tick.

    In: rows of silver.leads; ``ticks`` (tenant, as_of, known). Out: tenant, lead_id, as_of, known.
    Leads that their source deleted, or that came to be only after as_of (where that is in the past), are left out.
    """
    created = F.col("created_at").isNull() | (F.col("created_at") <= F.col("as_of"))
    return (
        leads.where(~F.col("deleted"))
        .join(F.broadcast(ticks), "tenant")
        .where(created)
        .select("tenant", "lead_id", "as_of", "known")
    )


def training_examples(
    leads: DataFrame,
    outcomes: DataFrame,
    identities: DataFrame,
    findings: DataFrame,
    *,
    outcome: str,
    ages_days: Sequence[int],
    horizon_days: int,
    ticks: DataFrame,
) -> DataFrame:
    """Return the examples to learn from, by lead and moment.

    In: rows of silver.leads, silver.outcomes, silver.identities and silver.findings; the outcome's name; the ages at
    which a lead is looked at; the label's horizon; ``ticks`` (tenant, as_of, known) from ``tick_moments``.
    Out: tenant, lead_id STRING, as_of, known TIMESTAMP, label BOOLEAN (won within the horizon after as_of), timed
    BOOLEAN.

    A tenant is timed if its leads have a created_at and its wins say when. Its examples are each lead at the first
    midnight (UTC) at or after each age, with known = as_of, where

    - the whole horizon has passed at the tick: else the example is censored, whether it was won already or not, since
      keeping only the early wins would make recent leads look better than they are;
    - the lead was not won yet at the moment.

    The examples of any other tenant are each lead at the tick, with the latest statement of the outcome as its label. A
    lead without a statement is a lost one only where no source ever states a loss (there a row's existence means won).
    """
    stated = outcomes_of_leads(outcomes, identities, findings, outcome, ticks)
    at = leads_with_ticks(leads, stated, ticks)
    examples = (_timed(at, stated, ages_days, horizon_days), _untimed(at, stated))
    timed, untimed = (part.select(*EXAMPLE_COLUMNS) for part in examples)
    return timed.unionByName(untimed)


def outcomes_of_leads(
    outcomes: DataFrame, identities: DataFrame, findings: DataFrame, outcome: str, ticks: DataFrame
) -> DataFrame:
    """Return an outcome's statements at the tick that no finding contradicts, by lead.

    In: rows of silver.outcomes, silver.identities and silver.findings; the outcome's name; ``ticks`` (tenant, as_of,
    known). Out: tenant, lead_id, outcome_id, value, timed, occurred_at, known_at.
    """
    standing = standing_findings(known_by(findings, ticks))
    named = known_by(outcomes.where(F.col("outcome") == outcome), ticks)
    kept = standing_facts(named, standing, fact_table="silver.outcomes", fact_id="outcome_id")
    happened = kept.join(F.broadcast(ticks.select("tenant", F.col("as_of").alias("_as_of"))), "tenant").where(
        has_happened(F.col("_as_of"))
    )
    whose = current_leads(known_by(identities, ticks))
    return facts_of_leads(happened, whose).select(
        "tenant", "lead_id", "outcome_id", "value", "timed", "occurred_at", "known_at"
    )


def sources_of_leads(traits: DataFrame, identities: DataFrame, ticks: DataFrame) -> DataFrame:
    """Return which source spoke of each lead first, of what was known at the tick.

    In: rows of silver.traits and silver.identities; ``ticks`` (tenant, as_of, known). Out: tenant, lead_id, source.
    First is what occurred first, then by name.
    """
    first = F.min(F.struct("occurred_at", "source"))
    of_keys = (
        known_by(traits, ticks)
        .groupBy("tenant", "identity_key")
        .agg(
            first["occurred_at"].alias("occurred_at"),
            first["source"].alias("source"),
            F.min("known_at").alias("known_at"),
        )
    )
    of_leads = facts_of_leads(of_keys, current_leads(known_by(identities, ticks)))
    return of_leads.groupBy("tenant", "lead_id").agg(first["source"].alias("source"))


def leads_with_ticks(leads: DataFrame, stated: DataFrame, ticks: DataFrame) -> DataFrame:
    """Return the leads with their tenant's tick, whether its examples are timed and whether it states losses.

    In: rows of silver.leads; the result of ``outcomes_of_leads``; ``ticks`` (tenant, as_of, known). Out: tenant,
    lead_id, created_at, tick, tick_known, timed, losses_stated.
    """
    created = leads.groupBy("tenant").agg(F.max(F.col("created_at").isNotNull()).alias("created"))
    wins = stated.groupBy("tenant").agg(
        F.max(F.col("value") & ~F.col("timed")).alias("untimed_wins"), F.max(~F.col("value")).alias("losses_stated")
    )
    tenants = created.join(wins, "tenant", "left").select(
        "tenant",
        (F.col("created") & ~F.coalesce("untimed_wins", F.lit(False))).alias("timed"),
        F.coalesce("losses_stated", F.lit(False)).alias("losses_stated"),
    )
    tick = ticks.select("tenant", F.col("as_of").alias("tick"), F.col("known").alias("tick_known"))
    return (
        leads.select("tenant", "lead_id", "created_at")
        .join(F.broadcast(tick), "tenant")
        .join(F.broadcast(tenants), "tenant")
    )


def _timed(at: DataFrame, stated: DataFrame, ages_days: Sequence[int], horizon_days: int) -> DataFrame:
    wins = stated.where("value").groupBy("tenant", "lead_id").agg(F.min("occurred_at").alias("won_at"))
    ages = F.array(*[F.lit(age) for age in sorted(set(ages_days))])
    moments = (
        at.where(F.col("timed") & F.col("created_at").isNotNull())
        .withColumn("age", F.explode(ages))
        .withColumn("as_of", next_midnight(F.col("created_at"), F.col("age")))
        .where(days_after(F.col("as_of"), horizon_days) <= F.col("tick"))
    )
    won_at = F.col("won_at")
    return (
        moments.join(wins, ["tenant", "lead_id"], "left")
        .where(won_at.isNull() | (won_at > F.col("as_of")))
        .withColumn("known", F.col("as_of"))
        .withColumn("label", F.coalesce(won_at <= days_after(F.col("as_of"), horizon_days), F.lit(False)))
    )


def _untimed(at: DataFrame, stated: DataFrame) -> DataFrame:
    last = F.max(F.struct("occurred_at", "known_at", "outcome_id", "value"))
    latest = stated.groupBy("tenant", "lead_id").agg(last["value"].alias("value"))
    return (
        at.where(~F.col("timed") & (F.col("created_at").isNull() | (F.col("created_at") <= F.col("tick"))))
        .join(latest, ["tenant", "lead_id"], "left")
        .withColumn("label", F.coalesce(F.col("value"), F.when(~F.col("losses_stated"), F.lit(False))))
        .where(F.col("label").isNotNull())
        .withColumnsRenamed({"tick": "as_of", "tick_known": "known"})
    )


def next_midnight(start: Column, days: Column) -> Column:
    """Return the smallest midnight UTC at or after ``start`` + ``days``: midnights are the multiples of a day since
    1970."""
    day = F.lit(DAY_MICROS)
    micros = F.unix_micros(start) + days * day
    return F.timestamp_micros(micros + F.pmod(-micros, day))


def days_after(moment: Column, days: int) -> Column:
    """Return the moment ``days`` times 24 hours after another; unlike an interval of days it needs no time zone."""
    return F.timestamp_micros(F.unix_micros(moment) + F.lit(days * DAY_MICROS))

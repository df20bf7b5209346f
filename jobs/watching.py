"""What a model is watched by, wired to the lake: leads at the ages it learned from, and its scores beside outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.jobs.feature import feature_frame
from leadhouse.jobs.runtime.job import Step
from leadhouse.jobs.runtime.kept_rows import driver_rows
from leadhouse.transforms.moments import leads_with_ticks, outcomes_of_leads
from leadhouse.transforms.watching import LATE_DAYS, new_moments, ripe_scores

WATCH_READS = ("gold.decisions", "gold.ticks")
"""What a job must be allowed to read, besides FEATURE_READS, to look at what became of scores."""
_SPAN_DAYS = 180
"""Of ripe scores those of so many days are read: the ledger of decisions grows for ever."""
_EARLIER_AGES = (0, 7, 30)
"""Those at which models were trained that don't say it."""


@dataclass(frozen=True)
class Facts:
    """A tenant's leads and outcomes at its tick, for a model that foretells one outcome."""

    step: Step
    tenant: str
    card: Mapping[str, Any]
    """The model's: outcome, horizon_days, ages_days, timed."""
    ticks: DataFrame
    """tenant, as_of, known: the tenant's row only."""
    as_of: datetime
    known: datetime
    at: DataFrame
    stated: DataFrame
    identities: DataFrame


def ages_of(card: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the ages at which a model's examples were taken, youngest first; the usual ones of an earlier release's,
    whose card doesn't say."""
    return tuple(sorted(card.get("ages_days") or _EARLIER_AGES))


def facts_of(step: Step, tenant: str, card: Mapping[str, Any], tick: Mapping[str, Any], ticks: DataFrame) -> Facts:
    """Return the facts that a tenant's models are watched by, computed once.

    ``tick`` has the tenant's as_of and known, ``ticks`` (tenant, as_of, known) those of all tenants.
    """

    def own(table: str) -> DataFrame:
        return step.read(table).where(F.col("tenant") == tenant)

    mine = ticks.where(F.col("tenant") == tenant)
    said = outcomes_of_leads(
        own("silver.outcomes"), own("silver.identities"), own("silver.findings"), card["outcome"], mine
    )
    stated = step.keep(said, few=step.is_small("silver.outcomes"))
    at = step.keep(leads_with_ticks(own("silver.leads"), stated, mine), few=step.is_small("silver.leads"))
    return Facts(step, tenant, card, mine, tick["as_of"], tick["known"], at, stated, own("silver.identities"))


def leads_at_ages(facts: Facts, after: datetime) -> pa.Table:
    """Return the leads that came to an age after a moment, as they were: age_days, as_of, numbers, categories.

    For a step that may read FEATURE_READS, with the contracts among its definitions.
    """
    step, timed = facts.step, bool(facts.card["timed"])
    chosen = new_moments(
        facts.at, facts.stated, facts.identities, ages_days=ages_of(facts.card), after=after, timed=timed
    )
    found = chosen.toArrow()
    if not found.num_rows:
        return found
    moments = driver_rows(step.spark, found, chosen.schema)  # they are few by what new_moments promises
    named = ["tenant", "lead_id", "as_of", "known"]
    features = feature_frame(step, moments.select(*named), facts.ticks)
    return moments.join(features, named).select("age_days", "as_of", "numbers", "categories").toArrow()


def scores_with_outcomes(facts: Facts) -> pa.Table:
    """Return scores whose horizon has passed: lead_id, model_version, tick, probability, label; the latest if many.

    For a step that may read WATCH_READS besides FEATURE_READS.
    """
    card, step = facts.card, facts.step
    span = timedelta(days=int(card["horizon_days"]) + _SPAN_DAYS + LATE_DAYS)
    mine = F.col("tenant") == facts.tenant
    return ripe_scores(
        step.read("gold.decisions", ("tick", facts.as_of - span)).where(mine),
        step.read("gold.ticks").where(mine),
        facts.at,
        facts.stated,
        facts.identities,
        ages_days=ages_of(card),
        horizon_days=int(card["horizon_days"]),
    ).toArrow()

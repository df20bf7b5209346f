"""What was known at a moment: facts and identities cut at ``known``, contradicted facts left out, ticks.

Two times rule every function here: ``occurred_at``, when it was so in the world, and ``known_at``, when we knew it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

RAISED = "raised"
DAY_MICROS = 86_400_000_000
MOMENT = ("lead_id", "tenant", "as_of", "known")
"""What names a moment of a lead. The lead comes first, since sorts compare the first column cheapest and it differs."""


def known_by(rows: DataFrame, ticks: DataFrame) -> DataFrame:
    """Keep the rows that each tenant knew at its tick: ``known_at`` not after the tick's ``known``.

    In: any rows with tenant and known_at; ``ticks`` (tenant, known), one row per tenant. Out: the rows' own columns.
    Rows of a tenant without a tick are left out.
    """
    cut = ticks.select(F.col("tenant").alias("_tenant"), F.col("known").alias("_known"))
    held = (F.col("tenant") == F.col("_tenant")) & (F.col("known_at") <= F.col("_known"))
    return rows.join(F.broadcast(cut), held).select(*rows.columns)


def current_leads(identities: DataFrame, known: datetime | None = None) -> DataFrame:
    """Resolve every identity key to its lead, as of ``known`` (default: by all rows given).

    In: rows of silver.identities. The latest row per key holds, by known_at and then by batch; keys that no source has
    called a lead are left out, and so are facts about them until one does.
    Out: tenant, identity_key, lead_id STRING, since TIMESTAMP (when the key was first known to be a lead's).
    """
    rows = identities if known is None else identities.where(F.col("known_at") <= F.lit(known))
    latest = F.max(F.struct("known_at", *batch_order("batch"), "lead_id", "is_lead"))
    since = F.min(F.when(F.col("is_lead"), F.col("known_at")))
    return (
        rows.groupBy("tenant", "identity_key")
        .agg(latest.alias("latest"), since.alias("since"))
        .where(F.col("latest.is_lead"))
        .select("tenant", "identity_key", F.col("latest.lead_id").alias("lead_id"), "since")
    )


def facts_of_leads(facts: DataFrame, leads: DataFrame) -> DataFrame:
    """Say whose each fact is.

    In: facts (tenant, identity_key, known_at, …) and the result of ``current_leads``. Out: the facts' columns, with
    lead_id instead of identity_key. ``known_at`` becomes the moment at which we knew both the fact and whose it is:
    what an anonymous visitor did is nobody's feature before the form that names them, also when looked back at.
    Facts about nobody's key are left out: they wait.
    """
    whose = leads.select("tenant", "identity_key", "lead_id", "since")
    kept = [column for column in facts.columns if column not in ("tenant", "identity_key", "known_at", "lead_id")]
    return facts.join(whose, ["tenant", "identity_key"]).select(
        "tenant", "lead_id", F.greatest("known_at", "since").alias("known_at"), *kept
    )


def seen_at(moments: DataFrame, facts: DataFrame) -> DataFrame:
    """Return the facts that each moment may use: occurred by as_of and known by known.

    In: moments (tenant, lead_id, as_of, known); facts of leads (tenant, lead_id, occurred_at, known_at, …). Out: the
    facts' columns with as_of and known, one row per fact and moment, partitioned by lead: grouping by moment and
    anything else then needs no further shuffle.
    """
    return (
        facts.join(moments, ["lead_id", "tenant"])
        .where((F.col("occurred_at") <= F.col("as_of")) & (F.col("known_at") <= F.col("known")))
        .repartition("lead_id", "tenant")
    )


def has_happened(as_of: Column) -> Column:
    """Whether an outcome's statement (occurred_at, timed) counts at a moment: it had happened by then, or it says no
    time of its own. Such a one is dated by its arrival, which is long after the moment where one looks at the past."""
    return (F.col("occurred_at") <= as_of) | ~F.col("timed")


def standing_findings(findings: DataFrame) -> DataFrame:
    """Return the findings that hold: those whose latest row says raised.

    In: rows of silver.findings. Out: tenant, finding_id, rule, fact_table, fact_id, lead_id.
    """
    stated = F.struct("known_at", *batch_order("batch"), "status", "rule", "fact_table", "fact_id", "lead_id")
    return (
        findings.groupBy("tenant", "finding_id")
        .agg(F.max(stated).alias("latest"))
        .where(F.col("latest.status") == RAISED)
        .select("tenant", "finding_id", "latest.rule", "latest.fact_table", "latest.fact_id", "latest.lead_id")
    )


def standing_facts(facts: DataFrame, standing: DataFrame, *, fact_table: str, fact_id: str) -> DataFrame:
    """Leave out the facts that a standing finding contradicts.

    In: facts of ``fact_table`` (e.g. ``silver.outcomes``) with their id in the column ``fact_id``, and the result of
    ``standing_findings``. Out: the facts' own columns.
    """
    contradicted = standing.where(F.col("fact_table") == fact_table).select("tenant", F.col("fact_id").alias(fact_id))
    return facts.join(contradicted, ["tenant", fact_id], "left_anti").select(*facts.columns)


def tick_moments(
    facts: Sequence[DataFrame], beliefs: Sequence[DataFrame] = (), *, now: datetime, as_of: datetime | None = None
) -> DataFrame:
    """Return each tenant's tick: the moment to compute for, and what is known then.

    In: ``facts`` (tenant, occurred_at, known_at: signals, traits, outcomes, consents); ``beliefs`` (tenant, known_at:
    identities, findings), which only move ``known``. Out: tenant STRING, as_of TIMESTAMP, known TIMESTAMP.
    ``as_of`` is the given one, else the tenant's latest event that is not after ``now`` (a date in the future, mistyped
    or planned, is no event yet); ``known`` is the latest known_at, at least as_of.
    """
    past = F.when(F.col("occurred_at") <= F.lit(now), F.col("occurred_at"))
    seen = [frame.select("tenant", past.alias("event"), "known_at") for frame in facts]
    seen += [frame.select("tenant", F.lit(None).cast("timestamp").alias("event"), "known_at") for frame in beliefs]
    moment = F.lit(as_of) if as_of is not None else F.coalesce(F.max("event"), F.lit(now))
    return (
        reduce(DataFrame.unionByName, seen)
        .groupBy("tenant")
        .agg(moment.cast("timestamp").alias("as_of"), F.max("known_at").alias("known"))
        .select("tenant", "as_of", F.greatest("as_of", "known").alias("known"))
    )


def batch_order(column: str) -> tuple[Column, Column, Column, Column]:
    """Return columns that order batch names (job/generation/number) as they were written: 9 before 10.

    Batches of release, replay and rebuild take up refine's numbers, and come behind refine's of that number.
    """
    parts = F.split(column, "/")
    job = F.try_element_at(parts, F.lit(-3))
    return (
        F.try_element_at(parts, F.lit(-2)).try_cast("bigint").alias("generation"),
        F.try_element_at(parts, F.lit(-1)).try_cast("bigint").alias("number"),
        (job != "refine").alias("follows"),
        job.alias("job"),
    )

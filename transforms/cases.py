"""The case of each lead at a tick: for every list whether it is eligible, what allows the contact, how it ranks."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.consent import legal_basis, refusal
from leadhouse.transforms.enrolment import drawn_arm, present_leads
from leadhouse.transforms.knowledge import current_leads, facts_of_leads, has_happened
from leadhouse.transforms.lists import ListSpec

_MAP = "map<string,string>"


def won_leads(outcomes: DataFrame, identities: DataFrame, ticks: DataFrame, *, outcome: str | None) -> DataFrame:
    """Return the leads whose outcome happened by the tick, by its latest statement: tenant, lead_id.

    In: rows of silver.outcomes and silver.identities; ticks (tenant, as_of, known); the outcome's name, None for any.
    An outcome that a finding contradicts counts, too: better to leave a customer alone than to go by half a story.
    """
    named = outcomes if outcome is None else outcomes.where(F.col("outcome") == outcome)
    stated = facts_of_leads(named, current_leads(identities)).join(F.broadcast(ticks), "tenant")
    known = has_happened(F.col("as_of")) & (F.col("known_at") <= F.col("known"))
    last = F.max_by("value", F.struct("occurred_at", "known_at", "outcome_id"))
    each = stated.where(known).groupBy("tenant", "lead_id", "outcome").agg(last.alias("value"))
    return each.where("value").select("tenant", "lead_id").distinct()


def lead_cases(
    scores: DataFrame,
    features: DataFrame,
    leads: DataFrame,
    *,
    consents: DataFrame,
    won: DataFrame,
    arms: DataFrame,
    incumbents: DataFrame,
    lists: tuple[ListSpec, ...],
    salt: str,
) -> DataFrame:
    """Return one row per scored lead with its case for every list.

    In: rows of gold.lead_scores, gold.lead_features and silver.leads; the results of ``standing_consents``,
    ``won_leads``, ``stored_arms`` and ``incumbents``; the lists in order; the salt that draws the arms.
    Out: tenant, lead_id, tick, known, status, score, grade, model_version, barred STRING (why no list may take the
    lead; null if some may), arms MAP<STRING, STRING>, cases ARRAY<STRUCT<eligible BOOLEAN, legal_basis, refusal STRING,
    rank_value DOUBLE, arm STRING, incumbent BOOLEAN>>, one per list and in their order.
    """
    places = incumbents.select("tenant", "lead_id", F.col("lists").alias("incumbent_of"))
    known = leads.select("tenant", "lead_id", "country", "created_at", "traits", "deleted")
    together = (
        scores.select(
            "tenant", "lead_id", "status", "grade", "trend", "model_version",
            F.col("as_of").alias("tick"), "known", F.col("probability").alias("score"),
        )
        .join(known, ["tenant", "lead_id"])
        .join(features.select("tenant", "lead_id", "numbers", "categories"), ["tenant", "lead_id"], "left")
        .join(consents.select("tenant", "lead_id", "statements"), ["tenant", "lead_id"], "left")
        .join(won.select("tenant", "lead_id", F.lit(True).alias("won")), ["tenant", "lead_id"], "left")
        .join(arms.select("tenant", "lead_id", "arms"), ["tenant", "lead_id"], "left")
        .join(places, ["tenant", "lead_id"], "left")
    )  # fmt: skip
    barred = F.when(F.col("deleted"), "deleted at its source").when(F.col("won"), "already won")
    return together.select(
        "tenant", "lead_id", "tick", "known", "status", "score", "grade", "model_version",
        barred.alias("barred"),
        F.coalesce("arms", F.create_map().cast(_MAP)).alias("arms"),
        _cases(lists, salt).alias("cases"),
    )  # fmt: skip


def incumbents(decisions: DataFrame, identities: DataFrame, ticks: DataFrame) -> DataFrame:
    """Return who was engaged earlier on the UTC day: they keep their place.

    In: rows of gold.decisions and silver.identities; ticks (tenant, as_of, between) as of ``ticks.decision_moments``:
    a tick may be decided anew, but between ticks also what was decided for the same moment stands.
    Out: tenant, lead_id, lists ARRAY<STRING>.
    """
    tick = F.broadcast(ticks.select("tenant", "as_of", "between"))
    before = (F.col("tick") < F.col("as_of")) | (F.col("between") & (F.col("tick") == F.col("as_of")))
    earlier = before & (F.to_date("tick") == F.to_date("as_of"))
    engaged = (
        decisions.where(F.col("action") == "engage").select("tenant", "lead_id", "list", "tick").join(tick, "tenant")
    )
    present = present_leads(engaged.where(earlier).select("tenant", "lead_id", "list"), identities)
    return present.groupBy("tenant", "lead_id").agg(F.sort_array(F.collect_set("list")).alias("lists"))


def _cases(lists: tuple[ListSpec, ...], salt: str) -> Column:
    fields = "eligible boolean, legal_basis string, refusal string, rank_value double, arm string, incumbent boolean"
    cases = [
        F.struct(
            F.coalesce(F.expr(spec.eligible.sql), F.lit(False)).alias("eligible"),
            legal_basis(spec).alias("legal_basis"),
            refusal(spec).alias("refusal"),
            F.nanvl(F.expr(spec.rank_by.sql).cast("double"), F.lit(None)).alias("rank_value"),
            F.coalesce(F.try_element_at("arms", F.lit(spec.name)), drawn_arm(spec, salt=salt)).alias("arm"),
            F.coalesce(F.array_contains("incumbent_of", spec.name), F.lit(False)).alias("incumbent"),
        )
        for spec in lists
    ]
    return F.array(*cases).cast(f"array<struct<{fields}>>")

"""Decisions: at a tick, one per lead. The lists take leads in their order, each up to its capacity for the day."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.enrolment import HOLD_OUT
from leadhouse.transforms.hashing import content_hash, identifier
from leadhouse.transforms.lists import ListSpec

ENGAGE, NONE = "engage", "none"
SCORED = "scored"
REASONS = "array<struct<direction: string, feature: string, value: string, effect: double, words: string>>"

_DECIDED = (
    "tenant",
    "lead_id",
    "tick",
    "action",
    "list",
    "channel",
    "purpose",
    "reason",
    "legal_basis",
    "arm",
    "rank",
    "score",
    "grade",
    "model_version",
)


def place_leads(cases: DataFrame, used: DataFrame, *, lists: tuple[ListSpec, ...]) -> DataFrame:
    """Let the lists take their leads.

    In: the result of ``lead_cases``; the result of ``places_used``; the lists in order. Out: the cases' columns with
    place INT (index of the list that took the lead), held_out INT (index of the list whose hold-out it is), full INT
    (index of the first list that had no room for it), reached ARRAY<STRUCT<list, arm>> (the lists that would have taken
    it).

    A list looks at the leads that no list before it took, that are eligible and whose contact is allowed. Its hold-outs
    stop there: no later list takes them. The others get the places that are left of the day's capacity, those that have
    one since an earlier tick of the day first, then by rank_value, then by lead_id.
    """
    placed = cases.join(F.broadcast(used), "tenant", "left").select(
        "*",
        *[F.lit(None).cast("int").alias(name) for name in ("place", "held_out", "full")],
        F.array().cast("array<struct<list: string, arm: string>>").alias("reached"),
    )
    for index, spec in enumerate(lists):
        placed = _take(placed, index, spec)
    return placed.drop("used")


def places_used(incumbents: DataFrame) -> DataFrame:
    """Return how many places of the day are gone: tenant, used MAP<STRING, BIGINT> by list, from ``incumbents``."""
    each = incumbents.select("tenant", "lead_id", F.explode("lists").alias("list")).groupBy("tenant", "list").count()
    entries = F.array_sort(F.collect_list(F.struct("list", "count")))
    return each.groupBy("tenant").agg(F.map_from_entries(entries).alias("used"))


def decide(placed: DataFrame, moments: DataFrame, standing: DataFrame, *, lists: tuple[ListSpec, ...]) -> DataFrame:
    """Return the decisions, in the columns of gold.decisions but for reasons, definitions_hash, batch and content_hash.

    In: the results of ``place_leads``, ``ticks.decision_moments`` and ``ticks.standing_decisions``. At a tick all who
    are engaged are ranked; between ticks a lead keeps the rank that it has on its list, and who joins comes last. A
    decision's id is the hash of lead, tick and what was decided: the same decision
    made again is the same row; another one at the same tick (late facts, an edited list) is another row.
    """
    best = F.col("held_out")
    kept_off = F.coalesce(best, F.col("full"), _first_refused(lists))
    index = F.when(F.col("barred").isNull(), F.coalesce(F.col("place"), kept_off))
    engaged = F.col("place").isNotNull()
    case = F.try_element_at("cases", index + 1)
    named = placed.select(
        "*",
        F.when(engaged, ENGAGE).otherwise(NONE).alias("action"),
        *[_of_list(lists, part, index).alias(part) for part in ("name", "channel", "purpose")],
        F.when(engaged, case["legal_basis"]).alias("legal_basis"),
        _arm(index, case).alias("arm"),
        F.when(engaged, case["rank_value"]).alias("rank_value"),
        _reason(lists, case).alias("reason"),
    ).withColumnRenamed("name", "list")
    before = standing.select("tenant", "lead_id", "list", F.col("rank").alias("stood"))
    known = named.join(F.broadcast(moments.select("tenant", "between")), "tenant").join(
        before, ["tenant", "lead_id", "list"], "left"
    )
    stays = F.col("between") & F.col("stood").isNotNull()
    ranked_anew = Window.partitionBy("tenant", "place", stays).orderBy(
        F.col("rank_value").desc_nulls_last(), F.col("lead_id")
    )
    taken = F.when(F.col("between"), F.max("stood").over(Window.partitionBy("tenant", "place")))
    rank = F.when(stays, F.col("stood")).otherwise(F.coalesce(taken, F.lit(0)) + F.row_number().over(ranked_anew))
    ranked = known.withColumn("rank", F.when(engaged, rank))
    basis = F.sha2(F.to_json(F.struct(*_DECIDED)), 256)
    return ranked.select(
        "tenant",
        identifier(F.col("tenant"), F.col("lead_id"), F.col("tick"), basis).alias("decision_id"),
        "lead_id",
        "tick",
        "known",
        *_DECIDED[3:],
    )


def complete_decisions(decided: DataFrame, explained: DataFrame, *, definitions_hash: str, batch: str) -> DataFrame:
    """Add the reasons and end in the columns of gold.decisions.

    In: the result of ``decide``; explained (tenant, lead_id, reasons) for those who are listed.
    """
    reasons = F.coalesce(F.col("reasons"), F.array()).cast(REASONS)
    whole = decided.join(explained.select("tenant", "lead_id", "reasons"), ["tenant", "lead_id"], "left")
    business = {name: F.col(name) for name in _DECIDED} | {"reasons": reasons}
    return whole.select(
        "tenant",
        "decision_id",
        "lead_id",
        "tick",
        "known",
        *_DECIDED[3:],
        reasons.alias("reasons"),
        F.lit(definitions_hash).alias("definitions_hash"),
        F.lit(batch).alias("batch"),
        content_hash(business).alias("content_hash"),
    )


def new_decisions(decisions: DataFrame, stored: DataFrame) -> DataFrame:
    """Return the decisions that the ledger doesn't hold yet: both have the columns of gold.decisions."""
    return decisions.join(stored.select("tenant", "decision_id"), ["tenant", "decision_id"], "left_anti")


def _take(placed: DataFrame, index: int, spec: ListSpec) -> DataFrame:
    """Let one list take its leads."""
    case = F.col("cases")[index]
    open_still = F.col("place").isNull() & F.col("held_out").isNull() & F.col("barred").isNull()
    wanted = open_still & case["eligible"] & case["legal_basis"].isNotNull()
    held_out = wanted & (case["arm"] == HOLD_OUT)
    treated = wanted & ~held_out
    takes = treated
    if spec.capacity_per_day is not None:
        newcomer = treated & ~case["incumbent"]
        order = Window.partitionBy("tenant").orderBy(
            newcomer.desc(), case["rank_value"].desc_nulls_last(), F.col("lead_id")
        )
        left = F.lit(spec.capacity_per_day) - F.coalesce(F.try_element_at("used", F.lit(spec.name)), F.lit(0))
        takes = treated & (case["incumbent"] | (F.row_number().over(order) <= left))
    decided = placed.withColumn("_takes", takes).withColumn("_wanted", wanted)
    treated_now = F.col("_wanted") & (case["arm"] != HOLD_OUT)
    here = F.struct(F.lit(spec.name).alias("list"), case["arm"].alias("arm"))
    return decided.withColumns(
        {
            "place": F.when(F.col("_takes"), index).otherwise(F.col("place")),
            "held_out": F.when(F.col("_wanted") & ~treated_now, index).otherwise(F.col("held_out")),
            "full": F.coalesce("full", F.when(treated_now & ~F.col("_takes"), index)),
            "reached": F.when(F.col("_wanted"), F.array_append("reached", here)).otherwise(F.col("reached")),
        }
    ).drop("_takes", "_wanted")


def _first_refused(lists: tuple[ListSpec, ...]) -> Column:
    """Index of the first list that the lead is eligible for but may not be contacted for; null if there is none."""
    refused = [
        F.when(F.col("cases")[i]["eligible"] & F.col("cases")[i]["legal_basis"].isNull(), i) for i in range(len(lists))
    ]
    return F.coalesce(*refused) if refused else F.lit(None).cast("int")


def _reason(lists: tuple[ListSpec, ...], case: Column) -> Column:
    """Why the lead was engaged, or the most specific reason why not."""
    name = F.col("name")
    if not lists:
        return F.coalesce("barred", F.lit("no list is defined"))
    unscored = F.when(F.col("status") == SCORED, "").otherwise(F.concat(F.lit("; "), F.col("status")))
    return (
        F.when(F.col("barred").isNotNull(), F.col("barred"))
        .when(F.col("place").isNotNull(), F.concat(F.lit("on "), name))
        .when(F.col("held_out").isNotNull(), F.concat(F.lit("hold-out of "), name))
        .when(F.col("full").isNotNull(), F.concat(F.lit("over capacity of "), name))
        .when(name.isNotNull(), case["refusal"])
        .otherwise(F.concat(F.lit("not eligible for any list"), unscored))
    )


def _arm(index: Column, case: Column) -> Column:
    """The lead's arm on the list that the decision names, where it is enrolled there."""
    enrolled = F.col("place").isNotNull() | F.col("held_out").isNotNull() | F.col("full").isNotNull()
    return F.when(enrolled & index.isNotNull(), case["arm"])


def _of_list(lists: tuple[ListSpec, ...], part: str, index: Column) -> Column:
    values = F.array(*[F.lit(getattr(spec, part)) for spec in lists]).cast("array<string>")
    return F.try_element_at(values, index + 1)

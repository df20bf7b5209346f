"""Experiments: which of a list's leads are held out for comparison. The arm is drawn once and kept."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.hashing import content_hash, keyed_hash
from leadhouse.transforms.knowledge import current_leads
from leadhouse.transforms.lists import ListSpec

TREATED, HOLD_OUT = "treated", "hold_out"


def drawn_arm(spec: ListSpec, *, salt: str) -> Column:
    """Return the arm that the hash of list and lead draws under the salt, over the column ``lead_id``."""
    digest = keyed_hash(salt.encode("utf-8"), F.lit(spec.name), F.col("lead_id"))
    share = F.conv(F.substring(digest, 1, 8), 16, 10).cast("double") / F.lit(float(2**32))
    return F.when(share < spec.hold_out, HOLD_OUT).otherwise(TREATED)


def stored_arms(enrolments: DataFrame, identities: DataFrame) -> DataFrame:
    """Return the arms that leads have, under the leads that they are now.

    In: rows of gold.enrolments and silver.identities. Where leads were merged the hold-out wins.
    Out: tenant, lead_id, arms MAP<STRING, STRING> (list → arm).
    """
    present = present_leads(enrolments, identities)
    held_out = F.max(F.col("arm") == HOLD_OUT)
    arm = F.when(held_out, HOLD_OUT).otherwise(TREATED)
    each = present.groupBy("tenant", "lead_id", "list").agg(arm.alias("arm"))
    entries = F.array_sort(F.collect_list(F.struct("list", "arm")))
    return each.groupBy("tenant", "lead_id").agg(F.map_from_entries(entries).alias("arms"))


def new_enrolments(decided: DataFrame, *, batch: str) -> DataFrame:
    """Return the enrolments that a tick adds, in the columns of gold.enrolments.

    In: the result of ``decisions.place_leads``: tenant, lead_id, tick, reached ARRAY<STRUCT<list, arm>> (the lists that
    would have taken the lead), arms (those that it has).
    """
    reached = decided.select("tenant", "lead_id", "tick", "arms", F.explode("reached").alias("on"))
    first = reached.where(F.try_element_at("arms", F.col("on.list")).isNull())
    business = {
        "tenant": F.col("tenant"),
        "list": F.col("on.list"),
        "lead_id": F.col("lead_id"),
        "arm": F.col("on.arm"),
        "enrolled_at": F.col("tick"),
    }
    return first.select(
        *[column.alias(name) for name, column in business.items()],
        F.lit(batch).alias("batch"),
        content_hash(business).alias("content_hash"),
    )


def present_leads(rows: DataFrame, identities: DataFrame) -> DataFrame:
    """Return rows with the lead that each lead_id belongs to now: a lead's id is an identity key itself."""
    now = current_leads(identities).select(
        "tenant", F.col("identity_key").alias("lead_id"), F.col("lead_id").alias("_now")
    )
    resolved = rows.join(now, ["tenant", "lead_id"], "left")
    return resolved.withColumn("lead_id", F.coalesce("_now", "lead_id")).drop("_now")

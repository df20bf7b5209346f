"""silver.leads: the leads as they stand, derived from traits and identities."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.hashing import content_hash, sorted_map

RESERVED = ("external_id", "email", "phone", "company", "country", "created_at", "deleted")
"""Traits with a column of their own."""


def leads(traits: DataFrame, identities: DataFrame) -> DataFrame:
    """Return one row per lead with the latest value of everything known about it, in the columns of silver.leads.

    ``identities`` are the standing ones. Of several values of a trait the one stated last holds (stated_at, then
    occurred_at, then the trait's id, so that the order of arrival decides nothing); of several creation dates the
    first.
    """
    members = identities.where("is_lead").select("tenant", "identity_key", "lead_id")
    keys = members.groupBy("tenant", "lead_id").agg(F.sort_array(F.collect_list("identity_key")).alias("identity_keys"))
    said = traits.join(members, ["tenant", "identity_key"])
    per_source = F.when(F.col("name") == "external_id", F.col("source"))
    last = said.groupBy("tenant", "lead_id", "name", per_source.alias("id_source")).agg(
        F.max_by("value", F.struct("stated_at", "occurred_at", "trait_id")).alias("value"),
        F.min("value").alias("least"),
    )
    own = F.map_from_entries(
        F.array_sort(F.collect_list(F.when(~F.col("name").isin(*RESERVED), F.struct("name", "value"))))
    )
    external = F.map_from_entries(
        F.array_sort(F.collect_list(F.when(F.col("id_source").isNotNull(), F.struct("id_source", "value"))))
    )
    created = F.min(F.when(F.col("name") == "created_at", F.col("least")))
    wide = last.groupBy("tenant", "lead_id").agg(
        created.try_cast("timestamp").alias("created_at"),
        *[_latest(name) for name in ("email", "phone", "company", "country")],
        external.alias("external_ids"),
        own.alias("traits"),
    )
    rows = keys.join(wide, ["tenant", "lead_id"], "left").join(_deleted(said), ["tenant", "lead_id"], "left")
    nothing = F.create_map().cast("map<string,string>")
    columns: dict[str, Column] = {
        "tenant": F.col("tenant"),
        "lead_id": F.col("lead_id"),
        "created_at": F.col("created_at"),
        "email": F.col("email"),
        "phone": F.col("phone"),
        "company": F.col("company"),
        "country": F.col("country"),
        "external_ids": F.coalesce("external_ids", nothing),
        "traits": F.coalesce("traits", nothing),
        "deleted": F.coalesce("deleted", F.lit(False)),
        "identity_keys": F.col("identity_keys"),
    }
    hashed = columns | {name: sorted_map(columns[name]) for name in ("external_ids", "traits")}
    return rows.select(
        *[column.alias(name) for name, column in columns.items()], content_hash(hashed).alias("content_hash")
    )


def _deleted(said: DataFrame) -> DataFrame:
    """Whether each lead is gone (tenant, lead_id, deleted), by the source that spoke of it last.

    A source whose rows were merged there still holds one of them: the lead is gone only if all its keys are.
    """
    word = F.when(F.col("name") == "deleted", F.struct("stated_at", "occurred_at", "trait_id", "value"))
    by_key = said.groupBy("tenant", "lead_id", "source", "identity_key").agg(F.max(word).alias("word"))
    by_source = by_key.groupBy("tenant", "lead_id", "source").agg(
        F.bool_and(F.coalesce(F.col("word.value") == "true", F.lit(False))).alias("gone"),
        F.max("word.stated_at").alias("stated_at"),
    )
    told = by_source.where(F.col("stated_at").isNotNull()).groupBy("tenant", "lead_id")
    return told.agg(F.max_by("gone", F.struct("stated_at", "source")).alias("deleted"))


def _latest(name: str) -> Column:
    return F.max(F.when(F.col("name") == name, F.col("value"))).alias(name)

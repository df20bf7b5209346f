"""Absence: what a full export no longer holds is gone at its source, which is a fact like any other.

The rows of a source with ``delivery: full`` are told apart by their key. Presence is stated as the trait ``deleted``.
"""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.hashing import content_hash, identifier
from leadhouse.transforms.knowledge import batch_order

DELETED = "deleted"
"""Name of the trait that says whether a lead is gone at its source."""

_EXPORT = ("received_at", "origin", "partition")
_ENTITY = ["tenant", "entity_key"]


def exports(items: DataFrame, unnamed: Column) -> DataFrame:
    """Return the exports that a batch's items come from, one row each.

    In: items of one source (keyed, good and bad); ``unnamed`` is true for one whose key can't be told.
    Out: received_at, origin, partition, records BIGINT, unnamed BIGINT. The one that sorts last is the newest.
    """
    return items.groupBy(*_EXPORT).agg(
        F.count_distinct("record_id").alias("records"), F.count_if(unnamed).alias("unnamed")
    )


def entities(items: DataFrame, gone: Column) -> DataFrame:
    """Return the rows that an export holds, each key once: tenant, entity_key, identity_key, record_id, item, gone.

    In: keyed items of one export; ``gone`` is true where a row says itself that its lead is deleted.
    """
    last = F.max(F.struct("position", "item", "identity_key", "record_id", gone.alias("gone"))).alias("last")
    named = items.groupBy(*_ENTITY).agg(last)
    return named.select(*_ENTITY, "last.identity_key", "last.record_id", "last.item", "last.gone")


def standing_entities(history: DataFrame, traits: DataFrame | None) -> DataFrame:
    """Return the rows that a source's exports held so far: tenant, entity_key, identity_key, record_id, item, gone.

    In: rows of silver.items of that source, and its rows of silver.traits (None: there are none). ``gone`` says whether
    the lead counts as deleted by that source.
    """
    order = ("known_at", *batch_order("batch"), "arrival", "item", "identity_key", "record_id")
    known = history.where(F.col("identity_key").isNotNull()).groupBy(*_ENTITY)
    rows = known.agg(F.max(F.struct(*order)).alias("last")).select(
        *_ENTITY, "last.identity_key", "last.record_id", "last.item"
    )
    if traits is None:
        return rows.withColumn("gone", F.lit(False))
    latest = F.max(F.struct("stated_at", "known_at", *batch_order("batch"), "trait_id", "value")).alias("last")
    marked = traits.where(F.col("name") == DELETED).groupBy("tenant", "identity_key").agg(latest)
    gone = marked.select("tenant", "identity_key", (F.col("last.value") == "true").alias("gone"))
    return rows.join(gone, ["tenant", "identity_key"], "left").select(
        *rows.columns, F.coalesce("gone", F.lit(False)).alias("gone")
    )


def presence_changes(
    present: DataFrame, standing: DataFrame, *, whole: bool, source: str, received_at: datetime, batch: str
) -> DataFrame:
    """Return what an export says by what it holds and what it lacks, in the columns of silver.traits.

    In: ``entities`` of the export and ``standing_entities``. A row that stood and isn't there makes its lead deleted,
    if the export was read ``whole``; one that is there again takes that back. Each fact names the record that last
    told of the row.
    """
    here = present.select("tenant", "identity_key").distinct()
    gone = standing.where(~F.col("gone")).join(present.select(*_ENTITY), _ENTITY, "left_anti")
    gone = gone.join(here, ["tenant", "identity_key"], "left_anti").withColumn("value", F.lit("true"))
    marked = standing.where("gone").select(*_ENTITY)
    back = present.where(~F.col("gone")).join(marked, _ENTITY, "left_semi").withColumn("value", F.lit("false"))
    changed = back.unionByName(gone) if whole else back
    moment = F.lit(received_at)
    columns = {
        "tenant": F.col("tenant"),
        "source": F.lit(source),
        "identity_key": F.col("identity_key"),
        "name": F.lit(DELETED),
        "value": F.col("value"),
    }
    return changed.dropDuplicates(["tenant", "identity_key"]).select(
        "tenant",
        identifier(*columns.values(), moment, moment).alias("trait_id"),
        *[column.alias(name) for name, column in columns.items() if name != "tenant"],
        moment.alias("occurred_at"),
        moment.alias("stated_at"),
        moment.alias("known_at"),
        "record_id",
        "item",
        F.lit(batch).alias("batch"),
        content_hash(columns).alias("content_hash"),
    )

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
    Out: received_at, origin, partition, records BIGINT, unnamed BIGINT, known_at. The one that sorts last is newest.
    """
    return items.groupBy(*_EXPORT).agg(
        F.count_distinct("record_id").alias("records"),
        F.count_if(unnamed).alias("unnamed"),
        F.max("known_at").alias("known_at"),
    )


def entities(items: DataFrame, gone: Column) -> DataFrame:
    """Return the rows that an export holds, each key once: tenant, entity_key, identity_key, record_id, item, gone.

    In: keyed items of one export; ``gone`` is true where a row says itself that its lead is deleted.
    """
    last = F.max(F.struct("position", "item", "identity_key", "record_id", gone.alias("gone"))).alias("last")
    named = items.groupBy(*_ENTITY).agg(last)
    return named.select(*_ENTITY, "last.identity_key", "last.record_id", "last.item", "last.gone")


def standing_entities(history: DataFrame | None, traits: DataFrame | None, earlier: DataFrame) -> DataFrame:
    """Return the rows that a source's exports held so far: tenant, entity_key, identity_key, record_id, item, gone.

    In: rows of silver.items of that source, its rows of silver.traits (None: there are none), and ``entities`` of older
    exports of the same batch. ``gone`` says whether the lead counts as deleted by that source.
    """
    columns = [*_ENTITY, "identity_key", "record_id", "item"]
    rows = earlier.where(F.col("identity_key").isNotNull()).select(*columns)
    if history is not None:
        order = ("known_at", *batch_order("batch"), "arrival", "item", "identity_key", "record_id")
        known = history.where(F.col("identity_key").isNotNull()).groupBy(*_ENTITY)
        last = known.agg(F.max(F.struct(*order)).alias("last"))
        stood = last.select(*_ENTITY, "last.identity_key", "last.record_id", "last.item")
        rows = stood.unionByName(rows.join(stood.select(*_ENTITY), _ENTITY, "left_anti"))
    if traits is None:
        return rows.withColumn("gone", F.lit(False))
    latest = F.max(F.struct("stated_at", "known_at", *batch_order("batch"), "trait_id", "value")).alias("last")
    marked = traits.where(F.col("name") == DELETED).groupBy("tenant", "identity_key").agg(latest)
    gone = marked.select("tenant", "identity_key", (F.col("last.value") == "true").alias("gone"))
    return rows.join(gone, ["tenant", "identity_key"], "left").select(
        *columns, F.coalesce("gone", F.lit(False)).alias("gone")
    )


def presence_changes(
    present: DataFrame,
    standing: DataFrame,
    *,
    whole: bool,
    source: str,
    received_at: datetime,
    known_at: datetime,
    batch: str,
) -> DataFrame:
    """Return what an export says by what it holds and what it lacks, in the columns of silver.traits.

    In: ``entities`` of the export, ``standing_entities``, and when the export was received and known to us. A row that
    stood and isn't there makes its lead deleted, if the export was read ``whole``; one that is there again takes that
    back. Each fact names the record that last told of the row.
    """
    here = present.where(F.col("identity_key").isNotNull()).select("tenant", "identity_key").distinct()
    gone = standing.where(~F.col("gone")).join(present.select(*_ENTITY), _ENTITY, "left_anti")
    gone = gone.join(here, ["tenant", "identity_key"], "left_anti").withColumn("value", F.lit("true"))
    # What made a row's lead deleted was said under the key that it had then: that is where it is taken back.
    marked = standing.where("gone").select(*_ENTITY, "identity_key", "gone")
    back = present.where(~F.col("gone")).drop("identity_key", "gone").join(marked, _ENTITY)
    back = back.withColumn("value", F.lit("false"))
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
        F.lit(known_at).alias("known_at"),
        "record_id",
        "item",
        F.lit(batch).alias("batch"),
        content_hash(columns).alias("content_hash"),
    )

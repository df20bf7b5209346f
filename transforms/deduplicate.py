"""Which items are new and which repeat one that is known."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.kept_columns import kept_columns
from leadhouse.transforms.knowledge import batch_order

_ITEM = ("tenant", "source", "record_id", "item", "item_key", "entity_key", "identity_key")
_ARRIVAL = ("received_at", "origin", "partition", "position", "item")


def item_statuses(
    items: DataFrame, history: DataFrame | None, *, by_order: bool, one_key: bool = False, few: bool = False
) -> DataFrame:
    """Say of each item whether it is accepted or a duplicate.

    ``items`` has tenant, source, record_id, item, three keys, known_at and the columns of arrival; ``history`` those of
    silver.items, of the sources that share the key (None: there is none yet). An item whose item_key has been accepted
    is a duplicate; ``one_key`` says that item_key and entity_key are the same, ``few`` that a task can hold all items.
    With ``by_order`` (exports whose rows don't say when they changed) it is one only if the entity's previous item said
    the same: A, B, A are three statements.
    Returns tenant, source, record_id, item, item_key, entity_key, identity_key, arrival, status, known_at.
    """
    narrow = items.select(*_ITEM, "known_at", *[column for column in _ARRIVAL if column not in _ITEM])
    numbered = narrow.withColumn("arrival", _place("tenant", "entity_key"))
    if by_order:
        known = _with_last_key(numbered, history, few)
        by_entity = Window.partitionBy("tenant", "entity_key").orderBy(*_ARRIVAL)
        before = F.coalesce(F.lag("item_key").over(by_entity), F.col("last_key"))
        repeats = F.col("item_key").eqNullSafe(before)
    else:
        known = _with_seen(numbered, history, few)
        # The same item twice in this batch: where it differs from others of its entity, it is counted by itself.
        nth = F.col("arrival") if one_key else _place("tenant", "entity_key", "item_key")
        known = known.withColumn("nth", nth)
        repeats = (F.col("nth") > 1) | F.col("seen").isNotNull()
    return known.select(
        *_ITEM,
        "arrival",
        F.when(repeats, "duplicate").otherwise("accepted").alias("status"),
        "known_at",
    )


@kept_columns
def _place(*keys: str) -> Column:
    """An item's place, from 1, among those with the same keys, in the order of their arrival."""
    return F.row_number().over(Window.partitionBy(*keys).orderBy(*_ARRIVAL))


def _with_last_key(items: DataFrame, history: DataFrame | None, few: bool) -> DataFrame:
    if history is None:
        return items.withColumn("last_key", F.lit(None).cast("string"))
    latest = F.max_by("item_key", F.struct("known_at", *batch_order("batch"), "arrival")).alias("last_key")
    key = ("tenant", "entity_key")
    accepted = _accepted(history, items, key, few).groupBy(*key).agg(latest)
    return items.join(F.broadcast(accepted) if few else accepted, [*key], "left")


def _with_seen(items: DataFrame, history: DataFrame | None, few: bool) -> DataFrame:
    if history is None:
        return items.withColumn("seen", F.lit(None).cast("boolean"))
    key = ("tenant", "entity_key", "item_key")
    seen = _accepted(history, items, key, few).select(*key, F.lit(True).alias("seen")).distinct()
    return items.join(F.broadcast(seen) if few else seen, [*key], "left")


def _accepted(history: DataFrame, items: DataFrame, key: Sequence[str], few: bool) -> DataFrame:
    """The accepted items that items are compared with; of few, only those with a key of theirs."""
    accepted = history.where(F.col("status") == "accepted")
    return known_of(accepted, items, key) if few else accepted


def known_of(known: DataFrame, new: DataFrame, keys: Sequence[str]) -> DataFrame:
    """Return the known rows whose keys are among those of a few new ones.

    What is joined with them is then planned for few rows, however much is known: Spark reads the known ones through,
    but neither sorts nor moves them.
    """
    return known.join(F.broadcast(new.select(*keys)), [*keys], "left_semi").select(*known.columns)


def unknown_facts(facts: DataFrame, known: DataFrame | None, fact_id: str) -> DataFrame:
    """Return the facts whose id is not among the ``known``, the table's rows (None: nothing yet)."""
    if known is None:
        return facts
    return facts.join(known.select("tenant", fact_id), ["tenant", fact_id], "left_anti").select(*facts.columns)


def new_facts(facts: DataFrame, known: DataFrame | None, fact_id: str) -> DataFrame:
    """Return the facts whose id is not known yet, each id once: the first by (known_at, record_id, item)."""
    first = Window.partitionBy("tenant", fact_id).orderBy("known_at", "record_id", "item")
    once = facts.withColumn("nth", F.row_number().over(first)).where(F.col("nth") == 1).select(*facts.columns)
    return unknown_facts(once, known, fact_id)

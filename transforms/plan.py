"""The plan: what a destination must be told so that it knows what the lists say now, and nothing that it knows."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.hashing import identifier, keyed_hash, sorted_map
from leadhouse.transforms.knowledge import batch_order

ENTER, CHANGE, LEAVE, UNCHANGED = "enter", "change", "leave", "unchanged"
ACCEPTED, SHADOW = "accepted", "shadow"

_CONTENT = ("external_ids", "email", "phone", "company", "country", "score", "grade", "reasons")
"""What is news for a destination. Rank, tick and decision come along, but a lead isn't sent again for them alone: one
newcomer moves everybody's rank."""
_ENTRY = ("tenant", "list", "lead_id", "decision_id", "tick", "channel", "purpose", "rank")


def list_entries(lists: DataFrame, leads: DataFrame, *, keys: Mapping[str, bytes]) -> DataFrame:
    """Return what is to be known of every lead on a list: the contact points join here, at the send, and nowhere else.

    In: rows of gold.engagement_lists and silver.leads; per tenant the secret that keys its hashes.
    Out: tenant, list, lead_id, decision_id, tick, channel, purpose, rank, external_ids MAP, email, phone, company,
    country, score DOUBLE (4 decimals), grade, reasons ARRAY<STRING> (words), payload_hash (keyed, over what is news).
    """
    contact = leads.select("tenant", "lead_id", "external_ids", "email", "phone", "company", "country")
    entries = lists.join(contact, ["tenant", "lead_id"], "left").select(
        *_ENTRY,
        F.coalesce("external_ids", F.create_map().cast("map<string,string>")).alias("external_ids"),
        "email",
        "phone",
        "company",
        "country",
        F.round("score", 4).alias("score"),
        "grade",
        F.transform("reasons", lambda reason: reason["words"]).alias("reasons"),
    )
    news = {name: F.col(name) for name in _CONTENT} | {"external_ids": sorted_map(F.col("external_ids"))}
    payload = F.to_json(F.struct(*[column.alias(name) for name, column in news.items()]))
    return entries.select(
        *_ENTRY, *_CONTENT, _keyed(keys, F.col("list"), F.col("lead_id"), payload).alias("payload_hash")
    )


def known_entries(receipts: DataFrame, *, shadows: Mapping[str, bool]) -> DataFrame:
    """Return what each destination knows of each list entry, by its newest receipt that counts.

    In: rows of gold.receipts; the configured destinations, each with whether it is in shadow. For one in shadow the
    shadow receipts count, too; once it is live they don't, so that everything not really sent is sent then.
    Out: tenant, destination, list, lead_id, known_action, known_operation, known_hash STRING.
    """
    shadow = sorted(name for name, is_shadow in shadows.items() if is_shadow)
    counts = (F.col("status") == ACCEPTED) | ((F.col("status") == SHADOW) & F.col("destination").isin(shadow))
    newest = F.struct("sent_at", *batch_order("batch"), "action_id", "operation", "payload_hash")
    return (
        receipts.where(F.col("destination").isin(sorted(shadows)) & counts)
        .groupBy("tenant", "destination", "list", "lead_id")
        .agg(F.max(newest).alias("last"))
        .select(
            "tenant",
            "destination",
            "list",
            "lead_id",
            F.col("last.action_id").alias("known_action"),
            F.col("last.operation").alias("known_operation"),
            F.col("last.payload_hash").alias("known_hash"),
        )
    )


def changes(
    entries: DataFrame,
    known: DataFrame,
    *,
    destinations: Mapping[str, tuple[str, ...]],
    keys: Mapping[str, bytes],
) -> DataFrame:
    """Compare what the lists say with what the destinations know.

    In: the results of ``list_entries`` and ``known_entries``; each destination's lists, empty for all; the keys.
    Out: tenant, destination, list, lead_id, decision_id, operation (enter, change, leave or unchanged), payload_hash,
    action_id STRING. An action's id covers the action before it on the same entry: told again it is the same action,
    while a lead that leaves and comes back the same is another one.
    """
    wanted = entries.select(
        "tenant", "list", "lead_id", "decision_id", "payload_hash", F.explode(_goes_to(destinations))
    )
    wanted = wanted.withColumnRenamed("col", "destination")
    both = wanted.join(known, ["tenant", "destination", "list", "lead_id"], "full")
    there = F.coalesce(F.col("known_operation") != LEAVE, F.lit(False))
    operation = (
        F.when(F.col("payload_hash").isNull(), F.when(there, LEAVE))
        .when(~there, ENTER)
        .when(F.col("payload_hash") != F.col("known_hash"), CHANGE)
        .otherwise(UNCHANGED)
    )
    gone = _keyed(keys, F.col("list"), F.col("lead_id"), F.lit(LEAVE))
    compared = (
        both.withColumn("operation", operation)
        .where(F.col("operation").isNotNull())
        .withColumn("payload_hash", F.coalesce("payload_hash", gone))
    )
    names = ("tenant", "destination", "list", "lead_id", "operation", "payload_hash", "known_action")
    return compared.select(
        "tenant",
        "destination",
        "list",
        "lead_id",
        "decision_id",
        "operation",
        "payload_hash",
        identifier(*[F.col(name) for name in names]).alias("action_id"),
    )


def collapsed(compared: DataFrame, *, allowed: tuple[str, ...]) -> DataFrame:
    """Return the lists that a destination would see emptied: tenant, destination, list, leaving BIGINT.

    In: the result of ``changes``; the lists that a person has allowed to become empty.
    """
    left = F.count_if(F.col("operation") == LEAVE)
    return (
        compared.where(~F.col("list").isin(list(allowed)))
        .groupBy("tenant", "destination", "list")
        .agg(left.alias("leaving"), F.count("*").alias("entries"))
        .where(F.col("leaving") == F.col("entries"))
        .select("tenant", "destination", "list", "leaving")
    )


def planned_actions(compared: DataFrame, held: DataFrame, decisions: DataFrame) -> DataFrame:
    """Return the actions of a plan: the changes, less those on held lists.

    In: the results of ``changes`` and ``collapsed``; rows of gold.decisions, whose newest of a lead says why it left.
    Out: the columns of ``changes``.
    """
    told = compared.where(F.col("operation") != UNCHANGED).join(held, ["tenant", "destination", "list"], "left_anti")
    newest = F.max_by("decision_id", F.struct("tick", *batch_order("batch")))
    latest = decisions.groupBy("tenant", "lead_id").agg(newest.alias("_latest"))
    return told.join(latest, ["tenant", "lead_id"], "left").select(
        "tenant",
        "destination",
        "list",
        "lead_id",
        F.coalesce("decision_id", "_latest").alias("decision_id"),
        "operation",
        "payload_hash",
        "action_id",
    )


def outbox(actions: DataFrame, *, plan_id: str, planned_at: Column, batch: str) -> DataFrame:
    """Return a plan's actions in the columns of gold.outbox."""
    return actions.select(
        "tenant",
        "action_id",
        F.lit(plan_id).alias("plan_id"),
        "destination",
        "list",
        "lead_id",
        "decision_id",
        "operation",
        "payload_hash",
        planned_at.alias("planned_at"),
        F.lit(batch).alias("batch"),
    )


def messages(actions: DataFrame, entries: DataFrame, leads: DataFrame) -> DataFrame:
    """Return what is said with each action: the columns of ``changes`` and those of ``list_entries``.

    Of a lead that leaves nothing is said but its ids: the source's own, so that the destination finds it.
    """
    said = entries.select("tenant", "list", "lead_id", "tick", "channel", "purpose", "rank", *_CONTENT)
    ids = leads.select("tenant", "lead_id", F.col("external_ids").alias("_ids"))
    told = actions.join(said, ["tenant", "list", "lead_id"], "left").join(ids, ["tenant", "lead_id"], "left")
    return told.withColumn("external_ids", F.coalesce("external_ids", "_ids")).drop("_ids")


def _goes_to(destinations: Mapping[str, tuple[str, ...]]) -> Column:
    """The destinations of a row's list, as an array."""
    names = [
        F.when(F.col("list").isin(list(lists)) if lists else F.lit(True), F.lit(name))
        for name, lists in sorted(destinations.items())
    ]
    return F.array_compact(F.array(*names).cast("array<string>"))


def _keyed(keys: Mapping[str, bytes], *parts: Column) -> Column:
    """A keyed hash under the key of the row's tenant."""
    hashed = F.lit(None).cast("string")
    for tenant, key in sorted(keys.items()):
        hashed = F.when(F.col("tenant") == tenant, keyed_hash(key, *parts)).otherwise(hashed)
    return hashed

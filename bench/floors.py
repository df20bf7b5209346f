"""The bare Spark jobs: the same reads and writes as ingest (of files, of a topic) and refine, and nothing else.

They write the columns of the same tables, with ids made by the same hashes, into the tables of a lake of their own.
They leave out: the list of files and their fingerprints, byte positions, the intent and outcome of a batch, lineage,
checkpoints, the quality gate, deduplication (repeats are written as if they were new), the reading of what is known
already, and all reasons but an item's first.
"""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.bench.workload import SOURCE, TENANT, TYPES, Workload
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.ingest import OF_MESSAGES
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.transforms.hashing import content_hash, identifier, keyed_hash
from leadhouse.transforms.record_id import record_id

BATCH = "floor"
_SCHEMA = (
    "event_id STRING, type STRING, anonymous_id STRING, occurred_at STRING, page STRUCT<url: STRING, seconds: DOUBLE>, "
    "campaign STRUCT<name: STRING>, client STRUCT<agent: STRING>, _corrupt STRING"
)


def ingest_floor(spark: SparkSession, workload: Workload, lake: Lake, received_at: datetime) -> None:
    """Read the files as text and write bronze.records. The position is a running number instead of the byte."""
    lines = spark.read.text(str(workload.landing / "web"))
    rows = lines.select(
        F.lit(TENANT).alias("tenant"),
        F.lit(SOURCE).alias("source"),
        F.col("_metadata.file_name").alias("origin"),
        F.lit(1).alias("partition"),
        F.monotonically_increasing_id().alias("position"),
        F.col("value").cast("binary").alias("raw"),
        F.lit(None).cast("string").alias("header_id"),
        F.lit(received_at).alias("received_at"),
        *[F.lit(None).cast(kind).alias(name) for name, kind in OF_MESSAGES.items()],
    )
    _append(lake, "bronze.records", rows.select("*", record_id()))


def topic_floor(spark: SparkSession, address: str, topic: str, lake: Lake, received_at: datetime) -> None:
    """Read a topic from its first message to its last and write bronze.records."""
    rows = messages(spark, address, topic).select(
        F.lit(TENANT).alias("tenant"),
        F.lit(SOURCE).alias("source"),
        F.col("topic").alias("origin"),
        F.col("partition"),
        F.col("offset").alias("position"),
        F.col("value").alias("raw"),
        F.lit(None).cast("string").alias("header_id"),
        F.lit(received_at).alias("received_at"),
        F.col("key").alias("message_key"),
        F.col("headers").alias("message_headers"),
        F.col("timestamp").alias("message_time"),
    )
    _append(lake, "bronze.records", rows.select("*", record_id()))


def messages(spark: SparkSession, address: str, topic: str) -> DataFrame:
    """Return what a topic of a broker holds, with Spark's own columns of a Kafka source."""
    return (
        spark.read.format("kafka")
        .option("kafka.bootstrap.servers", address)
        .option("subscribe", topic)
        .option("includeHeaders", "true")
        .load()
    )


def refine_floor(spark: SparkSession, bronze: Lake, lake: Lake, key: bytes) -> None:
    """Parse bronze with a schema, split by the contract's rules, and write the facts and what was refused."""
    parsed = _parsed(bronze.read(spark, "bronze.records"), key).persist()
    good = parsed.where(F.col("failure").isNull())
    _append(lake, "silver.quarantine", _refused(parsed.where(F.col("failure").isNotNull())))
    _append(lake, "silver.items", _items(good))
    _append(lake, "silver.signals", _signals(good))
    links = _links(good).persist()
    _append(lake, "silver.identities", _identities(links))
    _append(lake, "silver.identity_links", links)
    links.unpersist()
    parsed.unpersist()


def _parsed(records: DataFrame, key: bytes) -> DataFrame:
    row = F.from_json(F.col("raw").cast("string"), _SCHEMA, {"columnNameOfCorruptRecord": "_corrupt"})
    read = records.select("tenant", "source", "record_id", "received_at", row.alias("row")).select(
        "tenant", "source", "record_id", "received_at", "row.*"
    )
    timed = read.withColumn("occurred_at", F.col("occurred_at").try_cast("timestamp"))
    keyed = timed.withColumn("failure", _first_failure())
    return keyed.select(
        "tenant",
        "source",
        "record_id",
        "received_at",
        "type",
        "occurred_at",
        F.col("campaign.name").alias("campaign"),
        "failure",
        keyed_hash(key, F.lit(SOURCE), F.col("event_id")).alias("item_key"),
        keyed_hash(key, F.lit("web"), F.lit("anonymous_id"), F.trim("anonymous_id")).alias("identity_key"),
    )


def _first_failure() -> Column:
    """The first rule that an event breaks, as (rule, column, message); null if none."""

    def failure(rule: str, column: str | None, message: str) -> Column:
        return F.struct(
            F.lit(rule).alias("rule"), F.lit(column).cast("string").alias("column"), F.lit(message).alias("message")
        )

    return (
        F.when(F.col("_corrupt").isNotNull(), failure("record", None, "expected an object; got something else"))
        .when(F.col("event_id").isNull(), failure("required", "event_id", "expected a value; got none"))
        .when(~F.coalesce(F.col("type").isin(*TYPES), F.lit(False)), failure("valid_values", "type", "expected a type"))
        .when(F.col("anonymous_id").isNull(), failure("required", "anonymous_id", "expected a value; got none"))
        .when(F.col("occurred_at").isNull(), failure("type", "occurred_at", "expected a timestamp"))
        .when(F.col("page.seconds") < 0, failure("minimum", "seconds", "expected at least 0"))
        .when(F.length("page.url") > 2000, failure("max_length", "url", "expected at most 2000 characters"))
    )


def _refused(bad: DataFrame) -> DataFrame:
    return bad.select(
        "tenant", "source", "record_id", F.lit(0).alias("item"), "failure.*", F.array("failure").alias("failures"),
        F.lit("1.0.0").alias("contract_version"), F.lit("0" * 64).alias("contract_hash"), "received_at",
    )  # fmt: skip


def _items(good: DataFrame) -> DataFrame:
    return good.select(
        "tenant", "source", "record_id", F.lit(0).alias("item"), "item_key", F.col("item_key").alias("entity_key"),
        "identity_key", F.lit(1).alias("arrival"), F.lit("accepted").alias("status"),
        F.col("received_at").alias("known_at"),
    )  # fmt: skip


def _signals(good: DataFrame) -> DataFrame:
    business = ("tenant", "signal_id", "source", "identity_key", "signal_type", "channel", "campaign", "occurred_at")
    rows = good.select(
        "tenant", F.col("item_key").alias("signal_id"), "source", "identity_key", F.col("type").alias("signal_type"),
        F.lit("web").alias("channel"), "campaign", "occurred_at", F.col("received_at").alias("known_at"), "record_id",
        F.lit(0).alias("item"),
    )  # fmt: skip
    return rows.withColumn("content_hash", content_hash({name: F.col(name) for name in business}))


def _links(good: DataFrame) -> DataFrame:
    """One link a visitor: the table holds each pair of keys once."""
    moment = F.min(F.struct("received_at", "occurred_at", "record_id")).alias("first")
    business = ("tenant", "source", "identity_key", "kind", "other_key", "other_kind", "creates_lead")
    key = F.col("identity_key")
    link_id = identifier(F.col("tenant"), F.col("source"), key, key, F.lit(False))
    rows = good.groupBy("tenant", "source", "identity_key").agg(moment).select(
        "tenant", link_id.alias("link_id"), "source", "identity_key", F.lit("anonymous_id").alias("kind"),
        key.alias("other_key"), F.lit("anonymous_id").alias("other_kind"), F.lit(False).alias("creates_lead"),
        F.col("first.occurred_at").alias("occurred_at"), F.col("first.received_at").alias("known_at"),
        F.col("first.record_id").alias("record_id"), F.lit(0).alias("item"),
    )  # fmt: skip
    return rows.withColumn("content_hash", content_hash({name: F.col(name) for name in business}))


def _identities(links: DataFrame) -> DataFrame:
    business = ("tenant", "identity_key", "kind", "lead_id", "is_lead", "shared")
    rows = links.select(
        "tenant", "identity_key", "kind", F.col("identity_key").alias("lead_id"), F.lit(False).alias("is_lead"),
        F.lit(False).alias("shared"), "known_at",
    )  # fmt: skip
    return rows.withColumn("content_hash", content_hash({name: F.col(name) for name in business}))


def _append(lake: Lake, table: str, rows: DataFrame) -> None:
    ended = rows.withColumn("batch", F.lit(BATCH))
    columns = [F.col(column.name) for column in table_specs()[table].columns]
    ended.select(*columns).write.format("delta").mode("append").save(lake.table_path(table))

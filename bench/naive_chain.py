"""What one writes without thinking of latency: a streaming query for each table, chained by the tables.

``python -m leadhouse.bench.naive_chain BROKER TOPIC FOLDER`` takes clicks from a topic until it is stopped.
"""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from delta.tables import DeltaTable as SparkTable
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.jobs.runtime.session import start_session

_SIGNAL = "id string, lead string, kind string, at timestamp"


def run(spark: SparkSession, address: str, topic: str, folder: Path) -> None:
    """Messages → bronze by appends → silver by MERGE on the id → a decision about each signal's lead, by appends."""
    bronze, silver, decisions = (str(folder / name) for name in ("bronze", "silver", "decisions"))
    empty = spark.createDataFrame
    empty([], "lead string, at timestamp, action string, batch bigint").write.format("delta").save(decisions)
    empty([], "value binary, partition int, offset bigint").write.format("delta").save(bronze)
    empty([], _SIGNAL).write.format("delta").save(silver)
    messages = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", address)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .load()
    )
    messages.select("value", "partition", "offset").writeStream.format("delta").option(
        "checkpointLocation", str(folder / "checkpoints" / "bronze")
    ).start(bronze)

    def to_silver(rows: DataFrame, number: int) -> None:
        signals = rows.select(F.from_json(F.col("value").cast("string"), _SIGNAL).alias("s")).select("s.*")
        new = signals.where("id is not null and lead is not null and at is not null").dropDuplicates(["id"])
        merge = SparkTable.forPath(rows.sparkSession, silver).alias("t").merge(new.alias("n"), "t.id = n.id")
        merge.whenNotMatchedInsertAll().execute()

    def to_decisions(rows: DataFrame, number: int) -> None:
        often = F.count("*").over(Window.partitionBy("lead")) >= 3
        decided = rows.select("lead", "at", F.when(often, "engage").otherwise("none").alias("action"))
        numbered = decided.withColumn(
            "batch", F.lit(number).cast("bigint")
        )  # Delta doesn't widen an int when it appends
        numbered.write.format("delta").mode("append").option("userMetadata", str(number)).save(decisions)

    for name, table, step in (("silver", bronze, to_silver), ("decisions", silver, to_decisions)):
        source = spark.readStream.format("delta").option("skipChangeCommits", "true").load(table)
        source.writeStream.foreachBatch(step).option("checkpointLocation", str(folder / "checkpoints" / name)).start()
    spark.streams.awaitAnyTermination()


def decided(folder: Path) -> list[tuple[datetime, datetime]]:
    """Return of each signal when it was due, and when a decision about its lead that knows of it was committed."""
    path = str(folder / "decisions")
    if not DeltaTable.is_deltatable(path):
        return []
    opened = DeltaTable(path)
    committed = {
        int(entry["userMetadata"]): datetime.fromtimestamp(entry["timestamp"] / 1000, UTC)
        for entry in opened.history()
        if "userMetadata" in entry
    }
    rows = opened.to_pyarrow_table(columns=["at", "batch"])
    return [
        (due, committed[batch])
        for due, batch in zip(rows["at"].to_pylist(), rows["batch"].to_pylist(), strict=True)
        if batch in committed
    ]


def main() -> int:
    """Run the chain on a session with the shipped settings until it is stopped."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    address, topic, folder = sys.argv[1:]
    run(start_session("naive chain"), address, topic, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())

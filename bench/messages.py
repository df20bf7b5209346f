"""Page views that a broker has: sent beforehand, then taken by ingest, and by the bare Spark job beside it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from leadhouse.bench.broker import running_broker
from leadhouse.bench.floors import topic_floor
from leadhouse.bench.measure import FLOOR, OURS, Stopwatch
from leadhouse.bench.workload import SOURCE, Workload, write_workspace
from leadhouse.conf.errors import LeadhouseError
from leadhouse.jobs import topics
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.opening import open_run
from leadhouse.jobs.runtime.runner import Report
from leadhouse.jobs.runtime.session import start_session
from leadhouse.jobs.runtime.taking import FETCHED

INGEST_TOPIC = "ingest from Kafka"
_PARTITIONS = 2
_PATIENCE_MS = "600000"
"""How long the producer waits for a broker that stands still; Kafka's own two minutes are short for a busy machine."""


@contextmanager
def sent_messages(work: Workload, folder: Path) -> Iterator[str]:
    """Start a broker, send it all lines of the workload's files, and yield its address."""
    with running_broker(folder / "broker") as address:
        _send(start_session("leadhouse"), work, address)
        yield address


def take_messages(work: Workload, address: str, folder: Path, watch: Stopwatch) -> None:
    """Time one run of ingest and of the bare job; what they wrote is removed afterwards."""
    write_workspace(folder / "workspace", address=address)
    with open_run(folder / "lake", folder / "workspace", holder="bench") as run:
        with watch.running(INGEST_TOPIC, OURS):
            report = topics.run(run)
        _check(report, work)
        bare = open_lake(folder / "bare")
        with watch.running(INGEST_TOPIC, FLOOR):
            topic_floor(run.spark, address, SOURCE, bare, datetime.now(UTC))
    shutil.rmtree(folder)


def _send(spark: SparkSession, work: Workload, address: str) -> None:
    _make_topic(spark, address)
    lines = spark.read.text(str(work.landing / "web"))
    to = {"kafka.bootstrap.servers": address, "topic": SOURCE, "kafka.delivery.timeout.ms": _PATIENCE_MS}
    lines.write.format("kafka").options(**to).save()


def _make_topic(spark: SparkSession, address: str) -> None:
    """Have the topic there before it is written to: a broker that makes it on the way may be slow to lead it."""
    jvm: Any = spark._jvm
    package = jvm.org.apache.kafka.clients.admin
    properties = jvm.java.util.Properties()
    properties.setProperty("bootstrap.servers", address)
    admin = package.AdminClient.create(properties)
    try:
        admin.createTopics([package.NewTopic(SOURCE, _PARTITIONS, 1)]).all().get()
    finally:
        admin.close()


def _check(report: Report, work: Workload) -> None:
    fetched = sum(count.rows for count in report.counts if count.measure == FETCHED)
    if fetched != work.events:
        raise LeadhouseError(f"bench: expected {work.events} messages; got {fetched}; look at jobs/topics.py")

"""What a broker and its producers may do to a run: fail, stand still, come back, send too much or what is too large."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from pyspark.sql import DataFrame, SparkSession

from leadhouse.conf.errors import TransientError
from leadhouse.expectations.contract import Location
from leadhouse.jobs import topics
from leadhouse.jobs.runtime.broker import read_messages
from leadhouse.jobs.runtime.place import find_place
from tests.faults.streams import a_workspace, click, from_files, from_topic, land, listed
from tests.jobs.following import Followed
from tests.jobs.kafka import Broker, Topic
from tests.jobs.small_company import rows_of, run_company

BURST = int(os.environ.get("LEADHOUSE_BURST", "18000"))
"""Messages of a burst; ``make burst`` sends a million."""
POISON = b'{"id": "poison", "more": "' + b"x" * 50_000_000 + b'"}'


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    made = Broker(tmp_path_factory.mktemp("broker"))
    yield made
    made.close()


@pytest.fixture
def topic(spark: SparkSession, broker: Broker, request: pytest.FixtureRequest) -> Iterator[Topic]:
    made = Topic(spark, broker.address, f"topic-{abs(hash(request.node.name))}")
    yield made
    made.close()


def test_a_broker_that_was_gone_only_while_it_was_read_is_read_again(
    topic: Topic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, lake = a_workspace(tmp_path / "workspace"), tmp_path / "lake"
    from_topic(workspace, "stream", topic.address, topic.name)
    topic.send(click(1))

    def read_elsewhere(spark: SparkSession, location: Location, *spans: Any) -> DataFrame:
        monkeypatch.undo()
        assert location.subscription is not None
        gone = replace(location.subscription, brokers="127.0.0.1:1")
        return read_messages(spark, replace(location, subscription=gone), *spans)

    monkeypatch.setattr(topics, "read_messages", read_elsewhere)
    with pytest.raises(TransientError, match="expected the broker to answer until all messages were read"):
        run_company(lake, workspace, None, "ingest")
    assert run_company(lake, workspace, None, "ingest")[0] == 0
    assert [row["raw"] for row in rows_of(lake, "bronze.records")] == [click(1)]


def test_a_record_of_50_mb_is_refused_and_the_rest_goes_on(topic: Topic, tmp_path: Path) -> None:
    workspace, landing, lake = a_workspace(tmp_path / "workspace"), tmp_path / "landing", tmp_path / "lake"
    from_topic(workspace, "stream", topic.address, topic.name)
    from_files(workspace, "files")
    topic.send(click(1), POISON, click(2))
    land(landing, "files/a", click(3), POISON, click(4))
    code, shown = run_company(lake, workspace, landing)
    assert code == 0, shown
    sizes = sorted(len(row["raw"]) for row in rows_of(lake, "bronze.records"))
    assert sizes == [len(click(1))] * 4 + [len(POISON)] * 2, "bronze takes every byte"
    refused = {(row["source"], row["rule"], row["message"]) for row in rows_of(lake, "silver.quarantine")}
    reason = ("record_size", f"expected at most 1000000 bytes; got {len(POISON)}")
    assert refused == {("stream", *reason), ("files", *reason)}
    assert listed(lake) == 4


def test_a_burst_is_taken_in_bounded_batches_until_nothing_is_left(
    spark: SparkSession, topic: Topic, tmp_path: Path
) -> None:
    workspace, lake, most = a_workspace(tmp_path / "workspace"), tmp_path / "lake", BURST // 3
    beside = Topic(spark, topic.address, f"{topic.name}-beside")
    from_topic(workspace, "stream", topic.address, topic.name, f"maxOffsetsPerTrigger, value: {most}")
    from_topic(workspace, "beside", topic.address, beside.name)
    said = click(0).decode().replace('"c0"', '"c%1$d"').replace('"p0"', '"p%1$d"')
    messages = spark.range(1, BURST + 1).selectExpr(f"format_string('{said}', id) AS value")
    to = {"kafka.bootstrap.servers": topic.address, "topic": topic.name}
    messages.write.format("kafka").options(**to).save()
    beside.send(click(0))
    beside.close()
    for job in ("ingest", "refine"):
        assert run_company(lake, workspace, None, job)[0] == 0
    records = find_place(lake).dataset("bronze.records").to_table(columns=["source", "batch"])
    counted = records.group_by(["source", "batch"]).aggregate([("batch", "count")]).to_pylist()
    batches = {(row["source"], row["batch"]): row["batch_count"] for row in counted}
    assert batches == {("stream", f"topics/1/{n}"): most for n in range(3)} | {("beside", "topics/1/0"): 1}
    items = find_place(lake).dataset("silver.items").to_table(columns=["status"])
    assert pc.value_counts(items["status"]).to_pylist() == [{"values": "accepted", "counts": BURST + 1}]
    assert "nothing new" in run_company(lake, workspace, None, "ingest")[1]


def test_a_broker_that_fails_or_stands_still_is_waited_for_and_said_once(
    broker: Broker, topic: Topic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, landing, lake = a_workspace(tmp_path / "workspace"), tmp_path / "landing", tmp_path / "lake"
    from_topic(workspace, "stream", broker.address, topic.name)
    from_files(workspace, "files")
    topic.send(click(1))
    land(landing, "files/a", click(2))
    followed = Followed(lake, workspace, landing, jobs=("ingest", "refine"))

    def fail_and_read(*arguments: Any) -> DataFrame:
        monkeypatch.undo()
        broker.fail()
        return read_messages(*arguments)

    def story() -> Iterator[None]:
        yield
        assert signals(lake) == 2
        topic.send(click(3))
        land(landing, "files/b", click(4))
        monkeypatch.setattr(topics, "read_messages", fail_and_read)  # between the listing and the reading
        yield
        assert signals(lake) == 3, "other sources go on"
        yield
        assert followed.said("expected the broker to answer") == 1
        broker.come_back()
        topic.send(click(5))
        yield
        assert signals(lake) == 5
        topic.send(click(6))
        land(landing, "files/c", click(7))
        broker.stand_still()
        yield
        assert signals(lake) == 6
        broker.go_on()
        yield
        assert signals(lake) == 7

    assert followed.follow(story()) == 0
    assert followed.said("expected the broker to answer") == 2
    assert sorted(str(row["raw"]) for row in rows_of(lake, "bronze.records")) == [str(click(n)) for n in range(1, 8)]


def signals(lake: Path) -> int:
    """How many facts there are."""
    return len(rows_of(lake, "silver.signals"))

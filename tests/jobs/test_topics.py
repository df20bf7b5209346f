"""Messages of a real broker: each offset is taken once, whatever happens to broker, topic and job."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from leadhouse.bench.broker import running_broker
from leadhouse.conf.errors import LostOffsetsError, TransientError
from leadhouse.jobs import topics
from leadhouse.jobs.doctor import examine
from leadhouse.jobs.runtime import faults
from leadhouse.jobs.runtime.finding import WRONG
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.opening import open_run
from leadhouse.jobs.runtime.runner import Report
from tests.jobs.kafka import Topic
from tests.jobs.small_company import rows_of

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: acme.clicks
name: {name}
version: 1.0.0
status: active
team: {{name: web}}
servers:
  - {{server: stream, type: kafka, host: "{address}", format: json}}
customProperties:
  - {{property: {by}, value: "{topic}"}}
  - {{property: signalType, value: click}}
{more}
schema:
  - name: clicks
    properties:
      - {{name: id, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 1}}
      - {{name: at, logicalType: timestamp, required: true, customProperties: [{{property: role, value: occurred_at}}]}}
      - name: person
        logicalType: string
        required: true
        classification: confidential
        customProperties: [{{property: role, value: external_id}}, {{property: namespace, value: crm}}]
"""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_broker(tmp_path_factory.mktemp("broker")) as address:
        yield address


@pytest.fixture
def topic(spark: SparkSession, broker: str, request: pytest.FixtureRequest) -> Iterator[Topic]:
    made = Topic(spark, broker, f"topic-{abs(hash(request.node.name))}", getattr(request, "param", 1))
    yield made
    made.close()


def click(number: int) -> bytes:
    return f'{{"id": "c{number}", "at": "2026-03-01T10:00:00Z", "person": "p{number}"}}'.encode()


def workspace(folder: Path, topic: Topic, *, by: str = "topic", name: str = "clicks", more: str = "") -> Path:
    (folder / "contracts").mkdir(parents=True, exist_ok=True)
    (folder / "lists").mkdir(exist_ok=True)
    (folder / "settings.toml").write_text('tenant = "acme"\n', encoding="utf-8")
    text = CONTRACT.format(address=topic.address, topic=topic.name, by=by, name=name, more=more)
    (folder / "contracts" / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")
    return folder


def take(folder: Path, **changes: Any) -> Report:
    """Run the job once over the lake and workspace in a folder."""
    with open_run(folder / "lake", folder / "workspace") as opened:
        run: Run = replace(opened, **changes)
        return topics.run(run)


def take_until(folder: Path, point: str, **changes: Any) -> None:
    """Run the job and stop it at a point."""
    os.environ[faults.VARIABLE] = f"{point}=raise"
    try:
        with pytest.raises(faults.InjectedFaultError):
            take(folder, **changes)
    finally:
        os.environ.pop(faults.VARIABLE, None)


def wrong(folder: Path) -> list[str]:
    """What the doctor finds wrong with the lake."""
    found = examine(folder / "lake")
    return [finding.line for findings in found.values() for finding in findings if finding.severity == WRONG]


def taken(folder: Path) -> list[tuple[int, int, bytes]]:
    rows = rows_of(folder / "lake", "bronze.records")
    return sorted((row["partition"], row["position"], row["raw"]) for row in rows)


def counts(report: Report) -> dict[str, int]:
    return {count.measure: count.rows for count in report.counts}


def test_each_message_is_taken_once_with_its_position_key_headers_and_time(topic: Topic, tmp_path: Path) -> None:
    workspace(tmp_path / "workspace", topic)
    topic.send(click(1), None, b"\xff not JSON", key=b"k")
    assert counts(take(tmp_path)) == {"fetched": 3}
    assert taken(tmp_path) == [(0, 0, click(1)), (0, 1, b""), (0, 2, b"\xff not JSON")]
    row = next(row for row in rows_of(tmp_path / "lake", "bronze.records") if row["position"] == 0)
    assert (row["origin"], row["message_key"], row["message_headers"]) == (topic.name, b"k", None)
    assert row["message_time"] is not None
    assert take(tmp_path).status == "unchanged"
    topic.send(click(2))
    assert counts(take(tmp_path)) == {"fetched": 1}
    assert [position for _, position, _ in taken(tmp_path)] == [0, 1, 2, 3]


@pytest.mark.parametrize("topic", [3], indirect=True)
def test_messages_of_several_partitions_make_one_batch(topic: Topic, tmp_path: Path) -> None:
    workspace(tmp_path / "workspace", topic)
    for number in range(3):
        topic.send(click(number), partition=number)
    report = take(tmp_path)
    assert (report.batches, counts(report)) == (1, {"fetched": 3})
    assert taken(tmp_path) == [(number, 0, click(number)) for number in range(3)]


def test_offsets_without_messages_are_counted_as_gaps(topic: Topic, tmp_path: Path) -> None:
    workspace(tmp_path / "workspace", topic)
    topic.send(click(1), transaction="commit")  # its mark takes an offset
    topic.send(click(2), click(3), transaction="abort")  # both are taken back, and the mark
    topic.send(click(4))
    assert counts(take(tmp_path)) == {"fetched": 2, "gaps": 4}
    assert [raw for _, _, raw in taken(tmp_path)] == [click(1), click(4)]


def test_a_limit_cuts_what_is_new_into_batches_that_leave_nothing_out(topic: Topic, tmp_path: Path) -> None:
    workspace(tmp_path / "workspace", topic, more="  - {property: maxOffsetsPerTrigger, value: 3}")
    topic.send(*[click(number) for number in range(8)])
    report = take(tmp_path)
    assert (report.batches, counts(report)) == (3, {"fetched": 8})
    assert [raw for _, _, raw in taken(tmp_path)] == [click(number) for number in range(8)]


def test_a_topic_begun_at_its_end_takes_only_what_comes_later(topic: Topic, tmp_path: Path) -> None:
    workspace(tmp_path / "workspace", topic, more="  - {property: startingOffsets, value: latest}")
    topic.send(click(1))
    take(tmp_path)
    topic.send(click(2))
    take(tmp_path)
    assert taken(tmp_path) == [(0, 1, click(2))]


def test_a_pattern_takes_topics_that_are_made_later(spark: SparkSession, topic: Topic, tmp_path: Path) -> None:
    workspace(tmp_path / "workspace", topic, by="topicPattern", more="")
    text = tmp_path / "workspace" / "contracts" / "clicks.odcs.yaml"
    text.write_text(text.read_text().replace(f'value: "{topic.name}"', f'value: "{topic.name}.*"'))
    topic.send(click(1))
    take(tmp_path)
    other = Topic(spark, topic.address, f"{topic.name}-later", partitions=2)
    other.send(click(2), partition=1)
    take(tmp_path)
    other.close()
    origins = {(row["origin"], row["partition"]) for row in rows_of(tmp_path / "lake", "bronze.records")}
    assert origins == {(topic.name, 0), (other.name, 1)}


def test_messages_that_were_removed_before_they_were_taken_stop_the_job_until_a_person_lets_them_go(
    topic: Topic, tmp_path: Path
) -> None:
    workspace(tmp_path / "workspace", topic)
    topic.send(click(1))
    take(tmp_path)
    topic.send(*[click(number) for number in range(2, 6)])
    topic.remove_before(3)
    with pytest.raises(LostOffsetsError, match=r"go on at offset 1.*begins at 3: 2 offsets.*--accept-loss"):
        take(tmp_path)
    assert len(taken(tmp_path)) == 1
    assert counts(take(tmp_path, accept_loss=(topic.name,))) == {"fetched": 2, "lost": 2}
    assert [position for _, position, _ in taken(tmp_path)] == [0, 3, 4]
    assert take(tmp_path).status == "unchanged"


def test_messages_that_were_removed_after_they_were_listed_stop_the_job_too(topic: Topic, tmp_path: Path) -> None:
    workspace(tmp_path / "workspace", topic)
    topic.send(*[click(number) for number in range(4)])
    take_until(tmp_path, "topics:before-intent")
    topic.remove_before(1)
    with pytest.raises(LostOffsetsError, match=r"offsets 0 to 4 as they were listed"):
        take(tmp_path)
    take_until(tmp_path, "topics:marked", accept_loss=(topic.name,))
    topic.remove_before(2)  # more of them, while nothing was taken yet
    assert counts(take(tmp_path, accept_loss=(topic.name,))) == {"fetched": 2, "lost": 2}
    assert [position for _, position, _ in taken(tmp_path)] == [2, 3]
    topic.send(click(9))
    assert counts(take(tmp_path)) == {"fetched": 1}
    assert wrong(tmp_path) == []


def test_a_topic_made_anew_stops_the_job_and_its_offsets_are_other_records(topic: Topic, tmp_path: Path) -> None:
    workspace(tmp_path / "workspace", topic)
    topic.send(click(1))
    take(tmp_path)
    topic.delete()
    with pytest.raises(LostOffsetsError, match="the broker has none of that name"):
        take(tmp_path)
    topic.create()
    topic.send(click(2), click(3))  # reaches further than the old one did: only the id tells
    with pytest.raises(LostOffsetsError, match="deleted and made anew"):
        take(tmp_path)
    take(tmp_path, accept_loss=(topic.name,))
    topic.send(click(4))
    take(tmp_path)
    assert [raw for _, _, raw in taken(tmp_path)] == [click(1), click(2), click(3), click(4)]
    assert wrong(tmp_path) == []
    assert len({row["record_id"] for row in rows_of(tmp_path / "lake", "bronze.records")}) == 4


def test_a_broker_that_is_down_keeps_no_other_source_waiting(spark: SparkSession, topic: Topic, tmp_path: Path) -> None:
    down = Topic.__new__(Topic)
    down.address, down.name = "127.0.0.1:1", "nowhere"
    impatient = '  - {property: kafka, value: {"default.api.timeout.ms": 2000, "request.timeout.ms": 1000}}'
    workspace(tmp_path / "workspace", down, name="a_down", more=impatient)
    workspace(tmp_path / "workspace", topic)
    topic.send(click(1))
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:1: expected the broker to answer"):
        take(tmp_path)
    assert [raw for _, _, raw in taken(tmp_path)] == [click(1)]


def test_a_job_that_is_stopped_takes_everything_once(topic: Topic, tmp_path: Path) -> None:
    workspace(tmp_path / "workspace", topic)
    points = (
        "topics:listed",
        "topics:before-intent",
        "topics:written",
        "topics:before-outcome",
        "topics:after-outcome",
    )
    for number, point in enumerate(points):
        topic.send(click(number))
        take_until(tmp_path, point)
    take(tmp_path)
    assert [raw for _, _, raw in taken(tmp_path)] == [click(number) for number in range(len(points))]
    ended = {row["batch"]: row for row in rows_of(tmp_path / "lake", "ops.batches") if row["status"] == "complete"}
    assert sum(count["rows"] for row in ended.values() for count in row["counts"]) == len(points)


def test_a_lost_checkpoint_loses_and_repeats_no_offset(topic: Topic, tmp_path: Path) -> None:
    workspace(tmp_path / "workspace", topic)
    topic.send(click(1), click(2))
    take(tmp_path)
    shutil.rmtree(tmp_path / "lake" / "checkpoints" / "topics")
    topic.send(click(3))
    take(tmp_path)
    assert [raw for _, _, raw in taken(tmp_path)] == [click(1), click(2), click(3)]

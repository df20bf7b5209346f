"""``run --follow`` as its own process, beside a real broker: messages become decisions until it is asked to stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from leadhouse.bench.broker import running_broker
from leadhouse.jobs.runtime.place import find_place
from tests.jobs.kafka import Topic

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: crm_stream
name: crm_stream
version: {version}
status: active
servers: [{{server: stream, type: kafka, host: "{address}", format: json}}]
customProperties:
  - {{property: topic, value: {topic}}}
  - {{property: delivery, value: incremental}}
schema:
  - name: crm_stream
    properties:
      - {{name: id, logicalType: string, required: true, primaryKey: true, customProperties: [{{property: role,
         value: external_id}}]}}
      - {{name: changed, logicalType: timestamp, required: true, customProperties: [{{property: role,
         value: updated_at}}]}}
      - {{name: employees, logicalType: integer, customProperties: [{{property: role, value: trait}}]}}
"""
CITY = "      - {name: city, logicalType: string, customProperties: [{property: role, value: trait}]}\n"
LIST = """
name: large
channel: crm_task
purpose: sales
legal_basis: legitimate_interest
eligible: "traits.employees >= 50"
priority: 1
capacity_per_day: 10
"""
PATIENCE_SECONDS = 240


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_broker(tmp_path_factory.mktemp("broker")) as address:
        yield address


class Following:
    """A ``leadhouse run --follow`` at work."""

    def __init__(self, lake: Path, workspace: Path, log: Path) -> None:
        self.lake, self.log = lake, log
        self.command = [sys.executable, "-m", "leadhouse.jobs.cli", "run", "--lake", str(lake), "--workspace",
                        str(workspace)]  # fmt: skip
        with log.open("a") as out:
            self.process = subprocess.Popen([*self.command, "--follow"], stdout=out, stderr=subprocess.STDOUT)

    def wait(self, until: Callable[[], object]) -> None:
        """Wait until something is true; fail if the process ends or takes too long."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not until():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.2)

    def said(self, words: str) -> bool:
        return words in self.log.read_text()

    def rows(self, table: str) -> list[dict[str, object]]:
        if not (self.lake / "lake.json").is_file() or not find_place(self.lake).exists(table):
            return []
        rows: list[dict[str, object]] = find_place(self.lake).dataset(table).to_table().to_pylist()
        return rows

    def listed(self) -> int:
        return len(self.rows("gold.engagement_lists"))

    def traits(self) -> set[tuple[object, object]]:
        return {(row["name"], row["value"]) for row in self.rows("silver.traits")}

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE_SECONDS)


def lead(number: int, **more: object) -> bytes:
    return json.dumps({"id": f"L{number}", "changed": "2026-03-01T10:00:00Z", "employees": 80} | more).encode()


def test_messages_become_decisions_through_changes_of_contract_until_a_stop(
    spark: SparkSession, broker: str, tmp_path: Path
) -> None:
    topic = Topic(spark, broker, "crm-stream")
    contract = tmp_path / "workspace" / "contracts" / "crm_stream.odcs.yaml"
    contract.parent.mkdir(parents=True)
    (tmp_path / "workspace" / "lists").mkdir()
    (tmp_path / "workspace" / "lists" / "large.yaml").write_text(LIST)
    (tmp_path / "workspace" / "settings.toml").write_text('tenant = "acme"\n')
    first = CONTRACT.format(version="1.0.0", address=broker, topic=topic.name)
    contract.write_text(first)
    topic.send(lead(1))
    following = Following(tmp_path / "lake", tmp_path / "workspace", tmp_path / "log")
    try:
        following.wait(lambda: following.listed() == 1)

        second = subprocess.run(following.command, capture_output=True, text=True, check=False, timeout=120)
        assert second.returncode == 1
        assert "leadhouse run --follow" in second.stderr, "the holder is named"

        contract.write_text("not: [a contract")
        following.wait(lambda: following.said("going on with those before"))

        breaking = first.replace("1.0.0", "1.0.1").replace("name: employees,", "name: employees, physicalName: staff,")
        contract.write_text(breaking)
        following.wait(lambda: following.said("expected a new major"))

        contract.write_text(first.replace("1.0.0", "1.1.0") + CITY)
        topic.send(lead(2))
        following.wait(lambda: following.listed() == 2)
        topic.send(lead(3, city="Graz"))  # whichever turn took the second, this one's began after the change
        following.wait(lambda: ("city", "Graz") in following.traits())
        assert following.stop(signal.SIGTERM) == 0
    finally:
        following.process.kill()
        following.process.wait()
        topic.close()
    assert len(following.rows("bronze.records")) == 3

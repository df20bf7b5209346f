"""Lineage: every event is valid by the standard's own schemas, says what the batch did, and holds no values."""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

from leadhouse.conf import settings as conf
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.runtime import batches
from leadhouse.jobs.runtime.batches import Batch, Count, Outcome, Quality
from leadhouse.jobs.runtime.book import COMPLETE, FAILED
from leadhouse.jobs.runtime.job import JobSpec, Result
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.lineage import Lineage
from tests.jobs.rows import row

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PARENT = str(uuid.UUID(int=7))
SPEC = JobSpec(
    name="refine",
    goal="Turn records into facts.",
    reads=("bronze.records", "silver.identities"),
    writes=("silver.items", "silver.leads", "silver.quarantine"),
    guardrails=("loses no record",),
    step=lambda step: Result(),
    stream="bronze.records",
)
FORMATS = FormatChecker(formats=())


@FORMATS.checks("uri")
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", value) is not None


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or ("T" in value and datetime.fromisoformat(value).tzinfo is not None)


@FORMATS.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(uuid.UUID(value)) == value.lower()


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "lake")


class Standard:
    """The standard's schemas: the core one and every facet's, found by the ``_schemaURL`` that an event names."""

    def __init__(self, folder: Path) -> None:
        files = [folder / "OpenLineage.json", *sorted((folder / "facets").glob("*.json"))]
        documents = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        self.registry = Registry().with_resources(
            [(document["$id"], Resource.from_contents(document)) for document in documents]
        )
        self.known = {document["$id"] for document in documents}

    def check(self, event: dict[str, Any]) -> int:
        """Validate an event and each of its facets against its own schema; return how many facets there were."""
        self._validate(event, event["schemaURL"])
        facets = list(_facets(event))
        for facet in facets:
            address = facet["_schemaURL"].partition("#")[0]
            assert address in self.known, f"the standard at hand has no {address}"
            self._validate(facet, facet["_schemaURL"])
        return len(facets)

    def _validate(self, instance: Any, reference: str) -> None:
        validator = Draft202012Validator({"$ref": reference}, registry=self.registry, format_checker=FORMATS)
        assert [error.message for error in validator.iter_errors(instance)] == []


def _facets(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if "_schemaURL" in value:
            yield value
        for part in value.values():
            yield from _facets(part)
    elif isinstance(value, list):
        for part in value:
            yield from _facets(part)


@pytest.fixture
def standard(shared_data: Path) -> Standard:
    return Standard(shared_data / "openlineage" / "spec")


def _batch(lake: Lake) -> Batch:
    return batches.new_batch(
        lake, "refine", 1, 4, now=NOW, as_of=NOW, known=None, inputs_key="k",
        reads={"bronze.records": 3, "silver.identities": 0}, definitions={},
    )  # fmt: skip


def _items(number: int) -> list[dict[str, Any]]:
    return [row("silver.items", record_id=f"r{n}", batch="refine/1/4") for n in range(number)]


def _outcome(lake: Lake, **more: Any) -> Outcome:
    batch = _batch(lake)
    lake.append_local("silver.items", _items(3), app_id="refine:silver.items:rows:1", app_version=4)
    version = lake.append_local("silver.items", _items(2), app_id="refine:silver.items:late:1", app_version=4)
    outcome = Outcome(
        batch,
        COMPLETE,
        {"silver.items": version, "silver.leads": 1, "silver.quarantine": 0},
        (Count("acme", "crm", "silver.quarantine", 2), Count("beta", "crm", "silver.quarantine", 5)),
        (Quality("acme", "crm", "not_null", "record_id", False, "2 of 10"),),
    )
    return replace(outcome, **more)


def _events(lake: Lake, name: str = "lineage.jsonl") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (lake.root / "ops" / name).read_text(encoding="utf-8").splitlines()]


def test_every_event_is_valid_by_the_standard(lake: Lake, standard: Standard) -> None:
    lineage = Lineage(lake, conf.Lineage(), PARENT)
    outcome = _outcome(lake)
    lineage.begin_run(NOW)
    lineage.start(SPEC, outcome.batch, NOW)
    lineage.complete(SPEC, outcome, NOW)
    lineage.fail(replace(SPEC, stream=None), replace(outcome, status=FAILED, error="Boom"), NOW)
    lineage.end_run(NOW, "Boom")
    events = _events(lake)
    assert [event["eventType"] for event in events] == ["START", "START", "COMPLETE", "FAIL", "FAIL"]
    assert min(standard.check(event) for event in events) >= 1
    assert len({facet["_schemaURL"] for event in events for facet in _facets(event)}) == 14


def test_an_event_that_breaks_the_standard_is_found(lake: Lake, standard: Standard) -> None:
    Lineage(lake, conf.Lineage(), PARENT).start(SPEC, _batch(lake), NOW)
    (event,) = _events(lake)
    event["run"]["facets"]["parent"]["run"]["runId"] = "not a uuid"
    with pytest.raises(AssertionError, match="not a uuid"):
        standard.check(event)


def test_start_and_end_are_one_run_and_a_retry_is_the_same_run(lake: Lake) -> None:
    outcome = _outcome(lake)
    for _ in range(2):
        lineage = Lineage(lake, conf.Lineage(), PARENT)
        lineage.start(SPEC, _batch(lake), NOW)
    lineage.complete(SPEC, outcome, NOW)
    assert {event["run"]["runId"] for event in _events(lake)} == {outcome.batch.run_id}
    assert {event["run"]["facets"]["parent"]["run"]["runId"] for event in _events(lake)} == {PARENT}


def test_outputs_say_version_and_rows_of_all_the_batchs_commits(lake: Lake) -> None:
    lake.append_local("silver.items", _items(7), app_id="refine:silver.items:rows:1", app_version=3)
    outcome = _outcome(lake)
    Lineage(lake, conf.Lineage(), PARENT).complete(SPEC, outcome, NOW)
    outputs = {entry["name"]: entry for entry in _events(lake)[0]["outputs"]}
    items = outputs["silver.items"]
    assert items["facets"]["version"]["datasetVersion"] == str(outcome.writes["silver.items"])
    assert items["outputFacets"]["outputStatistics"]["rowCount"] == 5
    assert items["outputFacets"]["outputStatistics"]["fileCount"] == 2
    assert outputs["silver.quarantine"]["outputFacets"]["outputStatistics"]["rowCount"] == 7
    fields = items["facets"]["schema"]["fields"]
    meaning = table_specs()["silver.items"].columns[0].description
    assert fields[0] == {"name": "tenant", "type": "STRING", "ordinal_position": 1, "description": meaning}


def test_outputs_that_a_batch_did_not_write_are_only_named(lake: Lake) -> None:
    batch = _batch(lake)
    Lineage(lake, conf.Lineage(), PARENT).complete(SPEC, Outcome(batch, COMPLETE, {}), NOW)
    outputs = _events(lake)[0]["outputs"]
    assert [entry["name"] for entry in outputs] == list(SPEC.writes)
    assert all(entry["facets"] == entry["outputFacets"] == {} for entry in outputs)


def test_inputs_say_version_and_what_the_gate_found(lake: Lake) -> None:
    Lineage(lake, conf.Lineage(), PARENT).complete(SPEC, _outcome(lake), NOW)
    records, identities = _events(lake)[0]["inputs"]
    assert records["facets"]["version"]["datasetVersion"] == "3"
    (assertion,) = records["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (assertion["assertion"], assertion["success"], assertion["column"]) == ("not_null", False, "record_id")
    assert identities["inputFacets"] == {}


def test_columns_know_the_columns_they_come_from_among_the_jobs_tables(lake: Lake) -> None:
    Lineage(lake, conf.Lineage(), PARENT).complete(SPEC, _outcome(lake), NOW)
    outputs = {entry["name"]: entry["facets"] for entry in _events(lake)[0]["outputs"]}
    fields = outputs["silver.items"]["columnLineage"]["fields"]
    (source,) = fields["record_id"]["inputFields"]
    assert (source["name"], source["field"], source["transformations"][0]["subtype"]) == (
        "bronze.records", "record_id", "IDENTITY",
    )  # fmt: skip
    assert fields["item_key"]["inputFields"][0]["transformations"][0]["masking"] is True
    # silver.traits is none of this job's tables; silver.identities is.
    assert set(outputs["silver.leads"]["columnLineage"]["fields"]) == {"lead_id", "identity_keys"}


def test_a_failure_says_why_in_its_first_line_only(lake: Lake) -> None:
    outcome = _outcome(lake, status=FAILED, error="ValueError: bad\nrow: jane.doe@example.com")
    Lineage(lake, conf.Lineage(), PARENT).fail(SPEC, outcome, NOW)
    assert _events(lake)[0]["run"]["facets"]["errorMessage"]["message"] == "ValueError: bad"


def test_lineage_holds_no_values_of_the_rows(lake: Lake) -> None:
    record = row("bronze.records", tenant="acme", source="crm", origin="a.csv", raw=b"jane.doe@example.com")
    spec = replace(SPEC, name="ingest", stream="bronze.files", reads=("bronze.files",), writes=("bronze.records",))
    batch = batches.new_batch(
        lake, "ingest", 1, 0, now=NOW, as_of=None, known=None, inputs_key="k", reads={"bronze.files": 0}, definitions={}
    )
    version = lake.append_local("bronze.records", [record], app_id="ingest:bronze.records:rows:1", app_version=0)
    Lineage(lake, conf.Lineage(), PARENT).complete(spec, Outcome(batch, COMPLETE, {"bronze.records": version}), NOW)
    text = (lake.root / "ops" / "lineage.jsonl").read_text(encoding="utf-8")
    assert '"rowCount": 1' in text
    assert "jane" not in text
    assert "acme" not in text
    assert '"name": "bronze.files"' in text


class _Collector(BaseHTTPRequestHandler):
    taken: ClassVar[list[tuple[str, str | None, dict[str, Any]]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append((self.path, self.headers["Authorization"], json.loads(body)))
        self.send_response(201)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


def test_events_go_to_an_endpoint_too(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_KEY", "s3cret")
    _Collector.taken.clear()
    server = HTTPServer(("127.0.0.1", 0), _Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        settings = conf.Lineage(url=f"http://127.0.0.1:{server.server_port}", api_key_env="LINEAGE_KEY")
        Lineage(lake, settings, PARENT).start(SPEC, _batch(lake), NOW)
    finally:
        server.shutdown()
        server.server_close()
    assert _Collector.taken == [("/api/v1/lineage", "Bearer s3cret", _events(lake)[0])]
    assert not (lake.root / "ops" / "lineage-unsent.jsonl").exists()


def test_a_dead_endpoint_stops_nothing_and_loses_nothing(lake: Lake) -> None:
    lineage = Lineage(lake, conf.Lineage(url="http://127.0.0.1:9"), PARENT)
    lineage.start(SPEC, _batch(lake), NOW)
    lineage.complete(SPEC, _outcome(lake), NOW)
    unsent = _events(lake, "lineage-unsent.jsonl")
    assert [entry["event"] for entry in unsent] == _events(lake)
    assert "ConnectionError" in unsent[0]["reason"]

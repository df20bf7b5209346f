"""The trace walks from what was sent to the very bytes, and tells a decision by what it knew."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.runtime.walk import LATEST, walk
from leadhouse.jobs.trace import show_trace
from tests.jobs.rows import NOON, row

ACTION, DECISION, LEAD, EMAIL_KEY = "a" * 32, "d" * 32, "1" * 32, "2" * 32
RECORD, LATE, BAD = "e1" * 16, "e2" * 16, "e3" * 16
DAY = timedelta(days=1)


def _append(lake: Lake, table: str, *rows: dict[str, Any]) -> None:
    lake.append_local(table, [row(table, **{"tenant": "acme"} | entry) for entry in rows], app_id=table, app_version=0)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """One lead: a record on day 0, a decision on day 1, sent; then its e-mail joined it and a late signal came."""
    lake = open_lake(tmp_path_factory.mktemp("trace") / "lake")
    file = {"source": "crm", "path": "crm/leads.csv", "file_version": 1, "sha256": "ab" * 32}
    _append(
        lake,
        "bronze.files",
        file | {"from_byte": 0, "to_byte": 100, "header": ["id", "email"]},
        file | {"from_byte": 100, "to_byte": 300, "header": ["id", "email"]},
    )
    origin = {"source": "crm", "origin": "crm/leads.csv", "partition": 1}
    _append(
        lake,
        "bronze.records",
        origin | {"record_id": RECORD, "position": 120, "raw": b"7,jane@example.com", "received_at": NOON},
        origin | {"record_id": LATE, "position": 250, "raw": b"7,caf\xe9\x00", "received_at": NOON + 2 * DAY},
        origin | {"record_id": BAD, "position": 9, "raw": b"\x1b[31m", "received_at": NOON},
    )
    _append(lake, "silver.items", {"record_id": RECORD, "status": "accepted"})
    _append(lake, "silver.quarantine", {"record_id": BAD, "rule": "parse", "message": "expected 2 columns; got 1"})
    key = {"lead_id": LEAD, "is_lead": True, "shared": False}
    _append(
        lake,
        "silver.identities",
        key | {"identity_key": LEAD, "kind": "external_id", "known_at": NOON},
        key | {"identity_key": EMAIL_KEY, "kind": "email", "known_at": NOON, "lead_id": EMAIL_KEY, "batch": "b0"},
        key | {"identity_key": EMAIL_KEY, "kind": "email", "known_at": NOON + 2 * DAY, "batch": "b1"},
    )
    _append(
        lake,
        "silver.signals",
        {"identity_key": LEAD, "signal_id": "s1", "signal_type": "form", "record_id": RECORD, "occurred_at": NOON,
         "known_at": NOON},
        {"identity_key": EMAIL_KEY, "signal_id": "s2", "signal_type": "call", "record_id": LATE,
         "occurred_at": NOON, "known_at": NOON + 2 * DAY},
        {"identity_key": LEAD, "signal_id": "s3", "signal_type": "call", "record_id": LATE,
         "occurred_at": NOON, "known_at": NOON + 2 * DAY},
        {"identity_key": LEAD, "signal_id": "s4", "signal_type": "call", "record_id": LATE,
         "occurred_at": NOON + 3 * DAY, "known_at": NOON},
    )  # fmt: skip
    traits = [
        {"identity_key": LEAD, "trait_id": f"t{n}", "name": f"trait{n}", "value": str(n), "record_id": RECORD,
         "occurred_at": NOON - timedelta(hours=n), "known_at": NOON}
        for n in range(LATEST + 5)
    ]  # fmt: skip
    _append(lake, "silver.traits", *traits)
    reasons = [{"direction": "up", "feature": "count_7d", "value": "3", "effect": 0.4, "words": "3 signals in 7 days"}]
    decision = {"lead_id": LEAD, "tick": NOON + DAY, "known": NOON + DAY, "action": "engage", "list": "hot_leads"}
    more = {"decision_id": DECISION, "reasons": reasons, "batch": "decide/1/0", "model_version": "model/3"}
    _append(lake, "gold.decisions", decision | more | {"score": 0.75, "grade": "A", "reason": "eligible"})
    sent = {"action_id": ACTION, "lead_id": LEAD, "decision_id": DECISION, "list": "hot_leads", "destination": "files"}
    _append(lake, "gold.outbox", sent | {"operation": "enter"})
    _append(lake, "gold.receipts", sent | {"operation": "enter", "status": "accepted"})
    book = {
        "batch": "decide/1/0",
        "kind": "intent",
        "tenant": None,
        "reads": {"gold.lead_scores": 5},
        "run_id": "run-1",
    }
    _append(lake, "ops.batches", book)
    return lake


@pytest.fixture
def reader(lake: Lake) -> Reader:
    return Reader(find_place(lake.root))


def test_a_receipt_leads_to_the_decision_the_lead_the_record_and_its_bytes(reader: Reader) -> None:
    story = walk(reader, ACTION)
    assert (story["kind"], story["receipts"][0]["status"], story["outbox"]["operation"]) == (
        "action",
        "accepted",
        "enter",
    )
    assert story["decision"]["decision_id"] == DECISION
    assert story["decision"]["reasons"][0]["words"] == "3 signals in 7 days"
    assert story["evidence"]["reads"] == {"gold.lead_scores": 5}
    assert story["lead"]["lead_id"] == LEAD
    (record,) = story["records"]
    assert (record["record_id"], record["text"], record["bytes"]) == (RECORD, "7,jane@example.com", 18)
    assert (record["file"]["from_byte"], record["file"]["to_byte"]) == (100, 300)
    assert record["items"][0]["status"] == "accepted"


def test_a_decision_is_told_with_what_it_knew(reader: Reader) -> None:
    story = walk(reader, DECISION)
    assert [key["identity_key"] for key in story["lead"]["keys"]] == [LEAD]
    assert [signal["signal_id"] for signal in story["facts"]["signals"]["shown"]] == ["s1"]


def test_a_lead_is_told_as_it_stands_by_any_of_its_keys(reader: Reader) -> None:
    for key in (LEAD, EMAIL_KEY):
        story = walk(reader, key)
        assert story["lead"]["lead_id"] == LEAD
        assert {entry["identity_key"] for entry in story["lead"]["keys"]} == {LEAD, EMAIL_KEY}
        assert story["facts"]["signals"]["total"] == 4
        assert (story["decision"]["decision_id"], story["receipts"][0]["action_id"]) == (DECISION, ACTION)


def test_facts_are_bounded_and_the_rest_is_counted(lake: Lake, reader: Reader) -> None:
    traits = walk(reader, LEAD)["facts"]["traits"]
    assert (traits["total"], len(traits["shown"])) == (LATEST + 5, LATEST)
    assert traits["shown"][0]["name"] == "trait0"
    assert "and 5 more" in _printed(lake, LEAD)


def test_a_record_tells_what_became_of_it(reader: Reader) -> None:
    story = walk(reader, RECORD)
    assert (story["kind"], story["facts"]["signals"]["total"], story["facts"]["traits"]["total"]) == (
        "record", 1, LATEST + 5,
    )  # fmt: skip
    (refused,) = walk(reader, BAD)["records"][0]["quarantine"]
    assert (refused["rule"], refused["message"]) == ("parse", "expected 2 columns; got 1")


def test_bytes_that_are_no_text_are_shown_escaped_and_kept_whole(lake: Lake, reader: Reader) -> None:
    (record,) = walk(reader, LATE)["records"]
    assert record["text"] == "7,caf\\xe9\\x00"
    assert record["raw_base64"] == "NyxjYWbpAA=="
    assert "\x1b" not in _printed(lake, BAD)


def test_the_first_characters_of_an_id_are_enough_if_only_one_begins_so(reader: Reader) -> None:
    assert walk(reader, DECISION[:6])["id"] == DECISION
    assert walk(reader, LEAD[:8])["id"] == LEAD


def test_ids_that_name_nothing_or_too_much_are_refused(lake: Lake, tmp_path: Path) -> None:
    reader = Reader(find_place(lake.root))
    with pytest.raises(InputError, match="nothing begins with 'ffffff'"):
        walk(reader, "ffffff")
    for wanted in ("d" * 5, "jane@example.com", "x' OR 1=1", ""):
        with pytest.raises(InputError, match="id: expected an action_id"):
            walk(reader, wanted)
    other = open_lake(tmp_path / "lake")
    _append(other, "gold.decisions", {"decision_id": "abcdef1"}, {"decision_id": "abcdef2"})
    with pytest.raises(InputError, match=r"begins several: decision abcdef1 \(acme\), decision abcdef2 \(acme\)"):
        walk(Reader(find_place(other.root)), "abcdef")


def test_a_lead_that_left_its_list_without_a_decision_is_still_told(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    _append(lake, "gold.outbox", {"action_id": ACTION, "lead_id": LEAD, "decision_id": None, "operation": "leave"})
    story = walk(Reader(find_place(lake.root)), ACTION)
    assert (story["decision"], story["receipts"], story["lead"]["lead_id"]) == (None, [], LEAD)
    assert "leave" in _printed(lake, ACTION)


def test_the_tree_and_the_json_tell_the_same_story(lake: Lake) -> None:
    tree = _printed(lake, ACTION)
    for words in ("accepted", "hot_leads", "3 signals in 7 days", "gold.lead_scores@5", "form", "7,jane@example.com"):
        assert words in tree
    assert "crm/leads.csv version 1 byte 120" in tree
    story = json.loads(_printed(lake, ACTION, as_json=True))
    assert story["decision"]["tick"] == "2026-03-02T12:00:00Z"
    assert story["records"][0]["text"] == "7,jane@example.com"


def _printed(lake: Lake, wanted: str, as_json: bool = False) -> str:
    file = io.StringIO()
    show_trace(lake.root, wanted, as_json=as_json, console=Console(file=file, width=200))
    return file.getvalue()

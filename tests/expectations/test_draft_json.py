"""Drafts of JSON lines: paths, arrays of items, and what Spark could not read."""

from __future__ import annotations

import json
import random
from pathlib import Path

from tests.expectations.drafts import doubts_about, drafted, field, written


def test_events_in_json_are_drafted_with_dotted_paths(tmp_path: Path) -> None:
    random.seed(1)
    events = [
        {
            "messageId": f"m{i}",
            "event": random.choice(["Clicked", "Viewed"]),
            "userId": f"u{i % 9}",
            "anonymousId": f"a{i % 30}",
            "timestamp": f"2024-03-{i % 28 + 1:02}T10:00:00Z",
            "context": {"campaign": {"name": "spring", "medium": "email"}, "ip": "10.0.0.1"},
            "tags": ["x"],
        }
        for i in range(100)
    ]
    draft, contract = drafted(written(tmp_path, "events.jsonl", "\n".join(map(json.dumps, events))))
    assert contract.shape.format == "json"
    assert (contract.delivery, contract.history, contract.creates_leads) == ("events", "backfill", False)
    assert field(contract, "message_id").key_position == 1
    roles = {entry.roles[0]: entry.physical_name for entry in contract.fields if entry.roles}
    assert roles == {
        "signal_type": "event", "external_id": "userId", "anonymous_id": "anonymousId", "occurred_at": "timestamp",
        "campaign": "context.campaign.name", "channel": "context.campaign.medium",
    }  # fmt: skip
    assert any("tags" in doubt for doubt in draft.doubts)


def test_a_line_that_is_an_array_holds_the_items(tmp_path: Path) -> None:
    batches = [[{"email": f"u{i % 7}@x.com", "timestamp": 1700000000 + i, "event": e, "sg_event_id": f"{b}-{i}"}
                for i, e in enumerate(("open", "click", "unsubscribe"))] for b in range(20)]  # fmt: skip
    draft, contract = drafted(written(tmp_path, "mail.jsonl", "\n".join(map(json.dumps, batches))))
    assert contract.shape.items == "$"
    assert field(contract, "timestamp").formats == ("epoch_seconds",)
    assert field(contract, "sg_event_id").key_position == 1
    assert "withdraw no consent" in doubts_about(draft, "event")


def test_an_array_of_events_inside_a_line_holds_the_items_and_the_rest_stands_beside(tmp_path: Path) -> None:
    lines = [{"lead": {"id": i}, "events": [{"type": "call", "at": "2024-01-01T00:00:00Z"}] * 2} for i in range(20)]
    _, contract = drafted(written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines))))
    assert contract.shape.items == "events"
    assert field(contract, "lead_id").physical_name == "$.lead.id"
    assert field(contract, "type").roles == ("signal_type",)


def test_json_that_spark_could_not_read_beside_the_rest_is_left_out(tmp_path: Path) -> None:
    lines = ['{"id": 1, "v": 1, "Mail": "a@b.co"}', '{"id": 2, "v": {"q": 1}, "mail": "c@d.co", "a.b": 1}', "not json"]
    draft, contract = drafted(written(tmp_path, "a.jsonl", "\n".join(lines)))
    assert [entry.physical_name for entry in contract.fields] == ["id", "Mail"]
    assert len([doubt for doubt in draft.doubts if doubt.startswith("left out: ")]) == 4
    assert any("not valid JSON" in doubt for doubt in draft.doubts)


def test_an_id_that_says_event_makes_events_of_what_looks_like_a_row(tmp_path: Path) -> None:
    lines = [
        {"id": f"evt_{i:04}", "type": ("paid", "opened")[i % 2], "created": 1767225600 + 900 * i,
         "data": {"object": {"email": f"p{i % 30}@x.com"}}}
        for i in range(100)
    ]  # fmt: skip
    _, contract = drafted(written(tmp_path, "hooks.jsonl", "\n".join(map(json.dumps, lines))))
    assert (contract.delivery, field(contract, "id").key_position) == ("events", 1)
    roles = {entry.name: entry.roles for entry in contract.fields}
    assert roles["type"] == ("signal_type",)
    assert roles["created"] == ("occurred_at",)
    assert roles["id"] == ()

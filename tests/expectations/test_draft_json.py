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


def test_answers_that_say_what_they_are_become_a_field_each(tmp_path: Path) -> None:
    def answers(number: int) -> list[object]:
        email = {"type": "email", "email": f"p{number}@x.com", "field": {"id": "f1", "type": "email"}}
        size = {"type": "number", "number": number % 5, "field": {"id": "f2", "type": "number"}}
        return [email, size][:: 1 if number % 2 else -1]

    lines = [
        {"event_id": f"e{i}", "form": {"submitted_at": f"2026-01-{i % 28 + 1:02}T10:00:00Z", "answers": answers(i)},
         "contacts": [{"id": i, "city": "Oslo"}], "many": [1, 2]}
        for i in range(40)
    ]  # fmt: skip
    draft, contract = drafted(written(tmp_path, "forms.jsonl", "\n".join(map(json.dumps, lines))))
    paths = {entry.name: entry.physical_name for entry in contract.fields}
    assert paths["form_answers_f1_email"] == "form.answers[field.id=f1].email"
    assert paths["form_answers_f2_number"] == "form.answers[field.id=f2].number"
    assert paths["contacts_id"] == "contacts[0].id"
    assert field(contract, "form_answers_f1_email").roles == ("email",)
    assert not any(".field.type" in path or path == "many" for path in paths.values())
    assert any("form.answers: an array that names its elements by 'field.id'" in doubt for doubt in draft.doubts)
    assert any("contacts: an array that never has more than one element" in doubt for doubt in draft.doubts)


def test_what_an_array_holds_is_not_taken_for_what_it_names(tmp_path: Path) -> None:
    lines = [{"id": i, "at": "2026-01-01", "lines": [{"id": f"{i}-{n}", "sku": "a", "type": "line"} for n in (1, 2)]}
             for i in range(20)]  # fmt: skip
    draft, contract = drafted(written(tmp_path, "orders.jsonl", "\n".join(map(json.dumps, lines))))
    assert not any("lines" in entry.physical_name for entry in contract.fields)
    assert any(doubt.startswith("left out: lines: an array of objects") for doubt in draft.doubts)


def test_deeds_make_events_of_rows_that_name_everybody_once(tmp_path: Path) -> None:
    lines = [
        {"event": ("invitee.created", "invitee.canceled")[i % 2], "created_at": f"2026-01-01T{i % 24:02}:00:00Z",
         "payload": {"email": f"p{i}@x.com"}}
        for i in range(60)
    ]  # fmt: skip
    _, contract = drafted(written(tmp_path, "bookings.jsonl", "\n".join(map(json.dumps, lines))))
    assert contract.delivery == "events"
    assert field(contract, "event").roles == ("signal_type",)
    assert field(contract, "created_at").roles == ("occurred_at",)


def test_an_id_that_all_rows_share_names_nobody(tmp_path: Path) -> None:
    lines = [{"id": "page 1", "created_at": f"2026-01-{i % 28 + 1:02}", "email": f"p{i}@x.com"} for i in range(40)]
    _, contract = drafted(written(tmp_path, "leads.jsonl", "\n".join(map(json.dumps, lines))))
    assert "external_id" not in field(contract, "id").roles
    assert field(contract, "email").key_position == 1


def test_a_dotted_topic_says_what_happened_rather_than_the_envelope_s_type(tmp_path: Path) -> None:
    lines = [
        {"type": "notification", "id": f"n{i}", "topic": ("contact.creation", "contact.signed_up")[i % 2],
         "data": {"created_at": 1767225600 + i, "email": f"p{i % 20}@x.com"}, "created_at": 1767225700 + i}
        for i in range(60)
    ]  # fmt: skip
    _, contract = drafted(written(tmp_path, "feed.jsonl", "\n".join(map(json.dumps, lines))))
    assert contract.delivery == "events"
    roles = {entry.physical_name: entry.roles for entry in contract.fields}
    assert roles["topic"] == ("signal_type",)
    assert roles["created_at"] == ("occurred_at",)


def test_objects_and_arrays_that_are_null_in_some_rows_are_read_where_they_are_not(tmp_path: Path) -> None:
    lines = [
        {"id": i, "email": f"p{i}@x.com", "company": {"name": f"c{i % 5}"} if i % 3 else None,
         "owner": None if i % 3 else {"team": f"t{i % 4}"}, "tags": None if i % 2 else [{"name": "a", "value": i % 4}],
         "links": [1, 2] if i % 2 else None}
        for i in range(40)
    ]  # fmt: skip
    draft, contract = drafted(written(tmp_path, "leads.jsonl", "\n".join(map(json.dumps, lines))))
    paths = {entry.physical_name for entry in contract.fields}
    assert paths == {"id", "email", "company.name", "owner.team", "tags[name=a].value"}
    (left_out,) = [doubt for doubt in draft.doubts if doubt.startswith("left out: ")]
    assert left_out.startswith("left out: links: an array of values")


def test_a_page_of_records_holds_items_however_few_lines_there_are(tmp_path: Path) -> None:
    people = [{"name": f"Kim {i}", "email": f"p{i}@x.com", "since": "2026-01-02"} for i in range(40)]
    page = {"results": people, "total": 40, "paging": {"next": "x"}, "took": 3}
    _, contract = drafted(written(tmp_path, "page.jsonl", json.dumps(page)))
    assert contract.shape.items == "results"
    few = {"results": people[:3], "total": 3, "took": 3, "id": 1}
    draft, contract = drafted(written(tmp_path, "few.jsonl", json.dumps(few)))
    assert "Kim" not in draft.text
    assert any(doubt.startswith("left out: results: an array of objects") for doubt in draft.doubts)


def test_one_body_shows_which_answers_it_has(tmp_path: Path) -> None:
    answers = [{"field": {"id": "f1", "type": "email"}, "type": "email", "email": "kim@x.com"},
               {"field": {"id": "f2", "type": "text"}, "type": "text", "text": "hello"}]  # fmt: skip
    data = [{"name": "city", "values": ["Oslo"]}, {"name": "size", "value": 3}]
    body = {"event": "submitted", "at": "2026-01-02T10:00:00Z", "answers": answers, "data": data}
    _, contract = drafted(written(tmp_path, "body.jsonl", json.dumps(body)))
    paths = {entry.physical_name for entry in contract.fields}
    assert {"answers[field.id=f1].email", "answers[field.id=f2].text", "data[name=size].value"} <= paths

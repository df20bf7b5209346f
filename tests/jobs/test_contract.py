from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.expectations.contract import Contract, Location, Subscription
from leadhouse.expectations.odcs import parse_contract
from leadhouse.jobs.contract import check_contracts, diff_contracts, draft_into, show_check, show_diff, show_draft
from leadhouse.jobs.contract_try import Trial, render_trial, try_contract
from leadhouse.jobs.init import init_workspace

NOW = datetime(2026, 1, 31, tzinfo=UTC)
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: leads
name: leads
version: 1.0.0
status: active
servers:
  - {server: landing, type: local, path: "leads*.csv", format: csv}
customProperties:
  - {property: delivery, value: incremental}
schema:
  - name: leads
    properties:
      - {name: lead_id, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 1,
         customProperties: [{property: role, value: external_id}]}
      - {name: email, logicalType: string, customProperties: [{property: role, value: email}]}
      - {name: created, logicalType: date, customProperties: [{property: role, value: created_at}]}
      - {name: size, logicalType: integer, customProperties: [{property: role, value: trait}]}
      - {name: won, logicalType: boolean, customProperties: [{property: role, value: outcome}]}
      - name: no_mail
        logicalType: boolean
        customProperties:
          - {property: role, value: consent}
          - {property: consent, value: {channel: email, means: withdrawn}}
"""
HEADER = "lead_id,email,created,size,won,no_mail"


def console() -> Console:
    return Console(file=io.StringIO(), width=300, force_terminal=False)


def shown(on: Console) -> str:
    return str(on.file.getvalue())  # type: ignore[attr-defined]


def contract_file(folder: Path, text: str = CONTRACT, name: str = "leads.odcs.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def trial(
    spark: SparkSession, folder: Path, content: str | bytes, text: str = CONTRACT, name: str = "leads.csv"
) -> Trial:
    sample = folder / name
    sample.write_bytes(content.encode() if isinstance(content, str) else content)
    return try_contract(spark, contract(folder, text), sample, default_region="US", received_at=NOW)


def contract(folder: Path, text: str = CONTRACT) -> Contract:
    (check,) = check_contracts(contract_file(folder, text))
    return check.contract


def test_a_trial_counts_what_would_be_accepted_and_refused_and_which_facts_would_come(
    spark: SparkSession, tmp_path: Path
) -> None:
    lines = [
        HEADER,
        "1,a@b.co,2026-01-01,10,yes,no",
        "2,c@d.co,2026-01-02,many,no,yes",
        ",e@f.co,2026-01-03,3,no,no",
        "4,,2026-01-04,,,yes",
    ]
    found = trial(spark, tmp_path, "\n".join(lines))
    assert found.records == 4
    assert found.counts == {"items": 4, "quarantined": 2, "held": 0, "duplicate": 0, "accepted": 2}
    assert [(entry.column, entry.rule) for entry in found.refused] == [("size", "type"), ("lead_id", "required")]
    assert "expected an integer" in found.refused[0].message
    assert found.refused[0].byte == len(HEADER) + 1 + len(lines[1]) + 1
    assert found.rules == {"lead_id: required": 1, "size: type": 1}
    assert found.facts == {"traits": 6, "outcomes": 1, "consents": 1, "leads": 2}
    assert found.held_because == ()


def test_a_trial_tells_of_missing_and_unknown_columns_and_of_a_name_that_would_not_be_taken(
    spark: SparkSession, tmp_path: Path
) -> None:
    found = trial(
        spark, tmp_path, "lead_id,email,created,size,won,extra\n1,a@b.co,2026-01-01,10,yes,x\n", name="other.csv"
    )
    assert found.counts["accepted"] == 0
    assert "no_mail" in found.refused[0].message
    assert any("extra" in note for note in found.notes)
    assert any("doesn't match" in note for note in found.notes)


def test_a_trial_tells_of_json_fields_that_the_contract_does_not_name(spark: SparkSession, tmp_path: Path) -> None:
    text = CONTRACT.replace("format: csv", "format: json").replace("*.csv", "*.jsonl")
    known = '"lead_id": "1", "created": "2026-01-01", "no_mail": "yes"'
    lines = [f'{{{known}, "utm": {{"source": "x"}}}}', "no JSON", "[1]", f'{{{known}, "étape": 2}}']
    notes = trial(spark, tmp_path, "\n".join(lines) + "\n", text, "leads.jsonl").notes
    assert notes == ("leads: fields that the contract doesn't name, kept in bronze: utm, étape",)
    assert trial(spark, tmp_path, f"{{{known}}}\n", text, "leads.jsonl").notes == ()


@pytest.mark.parametrize(("items", "around"), [("$", "{}"), ("data.it's", '{{"sent": 1, "data": {{"it\'s": {}}}}}')])
def test_a_trial_tells_of_unnamed_fields_of_items(spark: SparkSession, tmp_path: Path, items: str, around: str) -> None:
    text = CONTRACT.replace("format: csv", "format: json").replace("*.csv", "*.jsonl")
    text = text.replace("customProperties:\n", f'customProperties:\n  - {{property: items, value: "{items}"}}\n', 1)
    known = '"lead_id": "1", "created": "2026-01-01", "no_mail": "yes"'
    lines = [around.format(f'[{{{known}}}, {{{known}, "utm": {{"source": "x"}}}}, 7]'), around.format("[]"), "no JSON"]
    notes = trial(spark, tmp_path, "\n".join(lines) + "\n", text, "leads.jsonl").notes
    assert notes == ("leads: fields that the contract doesn't name, kept in bronze: utm",)


def test_a_trial_tells_what_the_gate_would_hold(spark: SparkSession, tmp_path: Path) -> None:
    text = CONTRACT + "    quality:\n      - {metric: rowCount, mustBeGreaterThan: 5}\n"
    found = trial(spark, tmp_path, f"{HEADER}\n1,a@b.co,2026-01-01,10,yes,no\n", text)
    assert len(found.held_because) == 1
    assert found.facts == {}
    on = console()
    render_trial(found, contract(tmp_path, text), on)
    assert "would be held by the gate" in shown(on)


def test_a_trial_of_no_records_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only a header"):
        trial(spark, tmp_path, HEADER + "\n")
    with pytest.raises(InputError, match="byte order mark"):
        trial(spark, tmp_path, (HEADER + "\n1,,,,,\n").encode("utf-16"))


@pytest.mark.parametrize(
    "file",
    [
        "x_education/Leads.csv",
        "olist_funnel/olist_closed_deals_dataset.csv",
        "identity/febrl/dataset1.csv",
        "identity/splink/fake_1000.csv",
    ],
)
def test_a_real_export_s_draft_accepts_every_record_of_it(spark: SparkSession, shared_data: Path, file: str) -> None:
    draft, _ = draft_into(shared_data / file, None)
    drafted = parse_contract(draft.text.encode(), "draft", "acme")
    found = try_contract(spark, drafted, shared_data / file, default_region="US", received_at=NOW)
    assert found.counts["accepted"] == found.records == found.counts["items"] > 0


def _lines(count: int, line: Callable[[int], str]) -> str:
    return "".join(line(i) + "\n" for i in range(count))


_CALL = {"type": "call", "at": "2024-01-01T00:00:00Z"}
_SAMPLES = {
    "german.csv": "Kundennr;E-Mail;Umsatz;Angelegt am;Kunde\n"
    + _lines(40, lambda i: f"K{i};m{i}@x.de;{i + 1}.234,50;{i % 28 + 1:02}.03.2023 9:05;{'Ja' if i % 2 else 'Nein'}"),
    "us.csv": "Lead ID,Created,Amount\n"
    + _lines(60, lambda i: f'{i},{i % 12 + 1}/{i % 28 + 1}/2023 1:05 PM,"{i + 1},200.50"'),
    "events.jsonl": _lines(
        50,
        lambda i: json.dumps(
            {"id": f"e{i}", "user_id": i % 5, "ts": 1700000000000 + i, "type": "click", "a": {"b": i}}
        ),
    ),
    "batch.jsonl": _lines(
        30, lambda i: json.dumps([{"email": f"a{i}@b.co", "timestamp": 1700000000 + i, "event": "open"}] * 2)
    ),
    "nested.jsonl": _lines(30, lambda i: json.dumps({"lead": {"id": i}, "events": [_CALL]})),
    "quotes.csv": 'id,email,note\n1,a@b.co,"one\ntwo ""x"""\n2,c@d.co,plain\n',
    "dates.csv": "id,created_at,seen\n" + _lines(30, lambda i: f'{i},31-Jan-2024,"Jan 5, 2024 10:0{i % 10}:00 am"'),
}


@pytest.mark.parametrize("name", _SAMPLES)
def test_what_is_drafted_from_a_sample_accepts_it(spark: SparkSession, tmp_path: Path, name: str) -> None:
    sample = tmp_path / name
    sample.write_text(_SAMPLES[name], encoding="utf-8")
    draft, _ = draft_into(sample, None)
    found = try_contract(
        spark, parse_contract(draft.text.encode(), "draft", "acme"), sample, default_region="US", received_at=NOW
    )
    assert found.refused == ()
    assert found.held_because == ()
    assert found.counts["accepted"] + found.counts["duplicate"] == found.counts["items"] > 0


def test_a_check_returns_the_contract_with_advice(tmp_path: Path) -> None:
    (check,) = check_contracts(contract_file(tmp_path))
    assert check.contract.source == "leads"
    assert any("updated_at" in line for line in check.advice)
    assert any("namespace" in line for line in check.advice)


def test_a_check_tells_every_problem_of_every_file(tmp_path: Path) -> None:
    contract_file(tmp_path, CONTRACT.replace("integer", "whole").replace("incremental", "sometimes"), "a.yaml")
    contract_file(tmp_path, CONTRACT.replace("role, value: email", "role, value: mail"), "b.yaml")
    with pytest.raises(InputError) as refused:
        check_contracts(tmp_path)
    problems = "\n".join(refused.value.problems)
    assert "a.yaml" in problems
    assert "b.yaml" in problems
    assert "'mail'" in problems


def test_a_check_of_an_empty_folder_and_of_an_encoding_that_can_t_be_cut_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected contract files"):
        check_contracts(tmp_path)
    contract_file(tmp_path, CONTRACT.replace("format: csv", "format: csv, encoding: utf-16"))
    with pytest.raises(InputError, match="utf-16"):
        check_contracts(tmp_path)


def test_a_check_prints_its_advice_and_json_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    on = console()
    assert show_check(contract_file(tmp_path), None, as_json=False, console=on) == 0
    assert "valid" in shown(on)
    assert show_check(tmp_path / "leads.odcs.yaml", None, as_json=True, console=on) == 0
    assert json.loads(capsys.readouterr().out)[0]["source"] == "leads"


def test_a_diff_ends_in_an_input_error_where_a_breaking_change_has_no_new_major(tmp_path: Path) -> None:
    old = contract_file(tmp_path)
    new = contract_file(tmp_path, CONTRACT.replace("integer", "number"), "new.yaml")
    on = console()
    with pytest.raises(InputError, match="new major"):
        show_diff(old, new, None, as_json=False, console=on)
    assert "retyped" in shown(on)
    assert show_diff(old, new, None, as_json=True, console=on) == 2
    major = contract_file(tmp_path, CONTRACT.replace("integer", "number").replace("1.0.0", "2.0.0"), "major.yaml")
    assert show_diff(old, major, None, as_json=False, console=on) == 0
    assert diff_contracts(old, old) == ((), None)


def test_a_draft_is_written_into_a_workspace_once(tmp_path: Path) -> None:
    workspace = tmp_path / "mine"
    init_workspace(workspace)
    sample = tmp_path / "leads_2024.csv"
    sample.write_text(f"{HEADER}\n1,a@b.co,2026-01-01,10,yes,no\n")
    on = console()
    assert show_draft(sample, workspace, None, on) == 0
    assert (workspace / "contracts" / "leads.odcs.yaml").is_file()
    assert "doubts" in shown(on)
    with pytest.raises(InputError, match="--source"):
        show_draft(sample, workspace, None, on)
    assert show_draft(sample, workspace, "others", on) == 0
    with pytest.raises(InputError, match="leadhouse init"):
        draft_into(sample, tmp_path / "absent")


def test_a_draft_goes_to_the_standard_output_untouched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = tmp_path / "leads.csv"
    sample.write_text(f"{HEADER}\n1,a@b.co,2026-01-01,10,yes,no\n")
    show_draft(sample, None, None, console())
    assert capsys.readouterr().out == draft_into(sample, None)[0].text


def test_a_draft_of_messages_names_their_topic_and_lets_a_batch_hold_a_key_twice(tmp_path: Path) -> None:
    sample = tmp_path / "clicks.jsonl"
    sample.write_text('{"lead_id": "1", "updated_at": "2026-03-01T10:00:00Z"}\n{"lead_id": "2", "updated_at": null}\n')
    subscription = Subscription("broker:9092")
    draft, _ = draft_into(sample, None, location=Location("kafka", "clicks", subscription))
    contract = parse_contract(draft.text.encode(), "clicks.yaml", "acme")
    assert contract.location == Location("kafka", "clicks", subscription)
    assert not any(field.unique for field in contract.fields)
    csv = tmp_path / "clicks.csv"
    csv.write_text("lead_id\n1\n")
    with pytest.raises(InputError, match="expected JSON lines"):
        draft_into(csv, None, location=Location("kafka", "clicks", subscription))

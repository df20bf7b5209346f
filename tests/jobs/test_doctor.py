"""The doctor finds nothing in a sound lake, whatever it went through, and names each damage planted in a copy."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from packaging.specifiers import SpecifierSet
from pyspark.sql import SparkSession
from rich.console import Console

from leadhouse.jobs.cli import main
from leadhouse.jobs.doctor import examine, show_doctor
from leadhouse.jobs.held import decide_held
from leadhouse.jobs.quarantine_replay import replay_quarantine
from leadhouse.jobs.runtime import batches
from leadhouse.jobs.runtime.batches import COMPLETE, RELEASED, Count, Outcome
from leadhouse.jobs.runtime.finding import WRONG, Finding
from leadhouse.jobs.runtime.integrity import torn_logs
from leadhouse.jobs.runtime.lake import Lake, open_lake
from leadhouse.jobs.runtime.lock import lake_lock
from leadhouse.jobs.soundness import machine
from tests.jobs.rows import NOON
from tests.jobs.small_company import EVENT_CONTRACT, LEAD_CONTRACT, land, rows_of, run_company, write_workspace


@pytest.fixture
def lake(company: Path, tmp_path: Path) -> Lake:
    """A copy of a sound lake, to be damaged."""
    shutil.copytree(company / "lake", tmp_path / "lake")
    return open_lake(tmp_path / "lake")


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the JVM dependencies, as far as their names go."""
    folder = tmp_path / "jars"
    folder.mkdir()
    for name in machine.wanted_jars():
        (folder / name).write_bytes(b"x")
    monkeypatch.setenv("LEADHOUSE_JARS", str(folder))
    return folder


def test_a_sound_lake_has_no_finding(company: Path) -> None:
    assert _all(examine(company / "lake", company / "workspace")) == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: "", "is empty"),
        (lambda text: text[: len(text) // 2], "can't be read from line"),
        (lambda text: text.splitlines()[0], "says that it adds"),
        (lambda text: '{"something": "else"}', "says nothing that a Delta log may say"),
    ],
)
@pytest.mark.parametrize("table", ["bronze.records", "ops.batches"])
def test_a_newest_commit_that_is_not_whole_is_named(
    lake: Lake, table: str, damage: Callable[[str], str], said: str
) -> None:
    newest = _commit(lake, table, lake.version(table))
    newest.write_text(damage(newest.read_text()))
    found = _wrong(lake)
    assert [(entry.check, entry.what.split(":")[0]) for entry in found] == [("logs", table)]
    assert said in found[0].what
    assert newest.name in found[0].what
    assert [entry.what for entry in torn_logs(lake)] == [found[0].what]


def test_torn_logs_finds_nothing_in_a_sound_lake_and_nothing_where_there_is_none(lake: Lake, tmp_path: Path) -> None:
    assert torn_logs(lake) == []
    assert torn_logs(Lake(tmp_path / "nowhere", "x")) == []
    log = _log(Lake(tmp_path / "made", "x"), "silver.items")
    log.mkdir(parents=True)
    (log / "_commit_1.json.tmp").write_text("{")  # what is left of a making that was stopped
    assert torn_logs(Lake(tmp_path / "made", "x")) == []


def test_a_commit_missing_in_the_middle_or_at_the_beginning_is_named(lake: Lake) -> None:
    _commit(lake, "ops.batches", 3).unlink()
    (found,) = _wrong(lake)
    assert "expected every commit from 3 to" in found.what
    _commit(lake, "ops.batches", 0).unlink()
    assert "expected every commit from 0 to" in _wrong(lake)[0].what


def test_a_newest_commit_that_is_gone_is_missed(lake: Lake) -> None:
    _commit(lake, "silver.traits", 1).unlink()
    _commit(lake, "bronze.files", 1).unlink()
    found = {entry.check: entry.what for entry in _wrong(lake) if entry.check in ("logs", "writers")}
    assert found == {
        "logs": "silver.traits: expected commit 1, whose checksum is there; the newest commit is 0",
        "writers": "bronze.files: expected version 1, as a batch in ops.batches used it; the newest is 0",
    }


@pytest.mark.parametrize("name", ["00000000000000000017.checkpoint.parquet", "_last_checkpoint"])
def test_a_broken_checkpoint_is_named(lake: Lake, name: str) -> None:
    table = lake.open("ops.batches")
    table.create_checkpoint()
    assert _wrong(lake) == []
    path = _log(lake, "ops.batches") / name.replace("17", f"{table.version():02}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (found,) = _wrong(lake)
    assert (found.check, found.what.split(":")[0]) == ("logs", "ops.batches")
    assert "checkpoint" in found.what
    assert len(torn_logs(lake)) == 1


def test_a_checkpoint_that_its_pointer_names_and_that_is_gone_is_named(lake: Lake) -> None:
    lake.open("ops.batches").create_checkpoint()
    next(_log(lake, "ops.batches").glob("*.checkpoint.parquet")).unlink()
    (found,) = _wrong(lake)
    assert "as _last_checkpoint says" in found.what
    assert len(torn_logs(lake)) == 1


def _deleted(path: Path) -> None:
    path.unlink()


def _truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _scribbled(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "said"),
    [(_deleted, "it is gone"), (_truncated, "bytes; it has"), (_scribbled, "expected to read the rows of")],
)
def test_a_data_file_that_is_not_what_the_log_says_is_named(
    lake: Lake, damage: Callable[[Path], None], said: str
) -> None:
    path = _data_file(lake, "silver.signals")
    damage(path)
    (found,) = _wrong(lake)
    assert found.check == "tables"
    assert path.name in found.what
    assert said in found.what


def test_a_row_count_of_the_log_that_the_file_does_not_have_is_named(lake: Lake) -> None:
    commit = _commit(lake, "silver.signals", 1)
    rows = len(rows_of(lake.root, "silver.signals"))
    text = commit.read_text()
    for said in (f'numRecords\\":{rows},', f'"numOutputRows":"{rows}"'):
        assert said in text
        text = text.replace(said, said.replace(str(rows), str(rows + 1)))
    commit.write_text(text)
    (found,) = _wrong(lake)
    assert f"expected {rows + 1} rows" in found.what
    assert f"read {rows}" in found.what


def test_a_table_that_is_gone_or_has_other_columns_is_named(lake: Lake) -> None:
    shutil.rmtree(lake.table_path("gold.receipts"))
    shutil.rmtree(lake.table_path("silver.consents"))
    DeltaTable.create(lake.table_path("silver.consents"), pa.schema([("tenant", pa.int64()), ("more", pa.string())]))
    found = [entry.what for entry in _wrong(lake)]
    assert "gold.receipts: expected the table, which batches have used; it is gone" in found
    assert "silver.consents.tenant: expected the type string; got long" in found
    assert "silver.consents: expected only its contract's columns; got more too" in found


def test_a_row_that_is_there_twice_is_named_by_its_key(lake: Lake) -> None:
    twice = rows_of(lake.root, "bronze.records")[0]
    _append(lake, "bronze.records", [twice], "ingest:bronze.records:rows:1", 9)
    found = {entry.check: entry.what for entry in _wrong(lake)}
    assert found.keys() == {"keys", "bytes", "ledger"}
    assert f"1 repeat, for example tenant acme, record_id {twice['record_id']}: 2 times" in found["keys"]
    assert f"1 overlap (at byte {twice['position']:,})" in found["bytes"]


@pytest.mark.parametrize("table", ["silver.signals", "gold.decisions", "gold.enrolments"])
def test_every_table_has_its_key_once(lake: Lake, table: str) -> None:
    job = "refine" if table == "silver.signals" else "decide"
    _append(lake, table, [rows_of(lake.root, table)[0]], f"{job}:{table}:rows:1", 9)
    assert [(entry.check, entry.what.split(":")[0]) for entry in _wrong(lake)] == [("keys", table)]


def test_a_record_that_is_gone_is_missed_and_its_bytes_are_named(lake: Lake) -> None:
    gone = sorted((row for row in rows_of(lake.root, "bronze.records") if row["source"] == "web"), key=_position)[5]
    lake.open("bronze.records").delete(f"record_id = '{gone['record_id']}'")
    found = {entry.check: entry.what for entry in _wrong(lake)}
    assert found.keys() == {"bytes", "ledger"}
    records = len([row for row in rows_of(lake.root, "bronze.records") if row["source"] == "web"])
    assert f"web (acme): expected {records + 1} records, as ingest counted; got {records}" in found["ledger"]
    assert (
        f"none has the bytes {gone['position'] - 1:,} to {_position(gone) + len(gone['raw']) + 1:,}" in found["bytes"]
    )


@pytest.mark.parametrize("table", ["silver.items", "ops.batches"])
def test_an_item_or_a_count_that_is_not_the_ledgers_is_named(lake: Lake, table: str) -> None:
    if table == "silver.items":
        item = next(row for row in rows_of(lake.root, table) if row["source"] == "crm")
        lake.open(table).delete(f"record_id = '{item['record_id']}'")
        wanted = ("expected 160 items accepted, as the ledger has it; the tables hold 159", item["record_id"])
    else:
        _count_again(lake, "accepted", 161)
        wanted = ("expected 161 items accepted, as the ledger has it; the tables hold 160", "expected 160 items in all")
    found = _wrong(lake)
    assert {entry.check for entry in found} == {"ledger"}
    assert all(any(str(part) in entry.what for entry in found) for part in wanted)


def test_records_of_a_batch_that_nobody_began_are_named(lake: Lake) -> None:
    row = {**rows_of(lake.root, "bronze.records")[0], "record_id": "0" * 32, "position": 10**6, "batch": "ingest/7/0"}
    _append(lake, "bronze.records", [row], "ingest:bronze.records:rows:7", 0)
    found = {entry.check: entry.what for entry in _wrong(lake)}
    assert found.keys() == {"bytes", "ledger"}
    assert "1 in none (at byte 1,000,000)" in found["bytes"]


@pytest.mark.parametrize(
    ("app_id", "said"),
    [
        (None, "is a WRITE by delta-rs"),
        ("another:refine:gold.decisions:rows:1", "its transaction 'another:refine"),
        ("{lake}:refine:gold.decisions:rows:1", "its transaction"),
        ("{lake}:decide:gold.decisions:rows:1", "expected each write once; versions 1 and 2 are both"),
    ],
)
def test_a_write_of_another_program_or_job_is_named(lake: Lake, app_id: str | None, said: str) -> None:
    properties = None
    if app_id is not None:
        properties = CommitProperties(app_transactions=[Transaction(app_id.format(lake=lake.lake_id), 0)])
    row = {**rows_of(lake.root, "gold.decisions")[0], "decision_id": "another"}
    table = lake.open("gold.decisions")
    rows = pa.Table.from_pylist([row], schema=pa.schema(table.schema().to_arrow()))
    write_deltalake(table, rows, mode="append", commit_properties=properties)
    (found,) = _wrong(lake)
    assert found.check == "writers"
    assert said in found.what


def test_maintenance_is_no_foreign_write(lake: Lake) -> None:
    table = lake.open("ops.batches")
    table.optimize.compact()
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    table.create_checkpoint()
    (found,) = _all(examine(lake.root))
    assert (found.check, found.severity) == ("history", "note")
    assert f"ops.batches before {table.version() - 2}" in found.what


def test_a_definition_that_was_changed_or_is_gone_is_named(lake: Lake) -> None:
    kept = sorted((lake.root / "definitions").iterdir())
    kept[0].write_bytes(kept[0].read_bytes() + b"\n")
    kept[1].unlink()
    found = _wrong(lake)
    assert {entry.check for entry in found} == {"definitions"}
    assert [entry.what.split(":")[0] for entry in found] == [f"definitions/{path.name}" for path in kept[:2]]


def test_a_lost_checkpoint_of_a_stream_is_only_noted(lake: Lake) -> None:
    shutil.rmtree(lake.root / "checkpoints" / "refine")
    assert [(entry.check, entry.severity) for entry in _all(examine(lake.root))] == [("checkpoints", "note")]


def test_a_range_that_is_missing_is_named_where_it_is(spark: SparkSession, one_key: None, tmp_path: Path) -> None:
    lake = _in_ranges(tmp_path)
    ranges = sorted((row for row in rows_of(lake.root, "bronze.files") if row["source"] == "web"), key=_from_byte)
    assert len(ranges) > 3
    assert _wrong(lake) == []
    lake.open("bronze.files").delete(f"source = 'web' AND from_byte = {ranges[1]['from_byte']}")
    wrong = _wrong(lake)
    assert {entry.check for entry in wrong} == {"bytes"}
    where = f"expected bytes {ranges[1]['from_byte']:,} to {ranges[1]['to_byte']:,} in a range; in none"
    assert where in wrong[0].what
    assert "in none (at byte" in wrong[1].what
    lake.open("bronze.files").delete(f"source = 'web' AND from_byte <= {ranges[1]['from_byte']}")
    assert "expected its first range at byte 0" in _wrong(lake)[0].what


def test_a_range_whose_records_are_gone_is_named(spark: SparkSession, one_key: None, tmp_path: Path) -> None:
    lake = _in_ranges(tmp_path)
    first = min((row for row in rows_of(lake.root, "bronze.files") if row["source"] == "web"), key=_from_byte)
    lake.open("bronze.records").delete(f"source = 'web' AND position < {first['to_byte']}")
    found = _wrong(lake)
    assert {entry.check for entry in found} == {"bytes", "ledger"}
    assert any(f"expected records of the bytes 0 to {first['to_byte']:,}" in entry.what for entry in found)


def test_a_range_that_was_listed_twice_is_named(lake: Lake) -> None:
    listed = (row for row in rows_of(lake.root, "bronze.files") if row["source"] == "web" and row["from_byte"] == 0)
    row = next(listed)
    number = lake.version("bronze.files") + 1
    _append(lake, "bronze.files", [{**row, "listing": number}], "bronze.files:listing", number)
    (found,) = _wrong(lake)
    assert "expected the next range at byte" in found.what


def test_files_that_grow_change_and_vanish_leave_a_sound_lake(
    spark: SparkSession, one_key: None, tmp_path: Path
) -> None:
    workspace, landing, root = write_workspace(tmp_path / "workspace"), land(tmp_path / "landing"), tmp_path / "lake"
    leads, events = landing / "crm" / "leads0.csv", landing / "web" / "events0.jsonl"
    header = "id,created,changed,mail,industry,size\n"

    def step(only: str | None, *, code: int = 0) -> list[Finding]:
        assert run_company(root, workspace, landing, only)[0] == code
        found = _all(examine(root))
        assert [entry for entry in found if entry.severity == WRONG] == []
        return found

    waits = step("ingest")
    assert [entry.what.split(":")[0] for entry in waits] == ["bronze.records"]
    assert "records wait for refine" in waits[0].what
    assert step("refine") == []
    row = "{},2025-01-06T09:00:00Z,,{}@x.com,retail,3\n"
    leads.write_text(leads.read_text() + "\n\n" + row.format("M1", "m1") + row.format("M2", "m2").rstrip())
    (landing / "crm" / "header.csv").write_text(header)
    (landing / "crm" / "blank.csv").write_text("\n\n")
    (landing / "crm" / "mark.csv").write_text("\ufeff" + header + row.format("M3", "m3"))
    step("ingest")
    leads.write_text(leads.read_text() + "0\n" + row.format("M4", "m4"))  # the last record went on: 3 became 30
    (landing / "crm" / "blank.csv").write_text("\n\n" + header + row.format("M5", "m5"))
    events.write_text(events.read_text().replace("page_view", "form"))  # other content
    step("ingest")
    step("refine")
    shutil.rmtree(root / "checkpoints")
    step("refine")
    assert step("ingest") == []


def test_what_is_held_released_refused_and_replayed_stays_in_balance(
    spark: SparkSession, one_key: None, tmp_path: Path
) -> None:
    workspace, landing, root = write_workspace(tmp_path / "workspace"), land(tmp_path / "landing"), tmp_path / "lake"
    strict = EVENT_CONTRACT + "    quality:\n      - {metric: rowCount, mustBeGreaterThan: 1000}\n"
    (workspace / "contracts" / "web.odcs.yaml").write_text(strict)
    narrow = LEAD_CONTRACT.replace("{minimum: 1}", "{minimum: 20}")
    (workspace / "contracts" / "crm.odcs.yaml").write_text(narrow)
    again = landing / "deals" / "again.csv"
    again.write_bytes((landing / "deals" / "deals0.csv").read_bytes())

    def check() -> None:
        assert _all(examine(root)) == []

    run_company(root, workspace, landing, "ingest")
    assert run_company(root, workspace, landing, "refine")[0] == 3
    assert rows_of(root, "ops.held")
    assert rows_of(root, "silver.quarantine")
    check()
    console = Console(file=io.StringIO())
    decide_held(root, "refine/1/0", RELEASED, reason="a test", source="web", person="me", console=console)
    run_company(root, workspace, None, "refine")
    check()
    (workspace / "contracts" / "crm.odcs.yaml").write_text(narrow.replace("20}", "5}"))
    assert replay_quarantine(root, workspace, console=console) == 0
    check()
    lake = open_lake(root)
    refused = next(iter(rows_of(root, "silver.quarantine")))
    lake.open("silver.quarantine").delete(f"record_id = '{refused['record_id']}'")
    assert {entry.check for entry in _wrong(lake)} == {"ledger"}


def test_the_command_says_what_is_wrong_without_personal_data(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    lake.open("bronze.records").delete("source = 'crm'")
    _truncated(_data_file(lake, "silver.traits"))
    _commit(lake, "gold.decisions", 1).write_text("{")
    assert main(["doctor", "--lake", str(lake.root)]) == 1
    text = capsys.readouterr().out
    assert "gold.decisions: expected commit 1 to be whole" in text
    assert "not checked further: " in text
    assert "@x.com" not in text.lower()
    assert main(["doctor", "--lake", str(lake.root), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["sound"], told["lake"]) == (False, str(lake.root))
    assert {entry["check"] for entry in told["findings"]} >= {"logs", "tables"}


def test_the_command_says_that_a_lake_is_sound_or_that_there_is_none(
    company: Path, jars: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--lake", str(company / "lake"), "--workspace", str(company / "workspace")]) == 0
    assert "wrong" not in capsys.readouterr().out
    assert main(["doctor", "--lake", str(tmp_path / "none")]) == 0
    assert "only the machine was checked" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [jars]


def test_a_card_a_workspace_or_a_secret_that_is_not_right_is_named(
    lake: Lake, company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Path(shutil.copytree(company / "workspace", tmp_path / "workspace"))
    monkeypatch.delenv("LEADHOUSE_IDENTITY_KEY")
    assert [(entry.check, entry.severity) for entry in _all(examine(lake.root, workspace))] == [("lake", WRONG)]
    (workspace / "contracts" / "web.odcs.yaml").write_text("apiVersion: v3.1.0\n")
    (lake.root / "lake.json").write_text("{")
    shown = io.StringIO()
    assert show_doctor(lake.root, workspace, as_json=False, console=Console(file=shown, width=200)) == 1
    assert "web.odcs.yaml" in shown.getvalue()
    assert "expected a lake's card" in shown.getvalue()


def test_a_run_at_work_and_a_batch_that_did_not_end_are_only_noted(lake: Lake) -> None:
    batch = batches.new_batch(
        lake, "refine", 1, 1, now=NOON + timedelta(days=999), as_of=None, known=None, inputs_key="k", reads={},
        definitions={},
    )  # fmt: skip
    batches.begin(lake, batch)
    with lake_lock(lake.root, "a test"):
        found = _all(examine(lake.root))
    assert {entry.severity for entry in found} == {"note"}
    assert f"a test, process {os.getpid()} is at work on this lake" in found[0].what
    assert found[1].line == "ops.batches: refine/1/1 began and did not end; it runs again at the next start"


def test_what_the_machine_lacks_is_named(jars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.check_machine(tmp_path / "not" / "yet") == []
    first, *_ = machine.wanted_jars()
    (jars / first).write_bytes(b"")
    assert [f"expected content in {first}; empty" in entry.what for entry in machine.check_jars(jars)] == [True]
    (jars / first).unlink()
    assert [f"expected {first} in {jars}" in entry.what for entry in machine.check_jars(jars)] == [True]
    assert "none are there" in machine.check_jars(tmp_path / "none")[0].what
    (found,) = machine.check_package("pyspark", SpecifierSet("==0.1"))
    assert found.line == f"pyspark: expected ==0.1; got {metadata.version('pyspark')}; run 'make setup'"
    assert "got none" in machine.check_package("no-such-package", SpecifierSet())[0].what
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert "can't be run" in machine.check_java()[0].what
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    java.chmod(0o755)
    assert "says version 8; install Java 17 or newer" in machine.check_java()[0].line


def _all(found: dict[str, list[Finding]]) -> list[Finding]:
    return [entry for part in found.values() for entry in part]


def _wrong(lake: Lake) -> list[Finding]:
    return [entry for entry in _all(examine(lake.root)) if entry.severity == WRONG]


def _in_ranges(folder: Path) -> Lake:
    """A lake with many ranges of each file."""
    workspace, landing = write_workspace(folder / "workspace"), land(folder / "landing")
    settings = workspace / "settings.toml"
    settings.write_text(settings.read_text() + "range_bytes = 5_000\n")
    for job in ("ingest", "refine"):
        assert run_company(folder / "lake", workspace, landing, job)[0] == 0
    return open_lake(folder / "lake")


def _append(lake: Lake, table: str, rows: Sequence[Mapping[str, Any]], app_id: str, number: int) -> None:
    lake.append_local(
        table,
        [{name: _listed(value) for name, value in row.items()} for row in rows],
        app_id=app_id,
        app_version=number,
    )


def _listed(value: Any) -> Any:
    """Maps as Arrow takes them."""
    return list(value.items()) if isinstance(value, dict) else value


def _count_again(lake: Lake, measure: str, rows: int) -> None:
    """Write refine's outcome anew with another count of the leads."""
    batch = batches.find_intent(lake, "refine", 1, 0)
    assert batch is not None
    outcome = next(
        row for row in rows_of(lake.root, "ops.batches") if row["job"] == "refine" and row["kind"] == "outcome"
    )
    counts = tuple(Count(**count) for count in _entries(outcome["counts"]))
    changed = tuple(
        replace(count, rows=rows) if (count.source, count.measure) == ("crm", measure) else count for count in counts
    )
    batches.finish(lake, Outcome(batch, COMPLETE, {}, changed), NOON + timedelta(days=9999))


def _entries(value: object) -> Iterator[dict[str, Any]]:
    assert isinstance(value, list)
    yield from value


def _position(row: Mapping[str, Any]) -> int:
    return int(row["position"])


def _from_byte(row: Mapping[str, Any]) -> int:
    return int(row["from_byte"])


def _log(lake: Lake, table: str) -> Path:
    return Path(lake.table_path(table)) / "_delta_log"


def _commit(lake: Lake, table: str, version: int) -> Path:
    return _log(lake, table) / f"{version:020}.json"


def _data_file(lake: Lake, table: str) -> Path:
    return Path(lake.table_path(table)) / lake.open(table).file_uris()[0].rsplit("/", 1)[-1]

"""The doctor finds nothing in a sound lake, whatever it went through."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from pyspark.sql import SparkSession
from rich.console import Console

from leadhouse.jobs.held import decide_held
from leadhouse.jobs.quarantine_replay import replay_quarantine
from leadhouse.jobs.runtime.batches import RELEASED
from leadhouse.jobs.runtime.finding import WRONG, Finding
from leadhouse.jobs.runtime.layout import open_lake
from tests.jobs.damage import findings, what_is_wrong
from tests.jobs.small_company import EVENT_CONTRACT, LEAD_CONTRACT, land, rows_of, run_company, write_workspace


def test_a_sound_lake_has_no_finding(company: Path) -> None:
    assert findings(company / "lake", company / "workspace") == []


def test_files_that_grow_change_and_vanish_leave_a_sound_lake(
    spark: SparkSession, one_key: None, tmp_path: Path
) -> None:
    workspace, landing, root = write_workspace(tmp_path / "workspace"), land(tmp_path / "landing"), tmp_path / "lake"
    leads, events = landing / "crm" / "leads0.csv", landing / "web" / "events0.jsonl"
    header = "id,created,changed,mail,industry,size\n"

    def step(only: str | None, *, code: int = 0) -> list[Finding]:
        assert run_company(root, workspace, landing, only)[0] == code
        found = findings(root)
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
        assert findings(root) == []

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
    assert {entry.check for entry in what_is_wrong(lake)} == {"ledger"}

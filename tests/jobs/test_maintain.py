"""A maintained lake is the same lake: streams, retries and derived tables go on as if nothing had been."""

from __future__ import annotations

import io
import json
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from leadhouse.conf.settings import Maintenance
from leadhouse.expectations.odcs import read_contracts
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs import cli
from leadhouse.jobs.maintain import Maintained, maintain, maintain_lake
from leadhouse.jobs.runtime import faults
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.runtime.walk import walk
from tests.jobs.small_company import (
    EVENT_CONTRACT,
    LEADS,
    deal_rows,
    event_rows,
    hashes,
    land,
    rows_of,
    run_company,
    write_workspace,
)

AT_ONCE = Maintenance(history_days=0, small_files=2)
FACTS = ("silver.signals", "silver.traits", "silver.outcomes", "silver.leads")
DERIVED = ("gold.lead_features", "gold.lead_scores", "gold.engagement_lists")
RECORDS = ("gold.decisions", "gold.enrolments", "gold.outbox", "gold.receipts", "silver.items")
KEPT = "  - {property: retention, value: 30, unit: d}"


def _maintain(lake: Path, workspace: Path, days_later: int = 0) -> Maintained:
    contracts = read_contracts(sorted((workspace / "contracts").glob("*.yaml")), "acme")
    later = timedelta(days=days_later)
    return maintain(
        open_lake(lake), contracts, AT_ONCE, deadline=time.monotonic() + 600, clock=lambda: datetime.now(UTC) + later
    )


def _content(lake: Path) -> dict[str, list[str]]:
    return {table: sorted(map(repr, rows_of(lake, table))) for table in table_specs()}


def _files(lake: Path) -> int:
    return sum(1 for path in lake.rglob("*.parquet") if "_delta_log" not in path.parts)


def _land_more(everything: Path, landing: Path, stems: str) -> None:
    """Let the pieces land whose names end in one of these digits."""
    for path in sorted(everything.rglob("*.*")):
        if path.stem[-1] in stems:
            target = landing / path.relative_to(everything)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def test_only_files_move_and_no_job_has_anything_new_to_do(company: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(company / "lake", lake)
    before, files = _content(lake), _files(lake)
    done = _maintain(lake, company / "workspace")
    assert {"bronze.records", "ops.batches"} <= {entry.table for entry in done.tables}
    assert _content(lake) == before
    assert _files(lake) == files - sum(entry.files_before - entry.files_after for entry in done.tables) < files - 10
    code, shown = run_company(lake, company / "workspace", company / "landing")
    assert code == 0, shown
    assert shown.count("nothing new") == 7, shown
    assert {table: rows for table, rows in _content(lake).items() if table.startswith("gold.")} == {
        table: rows for table, rows in before.items() if table.startswith("gold.")
    }


def test_streams_go_on_after_records_have_expired_and_files_have_moved(company: Path, tmp_path: Path) -> None:
    lake, workspace, landing = tmp_path / "lake", write_workspace(tmp_path / "workspace"), tmp_path / "landing"
    kept = EVENT_CONTRACT.replace("schema:", f"slaProperties:\n{KEPT}\nschema:")
    (workspace / "contracts" / "web.odcs.yaml").write_text(kept, encoding="utf-8")
    land(tmp_path / "all", pieces=6)
    for stems in ("0", "1"):
        _land_more(tmp_path / "all", landing, stems)
        for only in ("ingest", "refine"):
            assert run_company(lake, workspace, landing, only)[0] == 0
    expired = {row["record_id"] for row in rows_of(lake, "bronze.records") if row["source"] == "web"}
    done = _maintain(lake, workspace, days_later=31)
    assert [(count.source, count.measure, count.rows) for count in done.expired] == [("web", "expired", len(expired))]
    assert not expired & {row["record_id"] for row in rows_of(lake, "bronze.records")}

    _land_more(tmp_path / "all", landing, "23")
    assert run_company(lake, workspace, landing, "ingest")[0] == 0
    # Refine has not taken these: their files may be joined, and must stay.
    waiting = {entry.table: entry.note for entry in _maintain(lake, workspace).tables}
    assert waiting["bronze.records"].startswith("refine has not taken all of it")
    assert run_company(lake, workspace, landing, "refine")[0] == 0
    _maintain(lake, workspace)
    _land_more(tmp_path / "all", landing, "45")
    code, shown = run_company(lake, workspace, landing)
    assert code == 0, shown

    for table in (*FACTS, *DERIVED):
        assert hashes(lake, table) == hashes(company / "lake", table), table
    items = [row["record_id"] for row in rows_of(lake, "silver.items")]
    assert len(items) == len(set(items)) == LEADS + len(event_rows()) + len(deal_rows())
    assert len(rows_of(lake, "bronze.records")) == len(items) - len(expired)
    fetched = {
        row["measure"]: row["rows"]
        for row in Reader(find_place(lake)).fetch(
            'SELECT measure, sum("rows") AS "rows" FROM ops.ledger WHERE source = \'web\' GROUP BY measure'
        )
    }
    assert fetched["fetched"] == fetched["expired"] + sum(
        row["source"] == "web" for row in rows_of(lake, "bronze.records")
    )
    signal = next(row for row in rows_of(lake, "silver.signals") if row["record_id"] in expired)
    lead = next(row for row in rows_of(lake, "silver.identities") if row["identity_key"] == signal["identity_key"])
    assert walk(Reader(find_place(lake)), str(lead["lead_id"]))["kind"] == "lead"


def test_an_unfinished_batch_ends_like_one_that_was_not_stopped(company: Path, tmp_path: Path) -> None:
    lake, workspace, landing = tmp_path / "lake", company / "workspace", tmp_path / "landing"
    land(tmp_path / "all", pieces=6)
    for stems in ("0", "12"):
        _land_more(tmp_path / "all", landing, stems)
        for only in ("ingest", "refine"):
            assert run_company(lake, workspace, landing, only)[0] == 0
    _land_more(tmp_path / "all", landing, "345")
    for point in ("refine:after-signals", "decide:before-outcome"):
        os.environ[faults.VARIABLE] = f"{point}=raise"
        with pytest.raises(faults.InjectedFaultError):
            run_company(lake, workspace, landing)
        assert _maintain(lake, workspace).tables
    code, shown = run_company(lake, workspace, landing)
    assert code == 0, shown
    for table in (*FACTS, *DERIVED):
        assert hashes(lake, table) == hashes(company / "lake", table), table
    for table in RECORDS:
        assert len(rows_of(lake, table)) == len(rows_of(company / "lake", table)), table


def test_the_command_says_what_it_did(company: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake, workspace = tmp_path / "lake", write_workspace(tmp_path / "workspace")
    shutil.copytree(company / "lake", lake)
    with (workspace / "settings.toml").open("a") as settings:
        settings.write("[maintenance]\nhistory_days = 0\nsmall_files = 2\n")
    options = ["--lake", str(lake), "--workspace", str(workspace)]
    assert cli.main(["maintain", *options, "--minutes", "0"]) == 0
    assert capsys.readouterr().out.startswith("No time was left for what has expired, ")
    assert cli.main(["maintain", *options, "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith("What would be done; nothing was written:")
    assert cli.main(["maintain", *options, "--json"]) == 0
    told = {entry["table"]: entry for entry in json.loads(capsys.readouterr().out)["tables"]}
    assert told["ops.batches"]["files_after"] == 1
    shown = io.StringIO()
    maintain_lake(lake, workspace, minutes=1, dry_run=False, as_json=False, console=Console(file=shown))
    assert shown.getvalue() == "Nothing to do.\n"
    assert cli.main(["maintain", *options, "--minutes", "-1"]) == 2

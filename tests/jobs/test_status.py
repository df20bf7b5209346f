"""Status, tables and the quarantine list answer on an empty lake and on a full one."""

from __future__ import annotations

import io
import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.jobs.quarantine_list import quarantined, show_quarantine
from leadhouse.jobs.runtime import batches
from leadhouse.jobs.runtime.batches import Count, Outcome
from leadhouse.jobs.runtime.book import COMPLETE
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.status import champions, show_status, status
from leadhouse.jobs.table_list import show_tables, table_list, table_meaning
from tests.jobs.rows import NOON, row


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "lake")


def _printed(show: Callable[..., None], lake: Lake, *arguments: str, **options: object) -> str:
    file = io.StringIO()
    show(lake.root, *arguments, **options, console=Console(file=file, width=160))
    return file.getvalue()


def _batch(lake: Lake, job: str, *counts: Count) -> None:
    batch = batches.new_batch(
        lake, job, 1, 0, now=NOON, as_of=None, known=None, inputs_key="k", reads={}, definitions={}
    )
    batches.begin(lake, batch)
    batches.finish(lake, Outcome(batch, COMPLETE, {}, counts), NOON)


def test_an_empty_lake_has_a_status(lake: Lake) -> None:
    state = status(find_place(lake.root), NOON)
    assert (state["jobs"], state["ledger"], state["lists"], state["champions"]) == ([], [], [], [])
    assert "Nothing has run yet" in _printed(show_status, lake)
    assert json.loads(_printed(show_status, lake, as_json=True))["lake_id"] == lake.lake_id
    assert "Nothing is in quarantine" in _printed(show_quarantine, lake)


def test_what_two_jobs_count_is_counted_once(lake: Lake) -> None:
    _batch(lake, "ingest", Count("acme", "crm", "fetched", 10), Count("acme", "crm", "bronze.records", 10))
    _batch(lake, "refine", Count("acme", "crm", "fetched", 10), Count("acme", "crm", "accepted", 8))
    (line,) = status(find_place(lake.root), NOON)["ledger"]
    assert line == {
        "tenant": "acme", "source": "crm", "fetched": 10, "items": 0, "accepted": 8, "quarantined": 0, "duplicate": 0,
        "superseded": 0, "held": 0, "lost": 0, "expired": 0,
    }  # fmt: skip
    text = _printed(show_status, lake)
    assert "ingest/1/0" in text
    assert "complete" in text


def test_lists_scores_and_findings_are_summed_up(lake: Lake) -> None:
    for table, rows in {
        "gold.engagement_lists": [row("gold.engagement_lists", list="hot", lead_id=f"l{n}") for n in range(3)],
        "gold.lead_scores": [row("gold.lead_scores", status="scored", model_version="m/1")],
        "silver.findings": [
            row("silver.findings", finding_id="f1", status="raised", batch="b1"),
            row("silver.findings", finding_id="f2", status="raised", batch="b1"),
            row("silver.findings", finding_id="f2", status="retracted", known_at=NOON + timedelta(days=1), batch="b2"),
        ],
    }.items():
        lake.append_local(table, rows, app_id=table, app_version=0)
    state = status(find_place(lake.root), NOON)
    assert [(entry["list"], entry["leads"]) for entry in state["lists"]] == [("hot", 3)]
    assert [(entry["model_version"], entry["leads"]) for entry in state["scores"]] == [("m/1", 1)]
    assert [entry["facts"] for entry in state["findings"]] == [1]


def test_the_champion_is_read_from_mlflows_own_file(lake: Lake) -> None:
    folder = lake.root / "models"
    folder.mkdir()
    connection = sqlite3.connect(folder / "mlflow.db")
    connection.executescript(
        "CREATE TABLE registered_model_aliases (name, alias, version);"
        "CREATE TABLE model_versions (name, version, run_id);"
        "CREATE TABLE latest_metrics (run_uuid, key, value);"
        "INSERT INTO registered_model_aliases VALUES ('acme', 'champion', 3), ('acme', 'challenger', 4);"
        "INSERT INTO model_versions VALUES ('acme', 3, 'r3'), ('acme', 4, 'r4');"
        "INSERT INTO latest_metrics VALUES ('r3', 'auc', 0.86), ('r3', 'auc_low', 0.8), ('r3', 'auc_high', 0.9),"
        " ('r3', 'examples', 1547), ('r4', 'auc', 0.1);"
    )
    connection.close()
    metrics = {"auc": 0.86, "auc_low": 0.8, "auc_high": 0.9, "examples": 1547}
    assert champions(find_place(lake.root)) == [{"model": "acme", "version": 3, "metrics": metrics}]
    _batch(lake, "train")
    assert "Champion acme/3: AUC 0.860 (0.800 to 0.900), 1,547 examples\n" in _printed(show_status, lake)


def test_a_registry_that_cannot_be_read_is_said_so(lake: Lake) -> None:
    (lake.root / "models").mkdir()
    (lake.root / "models" / "mlflow.db").write_bytes(b"no database, but long enough to be looked at" * 30)
    (entry,) = champions(find_place(lake.root))
    assert entry["problem"] == "file is not a database"


def test_tables_say_what_is_in_them_and_what_they_mean(lake: Lake) -> None:
    lake.append_local("silver.leads", [row("silver.leads"), row("silver.leads")], app_id="x", app_version=0)
    listed = {entry["table"]: entry for entry in table_list(find_place(lake.root))}
    assert (listed["silver.leads"]["rows"], listed["silver.leads"]["version"]) == (2, 1)
    assert listed["gold.decisions"]["rows"] == 0
    assert listed["silver.leads"]["written_at"] is not None
    assert listed["ops.ledger"]["purpose"].startswith("View.")
    email = next(c for c in table_meaning(find_place(lake.root), "silver.leads")["columns"] if c["column"] == "email")
    assert (email["classification"], email["sources"]) == ("confidential", ["silver.traits.value"])
    text = " ".join(_printed(show_tables, lake, "silver.leads").split())
    assert "Owner data-engineering, contract" in text
    assert "2 rows at version 1" in text
    assert "email ← silver.traits.value" in text
    assert "FROM ops.batches" in _printed(show_tables, lake, "ops.runs")
    assert "silver.leads" in _printed(show_tables, lake)
    with pytest.raises(InputError, match=r"got 'leads'; did you mean silver\.leads\?"):
        table_meaning(find_place(lake.root), "leads")


def test_the_quarantine_list_says_what_was_refused_and_why(lake: Lake) -> None:
    rows = [
        row("silver.quarantine", source="crm", record_id=f"r{n}", rule=rule, column="age", message="expected a number")
        for n, rule in enumerate(("type", "type", "range"))
    ]
    lake.append_local("silver.quarantine", rows, app_id="x", app_version=0)
    finding = row("silver.findings", rule="outcome_before_creation", status="raised", message="won before created")
    lake.append_local("silver.findings", [finding], app_id="x", app_version=0)
    found = quarantined(Reader(find_place(lake.root)))
    assert (found["total"], [(entry["rule"], entry["items"]) for entry in found["rules"]]) == (
        3, [("type", 2), ("range", 1)],
    )  # fmt: skip
    assert quarantined(Reader(find_place(lake.root)), source="crm", rule="range")["total"] == 1
    assert quarantined(Reader(find_place(lake.root)), source="web")["total"] == 0
    text = _printed(show_quarantine, lake)
    assert "expected a number" in text
    assert "won before created" in text
    assert json.loads(_printed(show_quarantine, lake, as_json=True))["total"] == 3

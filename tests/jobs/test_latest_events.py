"""Whoever lets an export of long ago be ranked as of today is told so."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

from pyspark.sql import SparkSession
from rich.console import Console

from leadhouse.expectations.draft import draft_contract
from leadhouse.jobs.init import init_workspace
from leadhouse.jobs.latest_events import past_records
from leadhouse.jobs.run import run_jobs
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.reader import Reader
from tests.jobs.rows import NOON, row


def test_records_of_the_past_are_told_and_those_of_these_days_are_not(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    long_ago, later = NOON - timedelta(days=400), NOON + timedelta(days=5)
    for table, rows in {
        "gold.lead_features": [
            row("gold.lead_features", tenant=tenant, as_of=NOON) for tenant in ("old", "new", "mute")
        ],
        "silver.leads": [
            row("silver.leads", tenant="old", created_at=long_ago - timedelta(days=9)),
            row("silver.leads", tenant="mute", created_at=None),
        ],
        "silver.outcomes": [
            row("silver.outcomes", tenant="old", timed=True, occurred_at=long_ago),
            row("silver.outcomes", tenant="old", timed=False, occurred_at=NOON),
            row("silver.outcomes", tenant="old", timed=True, occurred_at=later),
            row("silver.outcomes", tenant="mute", timed=False, occurred_at=NOON),
        ],
        "silver.signals": [row("silver.signals", tenant="new", occurred_at=NOON - timedelta(days=29))],
    }.items():
        lake.append_local(table, rows, app_id=table, app_version=0)
    (line,) = past_records(Reader(lake))
    assert line.startswith("old: leads are ranked as of")
    assert "400 days after the latest event" in line
    assert line.endswith(f"--as-of {long_ago:%Y-%m-%dT%H:%M:%SZ}")


def test_a_run_over_an_export_of_the_past_says_as_of_when_to_rank(spark: SparkSession, tmp_path: Path) -> None:
    rows = [f"L{i},2020-03-{i + 1:02}T10:00:00Z,{'yes' if i % 3 == 0 else 'no'}" for i in range(12)]
    sample = tmp_path / "landing" / "leads.csv"
    sample.parent.mkdir()
    sample.write_text("\n".join(["id,created,won", *rows, ""]))
    workspace = tmp_path / "mine"
    init_workspace(workspace, tenant="acme")
    (workspace / "contracts" / "leads.odcs.yaml").write_text(draft_contract(sample).text)

    shown = io.StringIO()
    console = Console(file=shown, width=200)
    assert run_jobs(tmp_path / "lake", workspace, landing=sample.parent, as_of=None, console=console) == 0
    assert "rank as of then: leadhouse run … --as-of 2020-03-12T10:00:00Z" in shown.getvalue()


def test_an_empty_lake_has_no_past(tmp_path: Path) -> None:
    assert past_records(Reader(open_lake(tmp_path / "lake"))) == []

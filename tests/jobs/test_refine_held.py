"""A source whose batch fails the gate is held as a whole; the others go on."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from tests.jobs.small_company import LEAD_CONTRACT, land, rows_of, run_company, write_workspace

STRICT = LEAD_CONTRACT + "    quality:\n      - {metric: rowCount, mustBeGreaterThan: 1000}\n"


def test_a_failing_batch_is_invisible_and_said(spark: SparkSession, one_key: None, tmp_path: Path) -> None:
    workspace, landing, lake = write_workspace(tmp_path / "workspace"), land(tmp_path / "landing"), tmp_path / "lake"
    (workspace / "contracts" / "crm.odcs.yaml").write_text(STRICT, encoding="utf-8")
    assert run_company(lake, workspace, landing, "ingest")[0] == 0
    code, shown = run_company(lake, workspace, landing, "refine")
    assert code == 3
    assert "crm: held by the gate" in shown
    records = {row["record_id"] for row in rows_of(lake, "bronze.records") if row["source"] == "crm"}
    assert {row["record_id"] for row in rows_of(lake, "ops.held")} == records
    assert {row["source"] for row in rows_of(lake, "silver.items")} == {"web", "deals"}
    assert {row["source"] for row in rows_of(lake, "silver.traits")} == set()
    assert rows_of(lake, "silver.leads") == []
    assert rows_of(lake, "silver.signals")

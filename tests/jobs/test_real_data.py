"""The public data sets, from their files to their lists."""

from __future__ import annotations

import io
import re
import shutil
from itertools import pairwise
from pathlib import Path

from pyspark.sql import SparkSession
from rich.console import Console

from leadhouse.conf.workspace import shipped_workspace
from leadhouse.jobs.run import run_jobs
from tests.jobs.small_company import rows_of


def _run(lake: Path, workspace: Path, landing: Path, only: str | None = None) -> str:
    shown = io.StringIO()
    code = run_jobs(lake, workspace, landing=landing, as_of=None, console=Console(file=shown, width=400), only=only)
    assert code == 0, shown.getvalue()
    return shown.getvalue()


def _auc(shown: str) -> float:
    return float(re.findall(r"AUC (\.\d+)", shown)[0])


def test_olist(spark: SparkSession, shared_data: Path, tmp_path: Path) -> None:
    shown = _run(tmp_path / "lake", shipped_workspace("olist"), shared_data / "olist_funnel")
    lake = tmp_path / "lake"
    assert len(rows_of(lake, "silver.leads")) == 8000
    assert len(rows_of(lake, "silver.outcomes")) == 842
    (finding,) = rows_of(lake, "silver.findings")
    assert (finding["rule"], finding["status"]) == ("outcome_before_creation", "raised")
    assert "out of time" in shown
    assert 0.60 <= _auc(shown) <= 0.72
    listed = rows_of(lake, "gold.engagement_lists")
    assert listed
    assert {row["channel"] for row in listed} == {"crm_task"}
    assert all(row["reasons"] for row in listed)


def test_x_education(spark: SparkSession, one_key: None, shared_data: Path, tmp_path: Path) -> None:
    """With one identity key: folds are drawn from the leads' ids, and each draw moves the AUC by some thousandths."""
    workspace = tmp_path / "workspace"
    shutil.copytree(shipped_workspace("x_education"), workspace)
    shown = _run(tmp_path / "lake", workspace, shared_data / "x_education")
    lake = tmp_path / "lake"
    assert len(rows_of(lake, "silver.leads")) == 9240
    assert [row for row in rows_of(lake, "silver.traits") if row["value"] == "Select"] == []
    assert "out of fold" in shown
    assert 0.84 <= _auc(shown) <= 0.89

    (contract,) = (workspace / "contracts").iterdir()
    text = contract.read_text(encoding="utf-8")
    head, field, rest = _field(text, "Tags")
    contract.write_text(head + field.replace("value: later", "value: at_creation") + rest, encoding="utf-8")
    shown = _run(lake, workspace, shared_data / "x_education", only="train")
    assert re.search(r"leakage.*tags", shown, re.IGNORECASE), shown


def _field(text: str, physical_name: str) -> tuple[str, str, str]:
    """Cut a contract's text into what is before a field, the field, and what is after it."""
    starts = [match.start() for match in re.finditer(r"^ {6}- ", text, re.MULTILINE)] + [len(text)]
    for start, end in pairwise(starts):
        if f"physicalName: {physical_name}\n" in text[start:end]:
            assert "value: later" in text[start:end]
            return text[:start], text[start:end], text[end:]
    raise AssertionError(physical_name)

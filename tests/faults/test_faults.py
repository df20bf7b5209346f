"""A run that is stopped anywhere ends, after a second start, like one that wasn't."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from leadhouse.jobs.runtime import faults
from tests.jobs.small_company import AS_OF, hashes, land, rows_of, run_company, write_workspace

FACTS = ("silver.signals", "silver.traits", "silver.outcomes", "silver.leads")
POINTS = (
    "refine:before-intent",
    "refine:after-items",
    "refine:after-signals",
    "refine:after-facts",
    "refine:before-outcome",
    "refine:after-outcome",
    "decide:before-outcome",
    "sync:after-outbox",
    "sync:after-send",
)
RECORDS = ("gold.decisions", "gold.enrolments", "gold.outbox", "gold.receipts", "silver.items")


def _state(lake: Path) -> dict[str, object]:
    state: dict[str, object] = {table: hashes(lake, table) for table in FACTS}
    state |= {table: len(rows_of(lake, table)) for table in RECORDS}
    return state


def test_every_point_by_raising(company: Path, tmp_path: Path) -> None:
    """One lake, stopped at one point after another; each start goes on from where the last one fell."""
    lake = tmp_path / "lake"
    for point in POINTS:
        os.environ[faults.VARIABLE] = f"{point}=raise"
        try:
            with pytest.raises(faults.InjectedFaultError):
                run_company(lake, company / "workspace", company / "landing")
        finally:
            os.environ.pop(faults.VARIABLE, None)
    assert run_company(lake, company / "workspace", company / "landing")[0] == 0
    assert _state(lake) == _state(company / "lake")


def test_a_lost_checkpoint_loses_and_repeats_nothing(company: Path, tmp_path: Path) -> None:
    """Twice: the second loss must not bring back the first one's generation, whose writes Delta would skip."""
    lake, landing = tmp_path / "lake", tmp_path / "landing"
    for source in sorted((company / "landing").iterdir()):
        (landing / source.name).mkdir(parents=True)
        for file in source.iterdir():
            (landing / source.name / file.name).write_bytes(file.read_bytes())
        os.environ[faults.VARIABLE] = "refine:after-items=raise"
        try:
            with pytest.raises(faults.InjectedFaultError):
                run_company(lake, company / "workspace", landing)
        finally:
            os.environ.pop(faults.VARIABLE, None)
        shutil.rmtree(lake / "checkpoints" / "refine")
    assert run_company(lake, company / "workspace", landing)[0] == 0
    assert {row["batch"] for row in rows_of(lake, "silver.items")} == {"refine/4/0"}
    assert len(rows_of(lake, "silver.items")) == len(rows_of(company / "lake", "silver.items"))
    assert {table: hashes(lake, table) for table in FACTS} == {
        table: hashes(company / "lake", table) for table in FACTS
    }


def test_a_killed_process_leaves_nothing_to_clean_up(company: Path, tmp_path: Path) -> None:
    lake, workspace = tmp_path / "lake", tmp_path / "workspace"
    write_workspace(workspace)
    land(tmp_path / "landing")
    command = [
        sys.executable, "-m", "leadhouse.jobs.cli", "run", "--lake", str(lake), "--workspace", str(workspace),
        "--landing", str(tmp_path / "landing"), "--as-of", AS_OF.isoformat(),
    ]  # fmt: skip
    killed = subprocess.run(
        command,
        env=os.environ | {faults.VARIABLE: "refine:after-signals=kill"},
        capture_output=True,
        check=False,
        timeout=600,
    )
    assert killed.returncode == -9
    assert run_company(lake, workspace, tmp_path / "landing")[0] == 0
    assert _state(lake) == _state(company / "lake")

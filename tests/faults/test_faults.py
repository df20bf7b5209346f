"""A run that is stopped anywhere ends, after a second start, like one that wasn't."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from leadhouse.jobs.runtime import faults
from tests.faults.harness import POINTS, broken, run_process, state
from tests.jobs.small_company import hashes, land, rows_of, run_company, write_workspace

ROOT = Path(__file__).parents[2]
FACTS = ("silver.signals", "silver.traits", "silver.outcomes", "silver.leads")
_OF_OTHERS = {"topics:listed", "topics:marked", "topics:written", "maintain:expired-{done}", "watch:after-verdict"}
"""Points that no run over files comes to; the tests of topics, of retention and of rollbacks stop there."""


def test_every_point_is_known() -> None:
    """A point that is added to the code is added to the matrix."""
    named = {
        point
        for path in (ROOT / "jobs").rglob("*.py")
        for point in re.findall(r'reach\(f?"([a-z]+:[^"]+)"\)', path.read_text(encoding="utf-8"))
    }
    assert named - _OF_OTHERS <= set(POINTS)


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
    assert broken(lake, state(company / "lake")) == []


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
    lake, workspace, landing = tmp_path / "lake", tmp_path / "workspace", tmp_path / "landing"
    write_workspace(workspace)
    land(landing)
    said = ""
    for point in ("ingest:listed", "ingest:written", "refine:after-signals"):
        killed = run_process(lake, workspace, landing, kill_at=point)
        assert killed.code == -9, killed.said
        said += killed.said
    assert run_company(lake, workspace, landing)[0] == 0
    assert broken(lake, state(company / "lake"), said=said) == []

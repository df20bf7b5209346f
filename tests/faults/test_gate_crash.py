"""Great Expectations itself crashes: what it can't judge is held, what stood goes on standing, and so do the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from leadhouse.expectations import gate
from tests.faults.streams import a_workspace, click, from_files, land, listed
from tests.jobs.following import Followed
from tests.jobs.small_company import rows_of

RULE = "    quality: [{metric: rowCount, mustBeGreaterThan: 0}]\n"


def _crash(engine: str) -> None:
    raise RuntimeError(f"no {engine}, and a word of somebody@x.com")


def test_what_cannot_be_judged_is_held_and_the_last_good_list_stays(
    spark: SparkSession, one_key: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, landing, lake = a_workspace(tmp_path / "workspace"), tmp_path / "landing", tmp_path / "lake"
    contract = from_files(workspace, "judged")
    contract.write_text(contract.read_text() + RULE)
    from_files(workspace, "plain")
    land(landing, "judged/a", click(1))
    land(landing, "plain/a", click(2))
    followed = Followed(lake, workspace, landing)

    def story() -> Iterator[None]:
        yield
        assert listed(lake) == 2
        monkeypatch.setattr(gate, "_batch_definition", _crash)
        land(landing, "judged/b", click(3), click(4))
        land(landing, "plain/b", click(5))
        yield
        monkeypatch.undo()
        held = {row["record_id"] for row in rows_of(lake, "ops.held")}
        assert {row["raw"] for row in rows_of(lake, "bronze.records") if row["record_id"] in held} == {
            click(3),
            click(4),
        }
        assert followed.said("judged: held by the gate") == 1
        assert listed(lake) == 3, "the list of before, and what other sources said since"
        land(landing, "judged/c", click(6))
        yield
        assert listed(lake) == 4, "what is held waits for a person, what can be judged does not"

    assert followed.follow(story()) == 0
    assert followed.said("Great Expectations could not judge it: RuntimeError") == 1
    assert followed.said("@x.com") == 0
    assert len({row["lead_id"] for row in rows_of(lake, "gold.outbox")}) <= 4

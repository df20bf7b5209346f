"""A batch of refine beside a running ingest: its contracts are those that its records may have been taken under."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from leadhouse.conf.errors import TransientError
from leadhouse.conf.workspace import open_workspace
from leadhouse.jobs import refine
from leadhouse.jobs.following import jobs_beside
from leadhouse.jobs.runtime import batches
from leadhouse.jobs.runtime.contracts import read_definitions
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.runner import _begin
from tests.jobs.lakes import append
from tests.jobs.small_company import write_workspace

NOW = datetime(2024, 5, 10, 12, tzinfo=UTC)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run of refine beside other jobs that has seen all contracts but that of the deals. No Spark is needed."""
    folder = write_workspace(tmp_path / "workspace")
    deals = folder / "contracts" / "deals.odcs.yaml"
    content = deals.read_text()
    deals.unlink()
    workspace = open_workspace(folder)
    contracts, problems = read_definitions(workspace)
    assert not problems
    deals.write_text(content)
    return Run(
        spark=SparkSession.__new__(SparkSession), lake=open_lake(tmp_path / "lake"), workspace=workspace,
        contracts=contracts, keys={"acme": b"a secret of the tests"}, run_id="", clock=lambda: NOW,
        beside=jobs_beside("refine"),
    )  # fmt: skip


def pinned(run: Run) -> list[str]:
    """The contracts that the intent of refine's next batch has."""
    named = _begin(run, refine.SPEC, 1, 0).definitions
    return sorted(name.removeprefix("contracts/") for name in named if name.startswith("contracts/"))


def test_jobs_in_turn_go_on_with_the_contracts_of_their_turn(run: Run) -> None:
    assert pinned(replace(run, beside=())) == ["crm.odcs.yaml", "web.odcs.yaml"]


def test_one_that_went_live_or_was_taken_away_since_is_in_the_intent_beside_ingest(run: Run) -> None:
    (run.workspace.folder / "contracts" / "web.odcs.yaml").unlink()
    assert pinned(run) == ["crm.odcs.yaml", "deals.odcs.yaml", "web.odcs.yaml"]


def test_while_contracts_cannot_be_used_a_batch_begins_only_if_the_known_ones_are_enough(run: Run) -> None:
    (run.workspace.folder / "contracts" / "other.odcs.yaml").write_text("not: [a contract")
    append(run.lake, "bronze.files", [{"source": "deals"}])
    with pytest.raises(TransientError, match="expected one for deals, of which something has landed"):
        pinned(run)
    assert batches.find_intent(run.lake, "refine", 1, 0) is None, "it begins when they are mended, with all of them"
    (run.workspace.folder / "contracts" / "other.odcs.yaml").unlink()
    assert "deals.odcs.yaml" in pinned(run)


def test_known_contracts_that_are_enough_are_gone_on_with(run: Run) -> None:
    (run.workspace.folder / "contracts" / "other.odcs.yaml").write_text("not: [a contract")
    append(run.lake, "bronze.files", [{"source": "crm"}])
    assert pinned(run) == ["crm.odcs.yaml", "web.odcs.yaml"]

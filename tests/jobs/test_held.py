"""A person's word on a held batch: what is released becomes facts, known from then on; what is rejected never does."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.jobs.held import decide_held, show_held
from leadhouse.jobs.runtime.batches import REJECTED, RELEASED
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.status import ledger
from tests.jobs.small_company import LEAD_CONTRACT, LEADS, land, rows_of, run_company, write_workspace

STRICT = LEAD_CONTRACT + "    quality:\n      - {metric: rowCount, mustBeGreaterThan: 1000}\n"
BATCH = "refine/1/0"


@pytest.fixture(scope="module")
def kept(spark: SparkSession, one_key: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with workspace, landing and a lake whose CRM export is held by the gate. Don't write to it."""
    folder = tmp_path_factory.mktemp("held")
    workspace, landing, lake = write_workspace(folder / "workspace"), land(folder / "landing"), folder / "lake"
    (workspace / "contracts" / "crm.odcs.yaml").write_text(STRICT, encoding="utf-8")
    assert run_company(lake, workspace, landing, "ingest")[0] == 0
    assert run_company(lake, workspace, landing, "refine")[0] == 3
    return folder


@pytest.fixture
def held(kept: Path, tmp_path: Path) -> Path:
    """A lake of the test's own, held as ``kept`` is."""
    return Path(shutil.copytree(kept, tmp_path / "held")) / "lake"


def test_a_released_batch_becomes_facts_once_known_from_its_release(held: Path) -> None:
    workspace = held.parent / "workspace"
    assert _show(held)[0] == 3
    _decide(held, RELEASED, reason="a small month")
    assert _show(held) == (0, _show(held)[1])
    for _ in range(2):
        assert run_company(held, workspace, None, "refine")[0] == 0
        crm = [row for row in rows_of(held, "silver.items") if row["source"] == "crm"]
        assert len(crm) == LEADS
    received = max(str(row["received_at"]) for row in rows_of(held, "bronze.records"))
    assert all(str(row["known_at"]) > received for row in crm)
    assert len(rows_of(held, "silver.leads")) == LEADS
    (counts,) = [row for row in ledger(Reader(find_place(held))) if row["source"] == "crm"]
    assert (counts["items"], counts["accepted"], counts["held"]) == (LEADS, LEADS, 0)


def test_a_rejected_batch_stays_out_and_is_decided_once(held: Path) -> None:
    _decide(held, REJECTED, reason="the wrong file")
    assert run_company(held, held.parent / "workspace", None, "refine")[0] == 0
    assert not [row for row in rows_of(held, "silver.items") if row["source"] == "crm"]
    (verdict,) = rows_of(held, "ops.verdicts")
    assert (verdict["verdict"], verdict["person"], verdict["reason"]) == (REJECTED, "an analyst", "the wrong file")
    with pytest.raises(InputError, match=r"already decided: crm \(rejected by an analyst\)"):
        _decide(held, RELEASED, reason="after all")


@pytest.mark.parametrize(("batch", "reason"), [("refine/1/9", "x"), (BATCH, " ")])
def test_a_word_on_nothing_or_without_a_reason_is_refused(held: Path, batch: str, reason: str) -> None:
    with pytest.raises(InputError, match="expected"):
        _decide(held, RELEASED, reason=reason, batch=batch)
    assert rows_of(held, "ops.verdicts") == []


def _decide(lake: Path, verdict: str, *, reason: str, batch: str = BATCH) -> None:
    console = Console(file=io.StringIO())
    decide_held(lake, batch, verdict, reason=reason, source=None, person="an analyst", console=console)


def _show(lake: Path) -> tuple[int, str]:
    shown = io.StringIO()
    return show_held(lake, as_json=False, console=Console(file=shown, width=200)), shown.getvalue()

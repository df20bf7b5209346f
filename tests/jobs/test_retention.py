"""What a contract's retention lets go, and what it must not, without Spark."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from leadhouse.conf.settings import Maintenance
from leadhouse.expectations.contract import Contract
from leadhouse.expectations.odcs import read_contracts
from leadhouse.jobs.maintain import STREAMS, Maintained, maintain
from leadhouse.jobs.runtime import faults
from leadhouse.jobs.runtime.batches import Count
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.pins import find_pins
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.runtime.retention import due_expiries
from tests.jobs.lakes import append

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OLD, YOUNG = NOW - timedelta(days=31), NOW - timedelta(days=29)
CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: {source}
name: {source}
version: 1.0.0
status: active
servers: [{{server: landing, type: local, path: "{source}/*.csv", format: csv}}]
customProperties: [{{property: delivery, value: incremental}}]
{sla}
schema:
  - name: {source}
    properties:
      - {{name: id, logicalType: string, required: true, primaryKey: true, customProperties: [{{property: role,
         value: external_id}}]}}
"""
SLA = "slaProperties: [{property: retention, value: 30, unit: d}]"


@pytest.fixture
def contracts(tmp_path: Path) -> tuple[Contract, ...]:
    """Of crm, records go after 30 days; of deals, they stay for ever."""
    for source, sla in (("crm", SLA), ("deals", "")):
        (tmp_path / f"{source}.odcs.yaml").write_text(CONTRACT.format(source=source, sla=sla))
    return read_contracts(tuple(sorted(tmp_path.glob("*.yaml"))), "acme")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake of which refine has taken everything: per source an old and a young record, and one that was refused."""
    lake = open_lake(tmp_path / "lake")
    for number, (source, received_at) in enumerate(
        (source, moment) for source in ("crm", "deals") for moment in (OLD, YOUNG)
    ):
        name = f"{source}-{'old' if received_at == OLD else 'young'}"
        given = {"source": source, "received_at": received_at, "record_id": name}
        raw = f"{name}@x.com".encode()
        append(lake, "bronze.records", [given | {"raw": raw, "batch": f"ingest/1/{number}"}], number + 1)
        append(lake, "silver.quarantine", [given | {"message": f"{name}@x.com"}], number + 1)
    _take_all(lake)
    return lake


def _take_all(lake: Lake) -> None:
    """Write that refine's stream has taken everything."""
    opened = lake.open("bronze.records")
    offset = {"reservoirId": str(opened.metadata().id), "reservoirVersion": opened.version() + 1, "index": -1}
    for name in ("offsets", "commits"):
        folder = lake.checkpoint_path("refine", 1) / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "0").write_text("v1\n{}\n" + json.dumps(offset | {"isStartingVersion": False}))


def _maintain(lake: Lake, contracts: tuple[Contract, ...], **more: Any) -> Maintained:
    settings = Maintenance(history_days=0)
    return maintain(lake, contracts, settings, deadline=time.monotonic() + 60, clock=lambda: NOW, **more)


def _records(lake: Lake, table: str = "bronze.records") -> list[str]:
    return sorted(lake.dataset(table).to_table(columns=["record_id"]).column(0).to_pylist())


def _ledger(lake: Lake) -> list[dict[str, Any]]:
    return Reader(lake).fetch('SELECT source, measure, "rows" FROM ops.ledger ORDER BY measure')


def test_old_records_and_refused_items_go_from_disk_and_are_counted(
    lake: Lake, contracts: tuple[Contract, ...]
) -> None:
    done = _maintain(lake, contracts)
    left = ["crm-young", "deals-old", "deals-young"]
    assert (_records(lake), _records(lake, "silver.quarantine")) == (left, left)
    assert done.expired == (Count("acme", "crm", "expired_quarantine", 1), Count("acme", "crm", "expired", 1))
    assert _ledger(lake) == [
        {"source": "crm", "measure": "expired", "rows": 1},
        {"source": "crm", "measure": "expired_quarantine", "rows": 1},
    ]
    held_in = [path for path in lake.root.rglob("*") if path.is_file() and b"crm-old@x.com" in _plain(path)]
    assert held_in == []
    assert any(b"crm-young@x.com" in _plain(path) for path in lake.root.rglob("*.parquet"))


def _plain(path: Path) -> bytes:
    content = path.read_bytes()
    return content + repr(pl.read_parquet(path).rows()).encode() if path.suffix == ".parquet" else content


def test_the_second_call_lets_nothing_more_go(lake: Lake, contracts: tuple[Contract, ...]) -> None:
    _maintain(lake, contracts)
    version = lake.version("ops.batches")
    assert _maintain(lake, contracts).expired == ()
    assert lake.version("ops.batches") == version


def test_a_dry_run_names_what_would_go(lake: Lake, contracts: tuple[Contract, ...]) -> None:
    planned = _maintain(lake, contracts, dry_run=True)
    assert len(_records(lake)) == 4
    assert lake.version("ops.batches") == 0
    assert planned.expired == _maintain(lake, contracts).expired


@pytest.mark.parametrize("point", ["maintain:expired-0", "maintain:expired-1"])
def test_a_call_that_was_stopped_is_finished_by_the_next_one(
    lake: Lake, contracts: tuple[Contract, ...], point: str
) -> None:
    os.environ[faults.VARIABLE] = f"{point}=raise"
    with pytest.raises(faults.InjectedFaultError):
        _maintain(lake, contracts)
    # A contract that says otherwise by now does not change what was begun.
    done = _maintain(lake, ())
    assert done.expired == (Count("acme", "crm", "expired_quarantine", 1), Count("acme", "crm", "expired", 1))
    assert _records(lake) == _records(lake, "silver.quarantine") == ["crm-young", "deals-old", "deals-young"]
    assert len(_ledger(lake)) == 2
    deletes = [entry for entry in lake.open("bronze.records").history() if entry["operation"] == "DELETE"]
    assert len(deletes) == 1
    assert _maintain(lake, contracts).expired == ()


def test_nothing_goes_before_refine_has_taken_it(lake: Lake, contracts: tuple[Contract, ...]) -> None:
    append(lake, "bronze.records", [{"source": "crm", "received_at": OLD, "record_id": "late"}], 5)
    assert _maintain(lake, contracts).expired == ()
    _take_all(lake)
    assert {count.rows for count in _maintain(lake, contracts).expired} == {1, 2}


def test_a_file_that_is_rewritten_without_what_expired_is_nothing_to_take(
    lake: Lake, contracts: tuple[Contract, ...]
) -> None:
    rows = [{"source": "crm", "received_at": moment, "record_id": str(moment)} for moment in (OLD, YOUNG)]
    append(lake, "bronze.records", rows, 5)
    _take_all(lake)
    assert [entry.note for entry in _maintain(lake, contracts).tables] == ["", ""]
    assert str(YOUNG) in _records(lake)
    assert str(OLD) not in _records(lake)
    assert find_pins(lake, STREAMS).behind == {}


def test_what_a_person_must_decide_stays_with_its_batch(lake: Lake, contracts: tuple[Contract, ...]) -> None:
    unit = {"source": "crm", "batch": "refine/1/0"}
    rows = [{"source": "crm", "received_at": OLD, "record_id": name, "batch": "ingest/1/9"} for name in ("a", "b")]
    append(lake, "bronze.records", rows, 5)
    append(lake, "ops.held", [unit | {"record_id": "a"}], 1)
    _take_all(lake)
    (due,) = due_expiries(lake, contracts, NOW)
    assert (due.table, due.rows, due.spared) == ("bronze.records", 1, ("ingest/1/9",))
    append(lake, "ops.verdicts", [unit | {"verdict": "released"}], 1)
    assert [entry.rows for entry in due_expiries(lake, contracts, NOW)] == [1]  # refine has yet to take it
    append(lake, "silver.items", [{"source": "crm", "record_id": "a"}], 1)
    assert [entry.rows for entry in due_expiries(lake, contracts, NOW)] == [1, 3]


def test_what_a_person_has_rejected_may_go(lake: Lake, contracts: tuple[Contract, ...]) -> None:
    unit = {"source": "crm", "batch": "refine/1/0"}
    append(lake, "ops.held", [unit | {"record_id": "crm-old"}], 1)
    append(lake, "ops.verdicts", [unit | {"verdict": "rejected"}], 1)
    assert [entry.rows for entry in due_expiries(lake, contracts, NOW)] == [1, 1]


def test_the_cut_is_exact(lake: Lake, contracts: tuple[Contract, ...]) -> None:
    moment = OLD + timedelta(days=30)
    assert due_expiries(lake, contracts, moment) == ()
    assert len(due_expiries(lake, contracts, moment + timedelta(microseconds=1))) == 2


@pytest.mark.parametrize(("days", "rows"), [(0, [2, 2]), (10**7, [])])
def test_a_retention_of_no_days_keeps_one_and_one_of_ages_keeps_all(
    lake: Lake, contracts: tuple[Contract, ...], days: int, rows: list[int]
) -> None:
    append(lake, "bronze.records", [{"source": "crm", "received_at": NOW, "record_id": "now"}], 5)
    others = [replace(contract, retention_days=days) for contract in contracts if contract.source == "crm"]
    assert [entry.rows for entry in due_expiries(lake, others, NOW)] == rows

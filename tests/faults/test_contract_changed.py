"""A contract that changes while a batch is unfinished: the batch ends under the one that it began with."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from leadhouse.conf.errors import InputError, LeadhouseError
from leadhouse.jobs.runtime import faults
from tests.faults.streams import a_workspace, click, from_files, land
from tests.jobs.small_company import rows_of, run_company

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: crm
name: crm
version: 1.0.0
status: active
servers: [{server: landing, type: local, path: "crm/*.csv", format: csv}]
customProperties: [{property: delivery, value: incremental}]
schema:
  - name: crm
    properties:
      - {name: id, logicalType: string, required: true, primaryKey: true, customProperties: [{property: role,
         value: external_id}]}
      - {name: size, logicalType: integer, logicalTypeOptions: {minimum: 10},
         customProperties: [{property: role, value: trait}]}
"""
CITY = "      - {name: city, logicalType: string, customProperties: [{property: role, value: trait}]}\n"
PHONE = "      - {name: phone, logicalType: string, customProperties: [{property: role, value: phone}]}\n"
WIDER = CONTRACT.replace("1.0.0", "1.1.0").replace("minimum: 10", "minimum: 1") + CITY
BREAKING = CONTRACT.replace("1.0.0", "1.0.1").replace("{name: size,", "{name: size, physicalName: staff,")


def test_a_batch_that_was_stopped_ends_under_the_contract_that_it_began_with(
    spark: SparkSession, one_key: None, tmp_path: Path
) -> None:
    workspace, landing, lake = a_workspace(tmp_path / "workspace"), tmp_path / "landing", tmp_path / "lake"
    contract = workspace / "contracts" / "crm.odcs.yaml"
    contract.write_text(CONTRACT)
    _land(landing, "first", "A,50,Graz", "B,5,Wien")
    os.environ[faults.VARIABLE] = "refine:after-items=raise"
    with pytest.raises(faults.InjectedFaultError):
        run_company(lake, workspace, landing)

    contract.write_text(BREAKING)
    with pytest.raises(InputError, match="expected a new major"):
        run_company(lake, workspace, landing)

    contract.write_text(WIDER)
    _land(landing, "second", "C,5,Linz")
    for job in ("ingest", "refine"):
        assert run_company(lake, workspace, landing, job)[0] == 0
    assert [(row["message"], row["contract_version"]) for row in rows_of(lake, "silver.quarantine")] == [
        ("expected at least 10; got '5'", "1.0.0")
    ]
    traits = {(row["name"], row["value"]) for row in rows_of(lake, "silver.traits") if row["name"] != "external_id"}
    assert traits == {
        ("size", "50"), ("size", "5"), ("city", "Linz")
    }  # fmt: skip
    used = {row["batch"]: dict(row["definitions"])["contracts/crm.odcs.yaml"] for row in rows_of(lake, "ops.batches")
            if row["job"] == "refine" and row["kind"] == "outcome"}  # fmt: skip
    assert used == {"refine/1/0": _hash(CONTRACT), "refine/1/1": _hash(WIDER)}


def test_a_batch_that_was_stopped_ends_under_the_identity_settings_that_it_began_with(
    spark: SparkSession, one_key: None, tmp_path: Path
) -> None:
    workspace, landing, lake = a_workspace(tmp_path / "workspace"), tmp_path / "landing", tmp_path / "lake"
    settings = workspace / "settings.toml"
    before = settings.read_text()
    settings.write_text(before + '[identity]\ndefault_region = "AT"\n')
    (workspace / "contracts" / "crm.odcs.yaml").write_text(CONTRACT + PHONE)
    _land(landing, "first", "A,50,0664 1234567", "B,50,+43 664 1234567", header="id,size,phone")
    os.environ[faults.VARIABLE] = "refine:after-items=raise"
    with pytest.raises(faults.InjectedFaultError):
        run_company(lake, workspace, landing)

    settings.write_text(before + '[identity]\ndefault_region = "US"\n')
    for job in ("ingest", "refine"):
        assert run_company(lake, workspace, landing, job)[0] == 0
    assert len(rows_of(lake, "silver.leads")) == 1, "the same phone in Austria, and none at all in the United States"


def test_a_contract_that_was_missing_is_used_when_it_is_back(
    spark: SparkSession, one_key: None, tmp_path: Path
) -> None:
    workspace, landing, lake = a_workspace(tmp_path / "workspace"), tmp_path / "landing", tmp_path / "lake"
    for source in ("web", "mail"):
        path = from_files(workspace, source)
        land(landing, f"{source}/a", click(1))
    assert run_company(lake, workspace, landing, "ingest")[0] == 0
    text = path.read_text()
    path.unlink()
    with pytest.raises(LeadhouseError, match="mail has none; put it back"):
        run_company(lake, workspace, landing, "refine")
    path.write_text(text)
    assert run_company(lake, workspace, landing, "refine")[0] == 0
    assert {row["source"] for row in rows_of(lake, "silver.signals")} == {"web", "mail"}


def _land(landing: Path, name: str, *rows: str, header: str = "id,size,city") -> None:
    (landing / "crm").mkdir(parents=True, exist_ok=True)
    (landing / "crm" / f"{name}.csv").write_text("\n".join([header, *rows, ""]))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

"""A field that is added to a contract reaches the records that came before it; what was stated stays as it is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.jobs.rebuild import rebuild_source
from leadhouse.jobs.runtime import faults
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.status import ledger
from tests.jobs.small_company import rows_of, run_company

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: crm
name: crm
version: 1.0.0
status: active
servers: [{server: landing, type: local, path: "crm/*.jsonl", format: json}]
customProperties: [{property: delivery, value: incremental}]
schema:
  - name: crm
    properties:
      - {name: id, logicalType: string, required: true, primaryKey: true, customProperties: [{property: role,
         value: external_id}]}
      - {name: changed, logicalType: timestamp, required: true, customProperties: [{property: role,
         value: updated_at}]}
      - {name: size, logicalType: integer, customProperties: [{property: role, value: trait}]}
"""
ADDED = """\
      - {name: city, logicalType: string, customProperties: [{property: role, value: trait}]}
      - {name: mail, logicalType: string, customProperties: [{property: role, value: email}]}
"""
ROWS = (
    '{"id": "1", "changed": "2026-01-01T00:00:00Z", "size": 5, "city": "Graz", "mail": "a@x.com"}',
    '{"id": "1", "changed": "2026-01-01T00:00:00Z", "size": 5, "city": "Graz", "mail": "a@x.com"}',
    '{"id": "1", "changed": "2026-01-02T00:00:00Z", "size": 6, "city": "Linz", "mail": "a@x.com"}',
    '{"id": "2", "changed": "2026-01-02T00:00:00Z", "size": 7, "mail": "a@x.com"}',
    '{"id": "3", "changed": "no day", "size": 8, "city": "Wien"}',
)
FACTS = ("silver.traits", "silver.identity_links", "silver.items")


@pytest.fixture
def lake(spark: SparkSession, one_key: None, tmp_path: Path) -> Path:
    contract(tmp_path, CONTRACT)
    (tmp_path / "landing" / "crm").mkdir(parents=True)
    (tmp_path / "landing" / "crm" / "leads.jsonl").write_text("\n".join([*ROWS, ""]), encoding="utf-8")
    for job in ("ingest", "refine"):
        assert run_company(tmp_path / "lake", tmp_path / "workspace", tmp_path / "landing", job)[0] == 0
    return tmp_path / "lake"


def contract(folder: Path, text: str) -> None:
    (folder / "workspace" / "contracts").mkdir(parents=True, exist_ok=True)
    (folder / "workspace" / "contracts" / "crm.odcs.yaml").write_text(text, encoding="utf-8")
    settings = 'tenant = "acme"\n[landing]\nsettle_seconds = 0.0\n'
    (folder / "workspace" / "settings.toml").write_text(settings, encoding="utf-8")


def rebuild(folder: Path, source: str = "crm") -> str:
    shown = io.StringIO()
    assert rebuild_source(folder / "lake", folder / "workspace", source, console=Console(file=shown, width=200)) == 0
    return shown.getvalue()


def stored(lake: Path) -> dict[str, list[Any]]:
    return {table: sorted(map(str, rows_of(lake, table))) for table in FACTS}


def said(lake: Path) -> set[tuple[str, str, str]]:
    return {(row["name"], row["value"], str(row["stated_at"])[:10]) for row in rows_of(lake, "silver.traits")}


def test_an_added_field_reaches_old_records_once_and_changes_nothing_that_was_stated(
    lake: Path, tmp_path: Path
) -> None:
    before, counts = stored(lake), ledger(Reader(find_place(lake)))
    assert len(rows_of(lake, "silver.leads")) == 2
    contract(tmp_path, CONTRACT.replace("1.0.0", "1.1.0") + ADDED)
    assert "new facts" in rebuild(tmp_path)
    after = stored(lake)
    assert {table: set(rows) - set(after[table]) for table, rows in before.items()} == {table: set() for table in FACTS}
    assert after["silver.items"] == before["silver.items"]
    assert said(lake) >= {("city", "Graz", "2026-01-01"), ("city", "Linz", "2026-01-02"), ("size", "5", "2026-01-01")}
    assert not any(value == "Wien" for _, value, _ in said(lake)), "a record that was refused stays refused"
    known = {row["name"]: row["known_at"] for row in rows_of(lake, "silver.traits")}
    assert known["city"] > known["size"], "what a record says more is known from now on"
    assert len(rows_of(lake, "silver.leads")) == 1, "an address that both name joins them"
    assert ledger(Reader(find_place(lake))) == counts
    assert "nothing new" in rebuild(tmp_path)
    assert stored(lake) == after


def test_a_rebuild_that_is_stopped_ends_like_one_that_was_not(lake: Path, tmp_path: Path) -> None:
    contract(tmp_path, CONTRACT.replace("1.0.0", "1.1.0") + ADDED)
    for point in ("refine:after-signals", "refine:after-facts", "rebuild:before-outcome"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(faults.VARIABLE, f"{point}=raise")
            with pytest.raises(faults.InjectedFaultError):
                rebuild(tmp_path)
    rebuild(tmp_path)
    assert len([row for row in rows_of(lake, "silver.traits") if row["name"] == "city"]) == 2
    assert len({row["trait_id"] for row in rows_of(lake, "silver.traits")}) == len(rows_of(lake, "silver.traits"))


def test_what_would_be_refused_by_now_is_told_and_stays(lake: Path, tmp_path: Path) -> None:
    narrower = CONTRACT.replace("logicalType: integer,", "logicalType: integer, logicalTypeOptions: {maximum: 6},")
    before = stored(lake)
    contract(tmp_path, narrower.replace("1.0.0", "2.0.0"))
    assert "1 items that had passed would be refused now" in rebuild(tmp_path)
    assert stored(lake) == before


def test_a_source_that_no_contract_names_is_refused(lake: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected one of crm; got 'web'"):
        rebuild(tmp_path, "web")

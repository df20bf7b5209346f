"""Bad records go to quarantine with their reason; the rest goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.jobs.small_company import rows_of, run_company, write_workspace

GOOD = '{"id": "%s", "type": "form", "at": "2025-03-01T00:00:00Z", "who": {"visitor": "v", "mail": "a@x.com"}}'
BAD: dict[str, tuple[bytes, str, str | None]] = {
    "broken JSON": (b'{"id": "b1", "type": }', "record", None),
    "a truncated line": (b'{"id": "b2", "type": "form", "at": "2025-03-', "record", None),
    "something after the value": (GOOD.replace("%s", "b3").encode() + b' {"id": "lost"}', "record", None),
    "an unknown value": (GOOD.replace("form", "fax").replace("%s", "b4").encode(), "valid_values", "type"),
    "a missing required field": (
        b'{"type": "form", "at": "2025-03-01T00:00:00Z", "who": {"visitor": "v"}}',
        "required",
        "id",
    ),
    "an invalid date": (GOOD.replace("2025-03-01", "2025-02-30").replace("%s", "b5").encode(), "type", "at"),
    "a time without a day": (GOOD.replace("2025-03-01T00:00:00Z", "12:30").replace("%s", "b6").encode(), "type", "at"),
    "a moment in the future": (GOOD.replace("2025-03-01", "2999-03-01").replace("%s", "b7").encode(), "future", "at"),
    "bytes that are no UTF-8": (b'{"id": "b8\xff", "type": "form"}', "encoding", None),
    "a NUL": (b'{"id": "b9\x00", "type": "form"}', "encoding", None),
    "nesting 1,000 deep": (b'{"who":' * 1100 + b"1" + b"}" * 1100, "record", None),
    "a field of 1 MB": (GOOD.replace("%s", "x" * 1_000_001).encode(), "record_size", None),
    "nobody named": (b'{"id": "b10", "type": "form", "at": "2025-03-01T00:00:00Z", "who": {}}', "identity", "visitor"),
    "an array instead of an object": (b"[1, 2]", "record", None),
}

LEADS = """id,created,changed,mail,industry,size
L1,2025-01-01T00:00:00Z,,a@x.com,"media, ""old""
and new",5
L2,2025-01-01T00:00:00Z,,b@x.com,retail,NaN
L3,2025-01-01T00:00:00Z,,c@x.com,retail,Infinity
L4,2025-01-01T00:00:00Z,,d@x.com,retail,2.5
L5,2025-01-01T00:00:00Z,,e@x.com,retail,0
L6,2025-01-01T00:00:00Z,,f@x.com,retail
L7,2025-01-01T00:00:00Z,,g@x.com,5" screens,"1,234"
L8,2025-01-01T00:00:00Z,,h@x.com,"unclosed,3
L9,2025-01-01T00:00:00Z,,i@x.com,retail,7
"""
RENAMED = b"id,created,changed,email,industry,size,extra\nL20,2025-01-01T00:00:00Z,,z@x.com,retail,3,more\n"
REFUSED_LEADS = {"L2": "type", "L3": "type", "L4": "type", "L5": "minimum", "L6": "record", "L8": "record"}


@pytest.fixture(scope="module")
def refined(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake after bad and good records of two sources, and an export with a renamed column."""
    folder = tmp_path_factory.mktemp("bad")
    write_workspace(folder / "workspace")
    lines = [GOOD.replace("%s", f"g{number}").encode() for number in range(20)] + [line for line, _, _ in BAD.values()]
    files = {
        "web/events.jsonl": b"\n".join(lines) + b"\n",
        "crm/leads.csv": LEADS.encode(),
        "crm/renamed.csv": RENAMED,
        "crm/empty.csv": b"",
        "deals/header.csv": b"id,won_at\n",
    }
    for name, content in files.items():
        (folder / "landing" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "landing" / name).write_bytes(content)
    for only in ("ingest", "refine"):
        code, shown = run_company(folder / "lake", folder / "workspace", folder / "landing", only)
        assert code == 0, shown
    return folder / "lake"


def _by_raw(lake: Path) -> dict[bytes, dict[str, object]]:
    raw = {row["record_id"]: row["raw"] for row in rows_of(lake, "bronze.records")}
    return {raw[row["record_id"]]: row for row in rows_of(lake, "silver.quarantine")}  # type: ignore[misc]


@pytest.mark.parametrize("what", BAD)
def test_a_bad_record_is_refused_with_its_reason(refined: Path, what: str) -> None:
    line, rule, column = BAD[what]
    refusal = _by_raw(refined)[line]
    assert (refusal["rule"], refusal["column"]) == (rule, column)
    assert str(refusal["message"]).startswith("expected ")
    assert refusal["contract_version"] == "1.0.0"


def test_good_records_beside_bad_ones_go_on(refined: Path) -> None:
    assert {
        json.loads(row["raw"])["id"]
        for row in rows_of(refined, "bronze.records")
        if row["raw"].startswith(b'{"id": "g')
    } == {  # type: ignore[attr-defined, call-overload]
        f"g{number}" for number in range(20)
    }
    assert len(rows_of(refined, "silver.signals")) == 20


def test_csv_rows_are_refused_one_by_one(refined: Path) -> None:
    refused = {
        raw[:2].decode(): row["rule"] for raw, row in _by_raw(refined).items() if raw[:1] == b"L" and raw[:3] != b"L20"
    }
    assert refused == REFUSED_LEADS
    sizes = {row["value"] for row in rows_of(refined, "silver.traits") if row["name"] == "size"}
    assert sizes == {"5", "1234", "7"}
    industries = {row["value"] for row in rows_of(refined, "silver.traits") if row["name"] == "industry"}
    assert industries == {'media, "old"\nand new', '5" screens', "retail"}


def test_a_renamed_column_refuses_the_files_rows_and_names_the_column(refined: Path) -> None:
    row = next(row for raw, row in _by_raw(refined).items() if raw.startswith(b"L20"))
    assert row["rule"] == "column"
    assert "'mail'" in str(row["message"])


def test_every_item_is_accounted_for_once(refined: Path) -> None:
    accounted = [
        row["record_id"]
        for table in ("silver.items", "silver.quarantine", "ops.held")
        for row in rows_of(refined, table)
    ]
    assert sorted(accounted) == sorted(row["record_id"] for row in rows_of(refined, "bronze.records"))  # type: ignore[type-var]

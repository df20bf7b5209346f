"""The laws of the whole path: again = once, order and pieces don't matter, what is derived comes back equal."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.jobs.small_company import LEADS, deal_rows, event_rows, hashes, land, rows_of, run_company

FACTS = ("silver.signals", "silver.traits", "silver.outcomes", "silver.consents", "silver.leads")
DERIVED = ("gold.lead_features", "gold.lead_scores", "gold.engagement_lists")


def test_the_whole_path_accounts_for_every_record(company: Path) -> None:
    lake = company / "lake"
    assert len(rows_of(lake, "bronze.records")) == LEADS + len(event_rows()) + len(deal_rows())
    assert len(rows_of(lake, "silver.items")) == LEADS + len(event_rows()) + len(deal_rows())
    assert len(rows_of(lake, "silver.leads")) == LEADS
    assert {row["lead_id"] for row in rows_of(lake, "gold.lead_scores")} == {
        row["lead_id"] for row in rows_of(lake, "silver.leads")
    }
    assert all(row["status"] == "scored" for row in rows_of(lake, "gold.lead_scores"))
    listed = rows_of(lake, "gold.engagement_lists")
    assert 0 < len(listed) <= 20
    assert all(row["reasons"] for row in listed)
    assert (company / "lake-exports" / "hot.csv").read_text(encoding="utf-8").count("\n") == len(listed) + 1


def test_running_again_writes_no_fact_and_sends_nothing(company: Path) -> None:
    lake = company / "lake"
    before = {
        table: len(rows_of(lake, table))
        for table in (*FACTS, "silver.items", "gold.decisions", "gold.outbox", "gold.receipts")
    }
    code, shown = run_company(lake, company / "workspace", company / "landing")
    assert code == 0
    assert shown.count("nothing new") == 7, shown
    assert {table: len(rows_of(lake, table)) for table in before} == before


def test_order_of_arrival_and_pieces_change_neither_facts_nor_features_nor_lists(company: Path, tmp_path: Path) -> None:
    whole = {table: hashes(company / "lake", table) for table in (*FACTS, *DERIVED)}
    land(tmp_path / "all", pieces=5, reverse=True)
    # They land in two helpings: first the last pieces, then everything.
    first = tmp_path / "landing"
    for path in sorted((tmp_path / "all").rglob("*.*")):
        target = first / path.relative_to(tmp_path / "all")
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.stem[-1] in "01":
            shutil.copy2(path, target)
    for only in ("ingest", "refine"):
        assert run_company(tmp_path / "lake", company / "workspace", first, only)[0] == 0
    shutil.copytree(tmp_path / "all", first, dirs_exist_ok=True)
    code, shown = run_company(tmp_path / "lake", company / "workspace", first)
    assert code == 0, shown
    for table, expected in whole.items():
        assert hashes(tmp_path / "lake", table) == expected, table


def test_derived_tables_come_back_equal_and_a_late_event_changes_no_earlier_known(
    company: Path, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    shutil.copytree(company / "lake", lake)
    expected = {table: hashes(lake, table) for table in DERIVED}
    for table in DERIVED:
        shutil.rmtree(lake / table.replace(".", "/"))
    code, shown = run_company(lake, company / "workspace", company / "landing")
    assert code == 0, shown
    assert {table: hashes(lake, table) for table in DERIVED} == expected
    assert len(rows_of(lake, "gold.decisions")) == len(rows_of(company / "lake", "gold.decisions"))

    landing = tmp_path / "landing"
    shutil.copytree(company / "landing", landing)
    # A record that joins two leads (one browser, two addresses).
    joining = {"id": "join", "type": "form", "at": "2025-11-20T00:00:00Z", "who": {"visitor": "v0", "mail": "p3@x.com"}}
    (landing / "web" / "late.jsonl").write_text(json.dumps(joining) + "\n", encoding="utf-8")
    code, shown = run_company(lake, company / "workspace", landing)
    assert code == 0, shown
    assert len(rows_of(lake, "silver.leads")) == LEADS - 1
    joined = next(row for row in rows_of(lake, "silver.leads") if len(row["identity_keys"]) > 3)  # type: ignore[arg-type]
    history = [row for row in rows_of(lake, "silver.identities") if row["identity_key"] in joined["identity_keys"]]  # type: ignore[operator]
    assert len({row["lead_id"] for row in history}) == 2
    features = next(row for row in rows_of(lake, "gold.lead_features") if row["lead_id"] == joined["lead_id"])
    assert dict(features["numbers"])["count_90d"] == 1.0  # type: ignore[call-overload]
    assert [row for row in rows_of(lake, "gold.decisions") if row["lead_id"] not in joined["identity_keys"]]  # type: ignore[operator]

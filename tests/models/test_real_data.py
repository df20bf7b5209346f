"""The figures that are known for real exports, straight from their files."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from leadhouse.models.examples import read_examples
from leadhouse.models.learn import OUT_OF_FOLD, OUT_OF_TIME, Plan, Prepared, Trained, learn, prepare
from tests.models.data import CATEGORIES, NUMBERS

Row = dict[str, str]
LATER = {
    "Tags", "Lead Quality", "Lead Profile", "Asymmetrique Activity Index", "Asymmetrique Profile Index",
    "Asymmetrique Activity Score", "Asymmetrique Profile Score", "Last Activity", "Last Notable Activity",
    "What is your current occupation", "What matters most to you in choosing a course",
}  # fmt: skip
FLAGS = {"Yes": 1.0, "No": 0.0}
QUANTITIES = ("TotalVisits", "Total Time Spent on Website", "Page Views Per Visit")


def read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def trained(rows: Iterable[tuple[str, datetime, bool, Row]], *, timed: bool) -> Trained:
    """Learn from (lead, moment, won, fields): yes and no become flags, quantities numbers, anything else categories."""
    ids, moments, labels, numbers, categories = [], [], [], [], []
    for lead, moment, won, fields in rows:
        said = {f"trait:{name}": value for name, value in fields.items() if name and value not in ("", "Select")}
        figures = {n: float(v) for n, v in said.items() if n.removeprefix("trait:") in QUANTITIES}
        flags = {n: FLAGS[v] for n, v in said.items() if v in FLAGS}
        ids.append(lead)
        moments.append(moment)
        labels.append(won)
        numbers.append(list((figures | flags).items()))
        categories.append([(n, v) for n, v in said.items() if n not in figures and n not in flags])
    table = pa.table(
        {
            "lead_id": ids,
            "as_of": pa.array(moments, pa.timestamp("us", tz="UTC")),
            "label": labels,
            "timed": [timed] * len(ids),
            "numbers": pa.array(numbers, NUMBERS),
            "categories": pa.array(categories, CATEGORIES),
        }
    )
    plan = Plan("real", "won", 90)
    data = prepare(read_examples(table), plan)
    assert isinstance(data, Prepared)
    return learn(data, plan)


def x_education(folder: Path, later: set[str]) -> Trained:
    rows, drop = read(folder / "x_education" / "Leads.csv"), {"Prospect ID", "Lead Number", "Converted", *later}
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    return trained(
        (
            (row["Prospect ID"], moment, row["Converted"] == "1", {n: v for n, v in row.items() if n not in drop})
            for row in rows
        ),
        timed=False,
    )


def test_x_education_without_what_is_known_later(shared_data: Path) -> None:
    found = x_education(shared_data, LATER)
    assert found.method == OUT_OF_FOLD
    assert 0.84 <= found.metrics.auc <= 0.89
    assert found.metrics.auc > found.baseline_auc
    assert found.metrics.calibration_error < 0.02
    assert found.suspects == ()


def test_x_education_with_tags_is_suspected_of_leakage(shared_data: Path) -> None:
    found = x_education(shared_data, LATER - {"Tags"})
    assert [suspect.feature for suspect in found.suspects] == ["trait:Tags"]
    assert found.suspects[0].figure == pytest.approx(0.92, abs=0.01)


def test_olist_out_of_time(shared_data: Path) -> None:
    folder = shared_data / "olist_funnel"
    won_at = {
        row["mql_id"]: datetime.fromisoformat(row["won_date"]).replace(tzinfo=UTC)
        for row in read(folder / "olist_closed_deals_dataset.csv")
    }
    rows = []
    for row in read(folder / "olist_marketing_qualified_leads_dataset.csv"):
        moment = datetime.fromisoformat(row["first_contact_date"]).replace(tzinfo=UTC)
        won = won_at.get(row["mql_id"])
        if won is None or won > moment:
            label = won is not None and won <= moment + timedelta(days=90)
            rows.append((row["mql_id"], moment, label, {n: row[n] for n in ("origin", "landing_page_id")}))
    found = trained(rows, timed=True)
    assert len(rows) == 7999
    assert found.method == OUT_OF_TIME
    assert 0.60 <= found.metrics.auc <= 0.72

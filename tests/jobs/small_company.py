"""A company of 160 leads in three sources, written as files: enough to learn from, small enough for every test."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from leadhouse.jobs.run import run_jobs
from leadhouse.jobs.runtime.place import find_place

LEADS = 160
START = datetime(2025, 1, 6, 9)
AS_OF = datetime.fromisoformat("2025-12-01T00:00:00+00:00")

SETTINGS = """
tenant = "acme"
[training]
ages_days = [7]
horizon_days = 30
[landing]
settle_seconds = 0.0
"""

LEAD_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: crm
name: crm
version: 1.0.0
status: active
servers: [{server: landing, type: local, path: "crm/*.csv", format: csv}]
customProperties: [{property: delivery, value: incremental}, {property: history, value: backfill}]
schema:
  - name: crm
    properties:
      - {name: id, logicalType: string, required: true, primaryKey: true, customProperties: [{property: role,
         value: external_id}]}
      - {name: created, logicalType: timestamp, required: true, customProperties: [{property: role, value: created_at}]}
      - {name: changed, logicalType: timestamp, customProperties: [{property: role, value: updated_at}]}
      - {name: mail, logicalType: string, customProperties: [{property: role, value: email}]}
      - {name: industry, logicalType: string, customProperties: [{property: role, value: trait}]}
      - {name: size, logicalType: integer, logicalTypeOptions: {minimum: 1},
         customProperties: [{property: role, value: trait}]}
"""

EVENT_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: web
name: web
version: 1.0.0
status: active
servers: [{server: landing, type: local, path: "web/*.jsonl", format: json}]
customProperties: [{property: history, value: backfill}, {property: channel, value: web}]
schema:
  - name: web
    properties:
      - {name: id, logicalType: string, required: true, primaryKey: true}
      - {name: type, logicalType: string, required: true, customProperties: [{property: role, value: signal_type}],
         quality: [{metric: invalidValues, arguments: {validValues: [page_view, form]}, mustBe: 0}]}
      - {name: at, logicalType: timestamp, required: true, customProperties: [{property: role, value: occurred_at}]}
      - {name: visitor, physicalName: who.visitor, logicalType: string, customProperties: [{property: role,
         value: anonymous_id}]}
      - {name: mail, physicalName: who.mail, logicalType: string, customProperties: [{property: role, value: email}]}
"""

DEAL_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: deals
name: deals
version: 1.0.0
status: active
servers: [{server: landing, type: local, path: "deals/*.csv", format: csv}]
customProperties:
  - {property: delivery, value: incremental}
  - {property: history, value: backfill}
  - {property: createsLeads, value: false}
  - {property: outcome, value: won}
schema:
  - name: deals
    properties:
      - {name: id, logicalType: string, required: true, primaryKey: true, customProperties: [{property: role,
         value: external_id}, {property: namespace, value: crm}]}
      - {name: won_at, logicalType: timestamp, required: true, customProperties: [{property: role, value: outcome_at}]}
"""

HOT = """
name: hot
channel: crm_task
purpose: sales
eligible: "age_days > 0"
capacity_per_day: 20
hold_out: 0.1
legal_basis: legitimate_interest
"""


def write_workspace(folder: Path) -> Path:
    """Write the company's settings, contracts and list."""
    files = {
        "settings.toml": SETTINGS,
        "contracts/crm.odcs.yaml": LEAD_CONTRACT,
        "contracts/web.odcs.yaml": EVENT_CONTRACT,
        "contracts/deals.odcs.yaml": DEAL_CONTRACT,
        "lists/hot.yaml": HOT,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def lead_rows() -> list[list[str]]:
    """The CRM's rows: every third lead is large and visits often; those win more."""
    rows = []
    for number in range(LEADS):
        created = START + timedelta(hours=31 * number)
        industry = ("retail", "media", "health")[number % 3]
        rows.append(
            [f"L{number:03}", _text(created), _text(created), f"p{number}@x.com", industry, str(1 + number % 50)]
        )
    return rows


def event_rows() -> list[str]:
    """The web's lines: leads of every third kind come back five times; a form tells whose browser it was."""
    lines = []
    for number in range(LEADS):
        created = START + timedelta(hours=31 * number)
        for visit in range(5 if number % 3 == 0 else 1):
            moment = created + timedelta(days=visit, minutes=5)
            who = {"visitor": f"v{number}"} | ({"mail": f"P{number}@X.com"} if visit == 0 else {})
            kind = "form" if visit == 0 else "page_view"
            lines.append(json.dumps({"id": f"e{number}-{visit}", "type": kind, "at": _text(moment), "who": who}))
    return lines


def deal_rows() -> list[list[str]]:
    """The deals: most of every third kind, few of the others."""
    won = [number for number in range(LEADS) if (number % 3 == 0 and number % 15) or number % 10 == 1]
    return [[f"L{number:03}", _text(START + timedelta(hours=31 * number, days=20))] for number in won]


def land(landing: Path, *, pieces: int = 1, reverse: bool = False) -> Path:
    """Write the company's files below a landing folder, each source in so many pieces, in or against their order."""
    for folder, name, header, rows in (
        ("crm", "leads", ["id", "created", "changed", "mail", "industry", "size"], lead_rows()),
        ("deals", "deals", ["id", "won_at"], deal_rows()),
    ):
        for number, part in _pieces(rows, pieces, reverse):
            _write(landing / folder / f"{name}{number}.csv", _csv([header, *part]))
    for number, lines in _pieces(event_rows(), pieces, reverse):
        _write(landing / "web" / f"events{number}.jsonl", "\n".join(lines) + "\n")
    return landing


def run_company(lake: Path, workspace: Path, landing: Path | None, only: str | None = None) -> tuple[int, str]:
    """Run all jobs, or one, at AS_OF. Returns the exit code and what the terminal showed."""
    shown = io.StringIO()
    code = run_jobs(lake, workspace, landing=landing, as_of=AS_OF, console=Console(file=shown, width=200), only=only)
    return code, shown.getvalue()


def hashes(lake: Path, table: str) -> list[str]:
    """A table's content hashes in order, read without Spark."""
    table_of = find_place(lake).open(table).to_pyarrow_dataset().to_table(columns=["content_hash"])
    return sorted(table_of.column("content_hash").to_pylist())


def rows_of(lake: Path, table: str) -> list[dict[str, object]]:
    """A table's rows, read without Spark."""
    rows: list[dict[str, object]] = find_place(lake).open(table).to_pyarrow_dataset().to_table().to_pylist()
    return rows


def _pieces(rows: Sequence[Any], pieces: int, reverse: bool) -> Iterable[tuple[int, Sequence[Any]]]:
    size = -(-len(rows) // pieces)
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    return enumerate(reversed(parts) if reverse else parts)


def _csv(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

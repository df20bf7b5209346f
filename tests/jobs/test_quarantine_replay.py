"""After a contract fix exactly the refused rows that pass now become facts, once; the others stay refused."""

from __future__ import annotations

import io
from pathlib import Path

from pyspark.sql import SparkSession
from rich.console import Console

from leadhouse.jobs.quarantine_list import quarantined
from leadhouse.jobs.quarantine_replay import replay_quarantine
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.status import ledger
from tests.jobs.small_company import rows_of, run_company

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: web
name: web
version: 1.0.0
status: active
servers: [{server: landing, type: local, path: "web/*.jsonl", format: json}]
schema:
  - name: web
    properties:
      - {name: id, logicalType: string, required: true, primaryKey: true}
      - {name: type, logicalType: string, required: true, customProperties: [{property: role, value: signal_type}],
         quality: [{metric: invalidValues, arguments: {validValues: [view]}, mustBe: 0}]}
      - {name: at, logicalType: timestamp, required: true, customProperties: [{property: role, value: occurred_at}]}
      - {name: mail, logicalType: string, customProperties: [{property: role, value: email}]}
"""
ROWS = (
    '{"id": "1", "type": "view", "at": "2026-01-01T00:00:00Z", "mail": "a@x.com"}',
    '{"id": "2", "type": "form", "at": "2026-01-02T00:00:00Z", "mail": "b@x.com"}',
    '{"id": "3", "type": "form", "at": "yesterday", "mail": "c@x.com"}',
    '{"id": "4", "type": "call", "at": "2026-01-03T00:00:00Z", "mail": "d@x.com"}',
    "no json",
)


def test_what_passes_after_a_fix_moves_once_and_the_rest_stays(
    spark: SparkSession, one_key: None, tmp_path: Path
) -> None:
    lake, workspace, landing = tmp_path / "lake", tmp_path / "workspace", tmp_path / "landing"
    _contract(workspace, CONTRACT)
    (landing / "web").mkdir(parents=True)
    (landing / "web" / "events.jsonl").write_text("\n".join([*ROWS, ""]), encoding="utf-8")
    for job in ("ingest", "refine"):
        assert run_company(lake, workspace, landing, job)[0] == 0
    assert _reasons(lake) == {("type", "form"): 2, ("type", "call"): 1, (None, "expected a line"): 1}
    _contract(workspace, CONTRACT.replace("[view]", "[view, form]").replace("1.0.0", "1.1.0"))
    for _ in range(2):
        assert replay_quarantine(lake, workspace, console=Console(file=io.StringIO())) == 0
        signals = {str(row["occurred_at"])[:10] for row in rows_of(lake, "silver.signals")}
        assert signals == {"2026-01-01", "2026-01-02"}
        assert len(rows_of(lake, "silver.signals")) == 2
        assert _reasons(lake) == {("at", "yesterday"): 1, ("type", "call"): 1, (None, "expected a line"): 1}
    (counts,) = ledger(Reader(find_place(lake)))
    assert (counts["items"], counts["accepted"], counts["quarantined"]) == (5, 2, 3)


def _contract(workspace: Path, text: str) -> None:
    (workspace / "contracts").mkdir(parents=True, exist_ok=True)
    (workspace / "contracts" / "web.odcs.yaml").write_text(text, encoding="utf-8")
    settings = 'tenant = "acme"\n[landing]\nsettle_seconds = 0.0\n'
    (workspace / "settings.toml").write_text(settings, encoding="utf-8")


def _reasons(lake: Path) -> dict[tuple[str | None, str], int]:
    """How many items are refused now, by column and by what their message says came."""
    found: dict[tuple[str | None, str], int] = {}
    for row in quarantined(Reader(find_place(lake)))["items"]:
        came = row["message"].split("got '")[1].rstrip("'") if row["column"] else row["message"][:15]
        found[row["column"], came] = found.get((row["column"], came), 0) + 1
    return found

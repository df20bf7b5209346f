"""``leadhouse status``: how the lake stands, read without a JVM; it works on an empty lake too."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from leadhouse.jobs.freshness import freshness
from leadhouse.jobs.latest_events import past_records
from leadhouse.jobs.runtime.answers import grid, show_json
from leadhouse.jobs.runtime.place import Place, find_place
from leadhouse.jobs.runtime.reader import Reader

MEASURES = ("fetched", "items", "accepted", "quarantined", "duplicate", "superseded", "held", "lost", "expired")
"""The ledger's measures in the order of their flow; other measures name tables."""

_RARE = ("superseded", "held", "lost", "expired")
"""Measures that are shown only where there is something of them."""

_JOBS = """
SELECT job, batch, status, started_at, ended_at, as_of, error FROM (
  SELECT *, row_number() OVER (PARTITION BY job ORDER BY generation DESC, number DESC) AS place FROM ops.runs
) WHERE place = 1 ORDER BY started_at
"""
# Two jobs may count the same thing (records written, records read): the larger of their sums is the count. What was
# released or replayed leaves the held or refused ones of refine.
_LEDGER = """
SELECT tenant, source, measure, max(total) AS "rows" FROM (
  SELECT tenant, source, measure, sum("rows") AS total FROM ops.ledger
  GROUP BY tenant, source, measure, CASE WHEN job IN ('release', 'replay') THEN 'refine' ELSE job END
) GROUP BY tenant, source, measure ORDER BY tenant, source
"""
_LISTS = """
SELECT tenant, list, channel, purpose, count(*) AS leads, max(tick) AS tick FROM gold.engagement_lists
GROUP BY tenant, list, channel, purpose ORDER BY tenant, list
"""
_SCORES = """
SELECT tenant, status, model_version, count(*) AS leads, max(as_of) AS as_of, max(known) AS known FROM gold.lead_scores
GROUP BY tenant, status, model_version ORDER BY tenant, status
"""
_WATCHED = """
SELECT tenant, model_version, kind, age_days, verdict, as_of, words FROM (
  SELECT *, row_number() OVER (PARTITION BY tenant, kind, age_days ORDER BY as_of DESC, measured_at DESC) AS place
  FROM gold.model_health WHERE finding = 'verdict' AND kind <> 'seen'
) WHERE place = 1 ORDER BY tenant, kind, age_days
"""
_SENT = """
SELECT tenant, destination, status, count(*) AS actions, max(sent_at) AS sent_at FROM gold.receipts
GROUP BY tenant, destination, status ORDER BY tenant, destination, status
"""
_FINDINGS = """
SELECT tenant, rule, count(*) AS facts FROM (
  SELECT *, row_number() OVER (PARTITION BY tenant, finding_id ORDER BY known_at DESC) AS place FROM silver.findings
) WHERE place = 1 AND status = 'raised' GROUP BY tenant, rule ORDER BY tenant, rule
"""

Row = dict[str, Any]


def status(place: Place, now: datetime) -> Row:
    """Return a lake's state as plain data: jobs, counts, freshness, findings, scores, champions, lists, receipts."""
    reader = Reader(place)
    return {
        "lake": str(place.root),
        "lake_id": place.lake_id,
        "jobs": reader.fetch(_JOBS),
        "ledger": ledger(reader),
        "freshness": freshness(place, reader, now),
        "findings": reader.fetch(_FINDINGS),
        "scores": reader.fetch(_SCORES),
        "champions": champions(place),
        "watched": reader.fetch(_WATCHED) if place.exists("gold.model_health") else [],
        "lists": reader.fetch(_LISTS),
        "sent": reader.fetch(_SENT),
        "past": past_records(reader),
    }


def ledger(reader: Reader) -> list[Row]:
    """Return the count ledger's totals: one row per tenant and source, one key per measure."""
    totals: dict[tuple[str, str], Row] = {}
    for row in reader.fetch(_LEDGER):
        if row["measure"] in MEASURES:
            key = (row["tenant"], row["source"])
            empty = {"tenant": row["tenant"], "source": row["source"]} | dict.fromkeys(MEASURES, 0)
            totals.setdefault(key, empty)[row["measure"]] = row["rows"]
    return list(totals.values())


def champions(place: Place) -> list[Row]:
    """Return the registered champions with their figures, straight from MLflow's SQLite file below the lake.

    Empty where there is no such file: no model yet, or MLflow elsewhere.
    """
    found: list[Row] = []
    for path in sorted((place.root / "models").glob("*")):
        if path.suffix in (".db", ".sqlite") and path.is_file():
            found += _champions_in(path)
    return found


def _champions_in(path: Path) -> list[Row]:
    query = (
        "SELECT a.name, a.version, v.run_id FROM registered_model_aliases a "
        "JOIN model_versions v ON v.name = a.name AND v.version = a.version WHERE a.alias = 'champion' ORDER BY a.name"
    )
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        try:
            models = connection.execute(query).fetchall()
            metrics = "SELECT key, value FROM latest_metrics WHERE run_uuid = ? ORDER BY key"
            return [
                {"model": name, "version": version, "metrics": dict(connection.execute(metrics, (run,)).fetchall())}
                for name, version, run in models
            ]
        finally:
            connection.close()
    except sqlite3.Error as problem:
        return [{"model": path.name, "version": None, "metrics": {}, "problem": str(problem)}]


def show_status(lake_root: Path, *, as_json: bool = False, console: Console) -> None:
    """Print how a lake stands. Raises InputError if there is no lake."""
    state = status(find_place(lake_root), datetime.now(UTC))
    if as_json:
        show_json(state, console)
        return
    console.print(Text(f"lake {state['lake']}", style="bold"))
    if not state["jobs"]:
        console.print("Nothing has run yet: leadhouse run --lake … --workspace … --landing …")
        return
    for title, key, columns in _SECTIONS:
        rows = state[key]
        if rows:
            shown = [name for name in columns if name not in _RARE or any(row.get(name) for row in rows)]
            console.print()
            console.print(
                grid(title, shown, [[row.get(column) for column in shown] for row in rows], width=console.width)
            )
    _show_champions(state["champions"], console)
    for line in state["past"]:
        console.print(Text(f"\n{line}"), soft_wrap=True)


_FIGURES = {"AUC": "auc", "log loss": "log_loss", "calibration error": "calibration_error"}
"""What is shown of a champion, and what MLflow calls it."""
_SECTIONS = (
    ("Jobs", "jobs", ("job", "batch", "status", "ended_at", "error")),
    ("Ledger", "ledger", ("tenant", "source", *MEASURES)),
    ("Freshness", "freshness", ("tenant", "source", "records", "received_at", "age_hours", "promised_hours", "state")),
    ("Findings in force", "findings", ("tenant", "rule", "facts")),
    ("Scores", "scores", ("tenant", "status", "model_version", "leads", "as_of")),
    ("Models, watched", "watched", ("tenant", "model_version", "kind", "verdict", "as_of", "words")),
    ("Lists", "lists", ("tenant", "list", "channel", "purpose", "leads", "tick")),
    ("Sent", "sent", ("tenant", "destination", "status", "actions", "sent_at")),
)


def _show_champions(champions: list[Row], console: Console) -> None:
    """The few figures that one asks for first; the others are in the model's card."""
    for row in champions:
        text = row.get("problem") or ", ".join(_figures(row["metrics"]))
        name = row["model"] if row["version"] is None else f"{row['model']}/{row['version']}"
        console.print(Text(f"\nChampion {name}: {text}"), soft_wrap=True)


def _figures(metrics: dict[str, float]) -> list[str]:
    told = []
    for name, key in _FIGURES.items():
        if key in metrics:
            low, high = metrics.get(f"{key}_low"), metrics.get(f"{key}_high")
            told.append(f"{name} {metrics[key]:.3f}" + ("" if low is None else f" ({low:.3f} to {high:.3f})"))
    return told + ([f"{metrics['examples']:,.0f} examples"] if "examples" in metrics else [])

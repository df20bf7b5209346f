"""What the demo shows at its end, read from the lake without a JVM: layers, quarantine, model, lists, what was sent."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from leadhouse.conf.settings import read_settings
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.company.company import TRUTH, Manifest
from leadhouse.jobs.company.defects import DUPLICATE, FINDING, QUARANTINED
from leadhouse.jobs.company.outcomes import expected_auc, observed_auc
from leadhouse.jobs.runtime.answers import grid
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.status import champions

_TOP_LEADS = 3
_TOP_REASONS = 3


@dataclass(frozen=True)
class Best:
    """The best that anyone could reach on the leads that the model is judged on."""

    leads: int
    expected: float
    """AUC of the true propensity, on average over all outcomes that it could have drawn."""
    observed: float
    """AUC of the true propensity on the outcomes that it did draw."""


def show_report(folder: Path, lake: Path, workspace: Path, manifest: Manifest, console: Console) -> None:
    """Print what came out of a demo's run."""
    reader = Reader(find_place(lake))
    console.print(Rule("what went in", align="left"))
    console.print(
        f"{manifest.leads:,} leads and {manifest.signals:,} signals until {manifest.end}, in {manifest.files} files "
        f"below {folder / 'landing'}",
        highlight=False,
    )
    _show_layers(reader, console)
    _show_quarantine(reader, manifest, console)
    _show_model(folder, workspace, reader, console)
    _show_lists(reader, console)
    _show_sent(reader, console)
    _show_next(lake, workspace, reader, console)


def best_reachable(folder: Path, test_share: float) -> Best | None:
    """Return the best reachable AUC on the latest leads, those that training keeps for the test.

    They are the leads whose horizon has passed and whose moment lies after the first 1 - ``test_share`` of all such.
    None if there are too few to say.
    """
    with (folder / TRUTH).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["settled"] == "true"]
    if not rows:
        return None
    moments = np.array([row["moment"].removesuffix("Z") for row in rows], dtype="datetime64[s]").astype(np.int64)
    late = moments > np.quantile(moments, 1 - test_share, method="inverted_cdf")
    propensity = np.array([float(row["propensity"]) for row in rows])[late]
    won = np.array([row["won"] == "true" for row in rows])[late]
    if not won.any() or won.all():
        return None
    return Best(len(won), expected_auc(propensity), observed_auc(propensity, won))


def _show_layers(reader: Reader, console: Console) -> None:
    console.print(Rule("what went into each layer", align="left"))
    rows = []
    for name, spec in table_specs().items():
        (count,) = reader.fetch(f"SELECT count(*) AS n FROM {name}") if reader.place.exists(name) else [{"n": 0}]
        rows.append((name, count["n"], _first_clause(spec.purpose)))
    console.print(grid(None, ("table", "rows", "holds"), rows, width=console.width))


def _show_quarantine(reader: Reader, manifest: Manifest, console: Console) -> None:
    console.print(Rule("what was refused, doubled or contradictory, beside what was planted", align="left"))
    found = defaultdict(int)
    for row in reader.fetch("SELECT source, rule, count(*) AS n FROM silver.quarantine GROUP BY source, rule"):
        found[QUARANTINED, row["source"], row["rule"]] = row["n"]
    for row in reader.fetch(
        "SELECT source, count(*) AS n FROM silver.items WHERE status = 'duplicate' GROUP BY source"
    ):
        found[DUPLICATE, row["source"], ""] = row["n"]
    for row in reader.fetch("SELECT rule, count(*) AS n FROM silver.findings WHERE status = 'raised' GROUP BY rule"):
        found[FINDING, "deals", row["rule"]] = row["n"]
    planted: dict[tuple[str, str, str], int] = defaultdict(int)
    words: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for entry in manifest.planted:
        key = (entry.result, entry.source, entry.rule or "")
        if entry.result in (QUARANTINED, DUPLICATE, FINDING):
            planted[key] += entry.records
            words[key].append(entry.what)
    rows = [
        (
            *key,
            planted.get(key, 0),
            found.get(key, 0),
            "" if planted.get(key) == found.get(key) else "!",
            "; ".join(words[key]),
        )
        for key in sorted(planted.keys() | found.keys())
    ]
    columns = ("became", "source", "rule", "planted", "found", "", "what was planted")
    console.print(grid(None, columns, rows, width=console.width, fold=True))


def _show_model(folder: Path, workspace: Path, reader: Reader, console: Console) -> None:
    console.print(Rule("the model", align="left"))
    registered = champions(reader.place)
    for champion in registered:
        metrics = champion["metrics"]
        text = ", ".join(f"{words} {metrics[name]:.3f}" for name, words in _FIGURES.items() if name in metrics)
        judged = f"{metrics.get('examples', 0):,.0f} leads that it never saw"
        console.print(f"{champion['model']} version {champion['version']}, on {judged}: {text}", highlight=False)
    if not registered:
        console.print("There is no model: too little to learn from.")
    best = best_reachable(folder, read_settings(workspace).training.test_share)
    if best is not None:
        console.print(
            f"Best AUC that anyone could reach on the latest {best.leads:,} leads: {best.expected:.3f} expected, and "
            f"{best.observed:.3f} with the outcomes that were drawn (by the true propensity, which only the demo has)",
            highlight=False,
        )
    grades = reader.fetch(
        "SELECT coalesce(grade, status) AS grade, count(*) AS leads, avg(probability) AS mean_probability "
        "FROM gold.lead_scores GROUP BY coalesce(grade, status) ORDER BY 1"
    )
    _show_rows(grades, console)


_FIGURES = {"auc": "AUC", "average_precision": "average precision", "lift_at_10": "lift at 10 %", "brier": "Brier"}


def _show_lists(reader: Reader, console: Console) -> None:
    console.print(Rule("who is listed, and why", align="left"))
    _show_rows(
        reader.fetch(
            "SELECT list, channel, purpose, count(*) AS leads, min(score) AS lowest_score, max(score) AS highest_score "
            "FROM gold.engagement_lists GROUP BY list, channel, purpose ORDER BY list"
        ),
        console,
    )
    top = reader.fetch(
        f"SELECT list, rank, lead_id, score, grade, reasons FROM gold.engagement_lists WHERE rank <= {_TOP_LEADS} "
        "ORDER BY list, rank"
    )
    for row in top:
        score = "" if row["score"] is None else f", {row['score']:.0%}"
        console.print(
            Text(f"{row['list']} no. {row['rank']}: lead {row['lead_id'][:12]}…, grade {row['grade']}{score}")
        )
        for reason in row["reasons"][:_TOP_REASONS]:
            console.print(Text(f"    {'+' if reason['direction'] == 'up' else '-'} {reason['words']}"))
    console.print("And who is not:", highlight=False)
    _show_rows(
        reader.fetch(
            "SELECT reason, count(*) AS leads FROM gold.decisions WHERE action = 'none' AND tick = "
            "(SELECT max(tick) FROM gold.decisions) GROUP BY reason ORDER BY leads DESC LIMIT 8"
        ),
        console,
    )


def _show_sent(reader: Reader, console: Console) -> None:
    console.print(Rule("what was sent", align="left"))
    _show_rows(
        reader.fetch(
            "SELECT destination, list, operation, status, count(*) AS leads FROM gold.receipts "
            "GROUP BY destination, list, operation, status ORDER BY destination, list, operation, status"
        ),
        console,
    )
    exports = Path(f"{reader.place.root}-exports")
    for path in sorted(exports.rglob("*")):
        if path.is_file():
            console.print(f"{path}  {path.stat().st_size:,} bytes", highlight=False, soft_wrap=True)


def _show_next(lake: Path, workspace: Path, reader: Reader, console: Console) -> None:
    console.print(Rule("try next", align="left"))
    listed = reader.fetch("SELECT decision_id FROM gold.engagement_lists ORDER BY list, rank LIMIT 1")
    question = "SELECT grade, count(*) AS leads FROM gold.lead_scores GROUP BY grade ORDER BY grade"
    for command in (
        f"trace --lake {lake} {listed[0]['decision_id']}" if listed else f"status --lake {lake}",
        f"models card --lake {lake} --workspace {workspace}",
        f"quarantine list --lake {lake}",
        f'sql --lake {lake} "{question}"',
    ):
        console.print(f"leadhouse {command}", highlight=False, soft_wrap=True)


def _first_clause(purpose: str) -> str:
    return re.split(r"[.:;,]", purpose)[0]


def _show_rows(rows: Sequence[dict[str, Any]], console: Console) -> None:
    if rows:
        console.print(grid(None, list(rows[0]), [list(row.values()) for row in rows], width=console.width))
    else:
        console.print("nothing", highlight=False)

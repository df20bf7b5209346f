"""What was found about a model in use, as rows that say what was looked at, what came out and why."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadhouse.models.drift import ALPHA, Drift, drift
from leadhouse.models.evaluate import Metrics
from leadhouse.models.health import FAILED, UNKNOWN, Health, health
from leadhouse.models.model import LeadModel
from leadhouse.models.reference import Counts, Reference, Tally, tally

SEEN, DRIFT, HEALTH = "seen", "drift", "health"
VERDICT = "verdict"
"""The finding that all others of one kind come to."""
DRIFTED, STEADY = "drifted", "steady"
ENOUGH = 500
"""Leads at an age that are judged together: of fewer, what matters is not told from chance; of a batch of 1,000 most
have come to their first age by the next one."""
_NAMED = 3
"""Findings that a verdict names, the furthest above their threshold first."""
_UNHASHED = ("measure_id", "batch", "measured_at")

Row = dict[str, Any]


@dataclass(frozen=True)
class Watched:
    """A model that is looked at, when and in which batch: what all its rows have in common."""

    tenant: str
    model_version: str
    model_hash: str
    as_of: datetime
    measured_at: datetime
    batch: str


@dataclass(frozen=True)
class Counted:
    """Leads that came to an age, counted in the bins of what the model has seen at that age."""

    age_days: int
    first: datetime
    """After which they came to it."""
    last: datetime
    """Up to when they did."""
    tally: Tally


def waiting(rows: Iterable[Row], age_days: int) -> list[Counted]:
    """Return what was counted at an age and not judged yet, oldest first, from a version's rows."""
    mine = [row for row in rows if row["age_days"] == age_days]
    judged = max((row["last"] for row in mine if row["kind"] == DRIFT), default=datetime.min.replace(tzinfo=UTC))
    left = [
        Counted(age_days, row["first"], row["last"], Tally.from_json(json.loads(row["tally"])))
        for row in mine
        if row["kind"] == SEEN and row["last"] > judged
    ]
    return sorted(left, key=lambda counted: counted.last)


def first_scores(rows: Iterable[Row], age_days: int) -> Counts | None:
    """Return how the scores of the leads lay that were the first to be judged at an age; None if none were yet."""
    mine = [row for row in rows if row["kind"] == DRIFT and row["age_days"] == age_days and row["tally"]]
    return Tally.from_json(json.loads(min(mine, key=lambda row: row["last"])["tally"])).scores if mine else None


def counted_until(rows: Iterable[Row]) -> datetime | None:
    """Return up to which moment a version's leads were counted; None if none ever were."""
    return max((row["last"] for row in rows if row["kind"] in (SEEN, DRIFT)), default=None)


def count_leads(
    model: LeadModel, known: Reference, leads: pa.Table, age_days: int, first: datetime, last: datetime
) -> Counted:
    """Count leads as they were at an age, in the bins of what the model has seen at that age.

    ``leads`` have the columns age_days, numbers and categories; those of other ages are left out. ``first`` and
    ``last``: after which moment, and up to which, they came to it.
    """
    rows = leads.filter(pc.field("age_days") == age_days).select(["numbers", "categories"]).combine_chunks()
    found = tally(known, rows, model.predict(rows), model.fitted.spec)
    return Counted(age_days, first, last, found)


def health_of(scores: pa.Table, card: Mapping[str, Any]) -> Health:
    """Judge a model by its scores (lead_id, probability, label: won within the horizon) and what its card promised."""
    leads = np.unique(scores["lead_id"].to_numpy(), return_inverse=True)[1]
    labels = scores["label"].to_numpy().astype(np.float32)
    return health(labels, scores["probability"].to_numpy(), leads, Metrics(**card["metrics"]))


def drift_rows(
    watched: Watched, known: Reference, before: Sequence[Row], new: Counted, *, ages: int
) -> tuple[Row, ...]:
    """Return what leads that came to an age add: a row that lets them wait, or, if they are enough, the findings.

    ``before`` are the version's rows so far; ``ages`` says how many ages are looked at, each with its share of ALPHA.
    """
    left = waiting(before, new.age_days)
    tally = reduce(add, [counted.tally for counted in left], new.tally)
    first = min([counted.first for counted in left], default=new.first)
    scores = first_scores(before, new.age_days)
    if tally.rows < ENOUGH:
        words = f"{tally.rows:,} leads have come to {_age(new.age_days)}; {ENOUGH} are judged together"
        row = _row(
            watched, SEEN, VERDICT, verdict=UNKNOWN, words=words, rows=new.tally.rows, leads=new.tally.rows,
            first=new.first, last=new.last, age_days=new.age_days, tally=json.dumps(new.tally.to_json()),
        )  # fmt: skip
        return (row,)
    found = drift(known, tally, ALPHA / ages, scores)
    span = {"age_days": new.age_days, "first": first, "last": new.last, "leads": tally.rows}
    flagged = [one for one in found if one.drifted]
    verdict = DRIFTED if flagged else STEADY
    words = _drift_words(flagged, tally.rows, new.age_days)
    kept = json.dumps(tally.to_json()) if scores is None else None
    summary = _row(watched, DRIFT, VERDICT, verdict=verdict, words=words, rows=tally.rows, tally=kept, **span)
    return (summary, *(_drift_row(watched, one, span) for one in found))


def beginning(watched: Watched, moment: datetime) -> Row:
    """Return the row that says that leads are counted from a moment on, where examples have no times to tell by."""
    words = "leads that become known from here on are counted"
    return _row(watched, SEEN, VERDICT, verdict=UNKNOWN, words=words, rows=0, leads=0, last=moment)


def health_rows(watched: Watched, found: Health, first: datetime, last: datetime) -> tuple[Row, ...]:
    """Return what matured outcomes say about a model: the verdict, then each finding. ``first`` and ``last`` are the
    earliest and latest score that was looked at."""
    shared = {"rows": found.examples, "leads": found.leads, "won": found.won, "first": first, "last": last}
    summary = _row(watched, HEALTH, VERDICT, verdict=found.verdict, words=health_words(found), **shared)
    findings = [
        _row(
            watched, HEALTH, one.kind, verdict=one.verdict, words=one.words, figure=one.figure, low=one.low,
            high=one.high, expected=one.expected, **shared,
        )
        for one in found.findings
    ]  # fmt: skip
    return (summary, *findings)


def health_words(found: Health) -> str:
    """Return a verdict in words: the findings that it rests on."""
    grave = [one.words for one in found.findings if one.verdict == found.verdict]
    if found.verdict == FAILED:  # what else is amiss may tell why
        return f"failed on {found.leads:,} leads whose outcome is known: {'; '.join(grave)}"
    return "; ".join(grave)


def _drift_words(flagged: Sequence[Drift], rows: int, age_days: int) -> str:
    if not flagged:
        return f"{rows:,} leads at {_age(age_days)} look as in training"
    named = "; ".join(one.words for one in flagged[:_NAMED])
    more = f"; and {len(flagged) - _NAMED} more" if len(flagged) > _NAMED else ""
    return f"{rows:,} leads at {_age(age_days)} differ from training: {named}{more}"


def _age(days: int) -> str:
    return f"an age of {days} day{'' if days == 1 else 's'}"


def _drift_row(watched: Watched, one: Drift, span: Row) -> Row:
    return _row(
        watched, DRIFT, one.kind, feature=one.feature, verdict=DRIFTED if one.drifted else STEADY, words=one.words,
        figure=one.figure, expected=one.expected, threshold=one.threshold, distance=one.distance, rows=one.rows, **span,
    )  # fmt: skip


def _row(watched: Watched, kind: str, finding: str, **said: Any) -> Row:
    absent = dict.fromkeys(
        ("age_days", "figure", "low", "high", "expected", "threshold", "distance", "won", "first", "tally")
    )
    row = {**vars(watched), "kind": kind, "finding": finding, "feature": "", **absent, **said}
    names = ("tenant", "model_version", "batch", "kind", "finding", "feature", "age_days")
    return {
        **row,
        "measure_id": _hash({name: row[name] for name in names})[:32],
        "content_hash": _hash({name: value for name, value in row.items() if name not in _UNHASHED}),
    }


def _hash(values: Row) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()

"""What is measured of the models in use: drift of what comes in, and health where outcomes are known by now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from leadhouse.jobs.watching import Facts, ages_of, leads_at_ages, scores_with_outcomes
from leadhouse.models.health import Health
from leadhouse.models.model import LeadModel
from leadhouse.models.seen import references_in
from leadhouse.models.watching import (
    DRIFTED,
    HEALTH,
    VERDICT,
    Row,
    Watched,
    beginning,
    count_leads,
    counted_until,
    drift_rows,
    health_of,
    health_rows,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def measured_drift(
    facts: Facts, model: LeadModel, watched: Watched, before: Sequence[Row]
) -> tuple[list[Row], list[str]]:
    """Compare the leads that have come to an age since the last time with what the model has seen at that age.

    ``before`` are the verdicts on this version so far. Returns rows of gold.model_health, and lines for the person at
    the terminal: what has drifted, or why that is not known.
    """
    label, references = watched.model_version, references_in(model.card)
    if not references:
        return [], [f"{label}: an earlier release trained it and kept nothing to compare with: drift is not watched"]
    timed = bool(model.card["timed"])
    counted, until = counted_until(before), facts.as_of if timed else facts.known
    if counted is None and not timed:
        return [beginning(watched, until)], []
    first = counted or _EPOCH + timedelta(microseconds=int(model.card["last_moment"]))
    leads = leads_at_ages(facts, first)
    rows: list[Row] = []
    for age, known in zip(ages_of(model.card), references, strict=False):
        if known is None or not leads.num_rows:
            continue
        new = count_leads(model, known, leads, age, first, until)
        if new.tally.rows:
            rows += drift_rows(watched, known, before, new, ages=len(references))
    drifted = [row for row in rows if row["finding"] == VERDICT and row["verdict"] == DRIFTED]
    return rows, [f"{label}: {row['words']}" for row in drifted]


def measured_health(
    facts: Facts, models: Sequence[tuple[Watched, Mapping[str, Any]]], before: Sequence[Row]
) -> tuple[list[Row], dict[str, Health]]:
    """Judge versions, each with its card, by those of their scores whose horizon has passed.

    ``before`` are all verdicts of the tenant so far. Returns rows of gold.model_health about versions of which an
    outcome has ripened since, and the health of every version that is known by its label.
    """
    scores = scores_with_outcomes(facts)
    rows: list[Row] = []
    found: dict[str, Health] = {}
    for watched, card in models:
        mine = scores.filter(pc.field("model_version") == watched.model_version)
        if not mine.num_rows:
            continue
        found[watched.model_version] = health = health_of(mine, card)
        first, last = (_moment(end(mine["tick"])) for end in (pc.min, pc.max))
        same = (health.examples, health.won, last)
        if not any(_basis(row) == same for row in before if row["model_version"] == watched.model_version):
            rows += health_rows(watched, health, first, last)
    return rows, found


def _basis(row: Row) -> tuple[int, int, datetime] | None:
    return (row["rows"], row["won"], row["last"]) if row["kind"] == HEALTH else None


def _moment(value: pa.Scalar) -> datetime:
    return _EPOCH + timedelta(microseconds=value.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).as_py())

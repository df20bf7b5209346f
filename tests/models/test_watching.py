"""What becomes a row about a model in use: leads wait until they are enough, and each verdict says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from leadhouse.models import watching
from leadhouse.models.examples import read_examples
from leadhouse.models.health import FAILED, HEALTHY, UNKNOWN
from leadhouse.models.learn import Plan, learn, prepare
from leadhouse.models.matrix import encode
from leadhouse.models.reference import Reference, Tally, reference, tally
from leadhouse.models.seen import references_in
from leadhouse.models.watching import (
    DRIFT,
    DRIFTED,
    HEALTH,
    SEEN,
    STEADY,
    VERDICT,
    Counted,
    Row,
    Watched,
    counted_until,
    drift_rows,
    health_of,
    health_rows,
    health_words,
    waiting,
)
from tests.models.streams import SPEC, scored, stream

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WATCHED = Watched("acme", "leadhouse-acme/1", "0" * 64, NOON, NOON, "watch/1/0")


@pytest.fixture(scope="module")
def known() -> Reference:
    made = stream(8000, 0)
    return reference(made.rows, encode(made.rows, SPEC), made.labels, made.probabilities, SPEC)


def counted(known: Reference, leads: int, seed: int, day: int = 0, **drift: float) -> Counted:
    made = stream(leads, seed, **drift)  # type: ignore[arg-type]
    found = tally(known, made.rows, made.probabilities, SPEC)
    return Counted(0, NOON + day * DAY, NOON + (day + 1) * DAY, found)


def looks(known: Reference, *batches: Counted) -> list[list[Row]]:
    """The rows that one batch after another adds, each in the light of those before."""
    rows: list[Row] = []
    added = []
    for number, batch in enumerate(batches):
        watched = replace(WATCHED, as_of=batch.last, batch=f"watch/1/{number}")
        new = [*drift_rows(watched, known, rows, batch, ages=3)]
        rows += new
        added.append(new)
    return added


def test_a_drifted_stream_is_flagged_within_two_batches_of_a_thousand(known: Reference) -> None:
    batches = [counted(known, 1000, 100 + day, day, rate=3, shift=1, rename=True) for day in range(2)]
    first, second = looks(known, *batches)
    assert [rows[0]["verdict"] for rows in (first, second)] == [DRIFTED, DRIFTED]
    named = {(row["finding"], row["feature"]) for row in first if row["verdict"] == DRIFTED}
    assert {("values", "days_since:type:t03"), ("new levels", "trait:country"), ("mean score", "")} <= named
    assert first[0]["words"].startswith("1,000 leads at an age of 0 days differ from training: ")


def test_an_undrifted_stream_raises_at_most_one_flag_in_fifty_batches(known: Reference) -> None:
    added = looks(known, *[counted(known, 1000, 500 + day, day) for day in range(50)])
    assert sum(rows[0]["verdict"] == DRIFTED for rows in added) <= 1
    assert {rows[0]["kind"] for rows in added} == {DRIFT}


def test_few_leads_wait_and_are_judged_together_each_once(known: Reference) -> None:
    batches = [counted(known, 200, 900 + day, day) for day in range(5)]
    added = looks(known, *batches)
    assert [(rows[0]["kind"], rows[0]["verdict"], rows[0]["rows"]) for rows in added] == [
        (SEEN, UNKNOWN, 200),
        (SEEN, UNKNOWN, 200),
        (DRIFT, STEADY, 600),
        (SEEN, UNKNOWN, 200),
        (SEEN, UNKNOWN, 200),
    ]
    assert added[2][0]["first"] == NOON
    assert added[1][0]["words"] == "400 leads have come to an age of 0 days; 500 are judged together"
    rows = [row for some in added for row in some]
    assert counted_until(rows) == batches[-1].last
    assert [one.tally for one in waiting(rows, 0)] == [batches[3].tally, batches[4].tally]
    assert waiting(rows, 7) == []


def test_rows_have_ids_of_their_own_and_hashes_of_what_they_say(known: Reference) -> None:
    rows = [row for some in looks(known, counted(known, 600, 1), counted(known, 600, 2, 1)) for row in some]
    assert len({row["measure_id"] for row in rows}) == len(rows)
    again = drift_rows(
        replace(WATCHED, batch="watch/2/0", measured_at=NOON + DAY), known, (), counted(known, 600, 1), ages=3
    )
    first = drift_rows(WATCHED, known, (), counted(known, 600, 1), ages=3)
    assert [row["content_hash"] for row in first] == [row["content_hash"] for row in again]
    assert {row["measure_id"] for row in first}.isdisjoint(row["measure_id"] for row in again)


def test_health_is_judged_by_what_the_card_promised_and_says_what_it_rests_on() -> None:
    labels, (good, bad), _ = scored(2000, 3, [0.5, 0.5])
    card = {
        "metrics": {
            "auc": 0.8, "average_precision": 0.5, "log_loss": 0.4, "brier": 0.1, "lift_at_10": 3.0,
            "calibration_error": 0.01, "base_rate": float(labels.mean()), "examples": 2000,
        }
    }  # fmt: skip
    ids = [f"lead{number}" for number in range(2000)]

    def table(probabilities: np.ndarray) -> pa.Table:  # type: ignore[type-arg]
        return pa.table({"lead_id": ids, "label": labels > 0, "probability": probabilities})

    assert health_of(table(good), card).verdict == HEALTHY
    found = health_of(table(1 - bad), card)
    assert found.verdict == FAILED
    assert health_words(found).startswith("failed on 2,000 leads whose outcome is known: AUC 0.")
    summary, *findings = health_rows(WATCHED, found, NOON - DAY, NOON)
    assert (summary["kind"], summary["finding"], summary["verdict"], summary["rows"]) == (HEALTH, VERDICT, FAILED, 2000)
    assert {row["finding"] for row in findings} == {"AUC", "calibration", "skill", "base rate"}
    few = health_of(table(good).slice(0, 20), card)
    assert (few.verdict, health_words(few)) == (UNKNOWN, "outcomes of 20 leads are known; 50 are needed")


def test_nothing_is_said_of_an_empty_tally(known: Reference) -> None:
    made = stream(1, 0)
    empty: Tally = tally(known, made.rows.slice(0, 0), made.probabilities[:0], SPEC)
    (row,) = drift_rows(WATCHED, known, (), Counted(0, NOON, NOON, empty), ages=1)
    assert (row["kind"], row["verdict"]) == (SEEN, watching.UNKNOWN)


@pytest.mark.parametrize("leads", [600, 3000])
def test_a_small_models_scores_are_held_against_its_own_not_against_those_of_its_folds(leads: int) -> None:
    made = stream(leads, 1)
    columns = {
        "lead_id": [f"lead{number:05}" for number in range(leads)],
        "as_of": pa.array(np.arange(leads), pa.timestamp("us", tz="UTC")),
        "label": made.labels > 0,
        "timed": [False] * leads,
    }
    table = made.rows
    for name, values in columns.items():
        table = table.append_column(name, pa.array(values))
    plan = Plan("acme", "won", 30)
    model = learn(prepare(read_examples(table), plan), plan).model  # type: ignore[arg-type]
    (known,) = references_in(model.card)
    assert known is not None

    def batch(day: int, **drift: float) -> Counted:
        new = stream(1000, 10_000 + day, **drift).rows  # type: ignore[arg-type]
        return Counted(0, NOON + day * DAY, NOON + (day + 1) * DAY, tally(known, new, model.predict(new), spec))

    spec = model.fitted.spec
    drifted = batch(10, rate=3, shift=1, rename=True)
    added = looks(known, *[batch(day) for day in range(10)], drifted)
    assert [rows[0]["verdict"] for rows in added] == [STEADY] * 10 + [DRIFTED]
    shapes = [row for rows in added for row in rows if row["finding"] == "scores"]
    assert len(shapes) == 10, "the first batch has nothing to be held against"

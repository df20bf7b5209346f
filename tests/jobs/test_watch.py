"""The watch job on a small lake: what it flags and what it doesn't, and that a model that fails is taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from leadhouse.jobs import feature, score, train, watch
from leadhouse.jobs.champion import open_registry
from leadhouse.jobs.model_health import TABLE, verdicts
from leadhouse.jobs.promotions import ledger_rows
from leadhouse.jobs.runtime.faults import VARIABLE, InjectedFaultError
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.runner import Report
from tests.jobs.lakes import append, content
from tests.jobs.test_model_versions import command, models  # noqa: F401 - the fixture
from tests.jobs.test_train import LEADS, NOW, START, add_leads, run  # noqa: F401 - run is the fixture

DAY = timedelta(days=1)
BEGAN = START + 361 * DAY
"""When the new leads begin to come, after everything that was learned from."""
RECENT = range(150, LEADS)
"""Leads of which a score is not older than what is looked at."""


def come(run: Run, count: int, *, large: str = "large", share: float = 0.5, day: int = 0) -> None:  # noqa: F811
    """Let leads come on one day; ``share`` of them large, whatever that is called."""
    draw, rows = (
        np.random.default_rng(day),
        {name: list[dict[str, Any]]() for name in ("traits", "identities", "leads")},
    )
    for number in range(count):
        key, created = f"new{day}-{number:04}", BEGAN + day * DAY + timedelta(hours=13, minutes=number)
        segment = large if draw.random() < share else "small"
        at = {"identity_key": key, "known_at": created}
        rows["traits"].append(
            at | {"occurred_at": created, "stated_at": created, "source": "crm", "trait_id": key, "name": "segment",
                  "value": segment}
        )  # fmt: skip
        rows["identities"].append({**at, "lead_id": key, "is_lead": True, "batch": "refine/1/0"})
        rows["leads"].append({"lead_id": key, "created_at": created, "deleted": False})
    for name, some in rows.items():
        append(run.lake, f"silver.{name}", some, number=day + 1)
    at = {"identity_key": "lead0000", "occurred_at": BEGAN + (day + 1.5) * DAY, "known_at": BEGAN + (day + 1.5) * DAY}
    append(run.lake, "silver.signals", [{**at, "signal_id": f"end of day {day}"}], number=day + 1)


def watched(run: Run) -> Report:  # noqa: F811
    feature.run(run)
    return watch.run(run)


def found(run: Run, kind: str) -> list[tuple[str, str, int]]:  # noqa: F811
    """The verdicts of one kind: version, verdict and rows."""
    return [
        (row["model_version"][-1], row["verdict"], row["rows"])
        for row in verdicts(run.lake, "acme")
        if row["kind"] == kind
    ]


def test_without_a_champion_there_is_nothing_to_watch(run: Run) -> None:  # noqa: F811
    add_leads(run.lake, 60)
    train.run(run)
    assert watched(run).status == "unchanged"
    assert run.lake.version(TABLE) == 0


def test_leads_as_in_training_are_not_flagged_and_renamed_ones_are(spark: SparkSession, run: Run) -> None:  # noqa: F811
    add_leads(run.lake)
    train.run(run)
    come(run, 600)
    report = watched(run)
    assert found(run, "drift") == [("1", "steady", 600)]
    assert not [note for note in report.notes if "differ" in note]

    come(run, 300, large="Large", share=0.6, day=1)
    watched(run)
    assert found(run, "seen") == [("1", "not enough data", 300)], "too few to be judged alone"
    come(run, 300, large="Large", share=0.6, day=2)
    (note,) = watched(run).notes
    assert note.startswith("leadhouse-acme/1: 600 leads at an age of 0 days differ from training: ")
    assert "trait:segment has an unknown level" in note
    assert found(run, "drift")[1:] == [("1", "drifted", 600)]
    flagged = {(row.finding, row.feature) for row in content(spark, run.lake, TABLE) if row.verdict == "drifted"}
    assert ("new levels", "trait:segment") in flagged

    rows = run.lake.version(TABLE)
    assert watched(run).status == "unchanged"
    append(run.lake, "silver.signals", [{"identity_key": "x", "occurred_at": NOW - 35 * DAY, "known_at": NOW}], 99)
    assert watched(run).status == "complete"
    assert run.lake.version(TABLE) == rows, "until the next midnight no lead comes to an age"


def test_training_if_needed_says_why_or_why_not(run: Run) -> None:  # noqa: F811
    wanted = replace(run, if_needed=True)
    add_leads(run.lake)
    first = train.run(wanted)
    assert first.notes[0] == "acme: training is needed: there is no champion"
    come(run, 600)
    watched(run)
    calm = train.run(wanted)
    assert (calm.status, calm.notes) == (
        "unchanged",
        ("acme: nothing was trained: the champion has neither drifted nor failed, as far as is known",),
    )
    come(run, 600, large="Large", day=1)
    watched(run)
    needed = train.run(wanted)
    assert needed.notes[0].startswith(
        "acme: training is needed: leadhouse-acme/1: 600 leads at an age of 0 days differ"
    )
    assert needed.status == "complete"


def scored_by(run: Run, label: str, leads: range, *, upside_down: bool) -> None:  # noqa: F811
    """Write the decisions of each lead's first midnight, with the score that a good model, or a bad one, would give."""
    ticks, decisions = [], []
    for number in leads:
        created = START + timedelta(days=number * 300 / LEADS)
        tick = datetime(created.year, created.month, created.day, tzinfo=UTC) + (DAY if created.hour else 0 * DAY)
        high = bool(number % 2) != upside_down
        key = f"{label}-{number}"
        decisions.append(
            {"decision_id": key, "lead_id": f"lead{number:04}", "tick": tick, "known": tick, "model_version": label,
             "score": 0.7 if high else 0.15, "batch": "decide/1/0"}
        )  # fmt: skip
        ticks.append({"tick": tick, "known": tick, "model_version": label, "batch": "decide/1/0"})
    append(run.lake, "gold.decisions", decisions, number=leads.start)
    append(run.lake, "gold.ticks", ticks, number=leads.start)


@pytest.fixture
def second(models: Run) -> Run:  # noqa: F811 - the fixture
    """A run whose champion is the second version, by a person's word."""
    assert command(models, "promote", "leadhouse-acme/2", "--reason", "new field", "--by", "ops") == 0
    return replace(models, clock=lambda: datetime.now(UTC))  # a person's word is dated by the clock on the wall


def champion(run: Run) -> str:  # noqa: F811
    held = open_registry(run).champion("acme")
    assert held is not None
    return held.label


def test_a_champion_that_keeps_its_promise_stays(second: Run) -> None:
    scored_by(second, "leadhouse-acme/2", RECENT, upside_down=False)
    watched(second)
    assert champion(second) == "leadhouse-acme/2"
    ((version, verdict, rows),) = found(second, "health")
    assert (version, verdict) == ("2", "healthy")
    assert rows == len(RECENT), "one score for each lead and age"


def test_a_champion_that_fails_is_taken_back_once_and_the_next_score_is_the_earlier_ones(
    spark: SparkSession, second: Run
) -> None:
    scored_by(second, "leadhouse-acme/2", RECENT, upside_down=True)
    feature.run(second)
    score.run(second)
    report = watch.run(second)
    assert champion(second) == "leadhouse-acme/1"
    assert report.notes[-1].startswith("leadhouse-acme/1 scores again: leadhouse-acme/2 failed on 150 leads")
    last = ledger_rows(second.lake, "acme")[-1]
    assert (last["verdict"], last["model_version"], last["replaced"], last["person"], last["batch"]) == (
        "rolled back", "leadhouse-acme/1", "leadhouse-acme/2", None, "watch/1/0",
    )  # fmt: skip
    assert "AUC 0." in last["reason"]
    assert {entry["name"] for entry in last["criteria"] if not entry["passed"]} >= {"AUC", "skill"}
    score.run(second)
    assert {row.model_version for row in content(spark, second.lake, "gold.lead_scores")} == {"leadhouse-acme/1"}

    before = [second.lake.version(table) for table in (TABLE, "ops.promotions")]
    watch.run(second)
    assert watch.run(second).status == "unchanged"
    assert [second.lake.version(table) for table in (TABLE, "ops.promotions")] == before
    assert (
        train.run(replace(second, if_needed=True))
        .notes[0]
        .startswith("acme: training is needed: leadhouse-acme/2 was taken back")
    )


@pytest.mark.parametrize("meanwhile", [False, True])
def test_stopped_between_the_ledger_and_the_registry_it_ends_as_if_undisturbed(
    second: Run, monkeypatch: pytest.MonkeyPatch, meanwhile: bool
) -> None:
    scored_by(second, "leadhouse-acme/2", RECENT, upside_down=True)
    feature.run(second)
    monkeypatch.setenv(VARIABLE, "watch:after-verdict=raise")
    with pytest.raises(InjectedFaultError):
        watch.run(second)
    assert champion(second) == "leadhouse-acme/2"
    if meanwhile:  # a person's later word holds
        assert command(second, "promote", "leadhouse-acme/1", "--reason", "x", "--by", "ops") == 0
        assert command(second, "promote", "leadhouse-acme/2", "--reason", "it is good", "--by", "ops") == 0
    watch.run(second)
    assert champion(second) == ("leadhouse-acme/2" if meanwhile else "leadhouse-acme/1")
    assert [row["verdict"] for row in ledger_rows(second.lake, "acme")].count("rolled back") == 1
    assert found(second, "health") == [("2", "failed", len(RECENT))]


def test_a_champion_stays_where_the_one_before_fails_too_or_there_is_none(second: Run) -> None:
    scored_by(second, "leadhouse-acme/1", RECENT[:75], upside_down=True)
    scored_by(second, "leadhouse-acme/2", RECENT[75:], upside_down=True)
    report = watched(second)
    assert champion(second) == "leadhouse-acme/2"
    assert report.notes[-1].endswith("no champion before it is known to be better: it stays until a person decides")
    assert "rolled back" not in {row["verdict"] for row in ledger_rows(second.lake, "acme")}
    assert sorted(found(second, "health")) == [("1", "failed", 75), ("2", "failed", 75)]

"""The train job on a small lake: what it learns from, registers and says, and when it doesn't."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from leadhouse.conf.settings import Settings, Training
from leadhouse.jobs import feature, train
from leadhouse.jobs.champion import open_registry
from leadhouse.jobs.runtime.faults import VARIABLE, InjectedFaultError
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.models.package import load
from tests.jobs.contracts import CRM_CONTRACT
from tests.jobs.lakes import a_run, append, content

START = datetime(2024, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=400)
LEADS = 300
LATE = {"identity_key": "lead0000", "signal_id": "s2", "known_at": NOW, "occurred_at": START + timedelta(days=359)}
"""A signal that is too late for any example."""
CONTRACT = (
    CRM_CONTRACT
    + """\
      - {name: won, logicalType: boolean, customProperties: [{property: role, value: outcome}]}
      - {name: won_at, logicalType: timestamp, customProperties: [{property: role, value: outcome_at}]}
      - {name: segment, logicalType: string, classification: sensitive,
         customProperties: [{property: role, value: trait}, {property: feature, value: true}]}
      - {name: answer, logicalType: string, customProperties: [{property: role, value: trait}]}
"""
)


def add_leads(
    lake: Lake,
    count: int = LEADS,
    *,
    answer: bool = False,
    moves: bool = False,
    tenant: str = "acme",
    opposite: bool = False,
) -> None:
    """Leads made over 300 days; half are large and win six times in ten within 20 days, the small once in ten.

    ``answer``: with a trait that only winners have; ``moves``: winners are put into another segment when they have won;
    ``opposite``: the small win six times in ten. Leads of different tenants have the same ids.
    """
    draw = np.random.default_rng(5)
    facts: dict[str, list[dict[str, Any]]] = {
        name: [] for name in ("traits", "outcomes", "identities", "leads", "signals")
    }
    for number in range(count):
        key, created = f"lead{number:04}", START + timedelta(days=number * 300 / count)
        large = bool(number % 2)
        won = bool(draw.random() < (0.6 if large != opposite else 0.1))
        at = {"identity_key": key, "occurred_at": created, "known_at": created}
        said = {"segment": "large" if large else "small"} | ({"answer": "paid" if won else "open"} if answer else {})
        facts["traits"] += [
            {**at, "stated_at": created, "source": "crm", "trait_id": key + name, "name": name, "value": value}
            for name, value in said.items()
        ]
        facts["identities"].append({**at, "lead_id": key, "is_lead": True, "batch": "refine/1/0"})
        facts["identities"][-1].pop("occurred_at")
        facts["leads"].append({"lead_id": key, "created_at": created, "deleted": False})
        when = created + timedelta(days=20)
        if won and moves:
            then = {"occurred_at": when, "known_at": when, "stated_at": when}
            facts["traits"].append({**facts["traits"][-1], **then, "trait_id": f"{key}moved", "value": "customer"})
        if won:
            facts["outcomes"].append(
                {**at, "outcome_id": key, "outcome": "won", "value": True, "timed": True, "occurred_at": when}
            )
    last = START + timedelta(days=360)
    facts["signals"].append({"identity_key": "lead0000", "signal_id": "s", "occurred_at": last, "known_at": last})
    for name, rows in facts.items():
        append(lake, f"silver.{name}", [{"tenant": tenant} | row for row in rows], lake.version(f"silver.{name}"))


@pytest.fixture
def run(spark: SparkSession, tmp_path: Path) -> Run:
    """A run over an empty lake, its only contract CONTRACT."""
    settings = Settings(tenant="acme", training=Training(horizon_days=30, ages_days=(0,)))
    return a_run(spark, tmp_path, settings, contracts={"crm": CONTRACT}, now=NOW)


def test_a_model_is_learned_registered_promoted_and_kept_in_the_lake(run: Run) -> None:
    add_leads(run.lake)
    report = train.run(run)
    assert report.status == "complete"
    assert report.notes[0].startswith("trained leadhouse-acme/1: AUC .")
    assert "out of time on" in report.notes[0]
    champion = open_registry(run).champion("acme")
    assert champion is not None
    model = load(run.lake.kept, champion.model_hash)
    assert model.card["outcome"] == "won"
    assert model.card["examples"] == LEADS
    assert model.card["sensitive"] == ["trait:segment"]
    assert 0.65 < model.card["metrics"]["auc"] < 0.9
    assert not [note for note in report.notes if "leakage" in note]


def test_unchanged_data_train_nothing_even_where_a_table_was_written(run: Run) -> None:
    add_leads(run.lake)
    train.run(run)
    assert train.run(run).status == "unchanged"
    append(run.lake, "silver.signals", [LATE], number=1)
    report = train.run(run)
    assert report.notes == ("leadhouse-acme/1: the training data are unchanged; nothing was trained",)
    assert len(open_registry(run).versions("acme")) == 1


def trained_by(run: Run, **changed: object) -> Run:
    """The run with other training settings."""
    settings = replace(run.workspace.settings, training=replace(run.workspace.settings.training, **changed))  # type: ignore[arg-type]
    return replace(run, workspace=replace(run.workspace, settings=settings))


def test_the_first_model_becomes_champion_and_one_without_new_evidence_does_not(spark: SparkSession, run: Run) -> None:
    add_leads(run.lake)
    train.run(run)
    report = train.run(trained_by(run, seed=1))
    assert "refused: of leads that came later than the champion's, 0 won" in report.notes[-1]
    registry = open_registry(run)
    first, second = registry.versions("acme")
    assert registry.champion("acme") == registry.reference("acme") == first
    rows = {row.model_version: row for row in content(spark, run.lake, "ops.promotions")}
    assert (rows[first.label].verdict, rows[second.label].verdict) == ("promoted", "refused")
    assert rows[first.label].person is None
    assert {criterion.name for criterion in rows[first.label].criteria} >= {"AUC against the base rate", "calibration"}
    assert rows[second.label].reason.startswith("refused: of leads that came later")

    append(run.lake, "silver.signals", [LATE], number=1)
    assert "nothing was trained" in train.run(trained_by(run, seed=1)).notes[0], "what was refused is not judged again"
    assert registry.champion("acme") == first


@pytest.mark.parametrize("point", ["train:after-register", "train:after-verdict"])
def test_killed_between_registering_and_promoting_it_ends_as_if_undisturbed(
    spark: SparkSession, run: Run, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    add_leads(run.lake)
    monkeypatch.setenv(VARIABLE, f"{point}=raise")
    with pytest.raises(InjectedFaultError):
        train.run(run)
    assert open_registry(run).champion("acme") is None
    train.run(run)
    (only,) = open_registry(run).versions("acme")
    assert open_registry(run).champion("acme") == only
    (row,) = content(spark, run.lake, "ops.promotions")
    assert (row.model_version, row.verdict, row.is_reference) == (only.label, "promoted", True)


def test_a_planted_leak_is_named_with_its_figure(run: Run) -> None:
    add_leads(run.lake, answer=True)
    (leak,) = [note for note in train.run(run).notes if note.startswith("suspected leakage")]
    assert leak.startswith("suspected leakage: trait:answer alone puts the winner first in 100 of 100 pairs")
    assert leak.endswith("declare 'known: later' for the field 'answer'")


def test_strictly_a_suspected_model_is_held_and_the_champion_stays(run: Run) -> None:
    add_leads(run.lake, answer=True)
    train.run(run)
    registry = open_registry(run)
    champion = registry.champion("acme")
    assert champion is not None
    report = train.run(replace(trained_by(run, seed=1), strict=True))
    assert report.status == "held"
    assert report.notes[0].startswith("acme: strict: the new model is not registered, since it may know the outcome")
    assert "beforehand, by trait:answer; the champion" in report.notes[0]
    assert report.notes[1].startswith("suspected leakage: trait:answer alone ")
    assert registry.versions("acme") == [champion] == [registry.champion("acme")]


def test_strictly_an_honest_model_is_registered(run: Run) -> None:
    add_leads(run.lake)
    report = train.run(trained_by(run, strict=True))
    assert report.status == "complete"
    assert open_registry(run).champion("acme") is not None


def test_strictly_what_a_person_has_cleared_is_named_and_holds_up_nothing(run: Run) -> None:
    add_leads(run.lake, answer=True)
    report = train.run(trained_by(run, strict=True, cleared=("trait:answer",)))
    assert report.status == "complete"
    assert [note for note in report.notes if note.startswith("suspected leakage: trait:answer")]
    assert open_registry(run).champion("acme") is not None


def test_a_trait_that_the_outcome_changes_is_named_once_the_features_of_now_are_known(run: Run) -> None:
    add_leads(run.lake, moves=True)
    feature.run(run)
    (leak,) = [note for note in train.run(run).notes if note.startswith("suspected leakage")]
    assert leak.startswith("suspected leakage: trait:segment changed after the lead was looked at for 100% of those")


def test_too_little_to_learn_from_is_said_and_is_no_failure(run: Run) -> None:
    add_leads(run.lake, 60)
    report = train.run(run)
    assert report.status == "complete"
    assert report.notes[0].startswith("acme: not enough data: ")
    assert open_registry(run).champion("acme") is None


def test_an_empty_lake_has_nothing_to_learn_from(run: Run) -> None:
    assert train.run(run).notes[0].startswith("acme: not enough data: 0 leads with the outcome and 0 without")

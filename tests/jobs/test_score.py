"""The score job on a small lake: Spark's scores are plain XGBoost's, by one model per tenant."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost as xgb
from pyspark.sql import SparkSession
from rich.console import Console

from leadhouse.conf.errors import LeadhouseError, RegistryDownError
from leadhouse.conf.settings import Settings
from leadhouse.jobs import score
from leadhouse.jobs.champion import open_registry
from leadhouse.jobs.run import MAY_WAIT, take_turn
from leadhouse.jobs.runtime.book import COMPLETE
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.runner import UNCHANGED
from leadhouse.models.examples import read_examples
from leadhouse.models.learn import Plan, Trained, learn, prepare
from leadhouse.models.matrix import encode
from leadhouse.models.package import load, pack
from leadhouse.models.version import Version
from tests.jobs.contracts import CRM_CONTRACT
from tests.jobs.lakes import TICK, a_run, fill
from tests.models.data import synthetic


def trained(seed: int) -> Trained:
    plan = Plan("acme", "won", 90, seed=seed)
    return learn(prepare(read_examples(synthetic(400)[0]), plan), plan)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def models() -> tuple[Trained, Trained]:
    return trained(0), trained(1)


LEADS = synthetic(50, seed=9)[0].select(["lead_id", "numbers", "categories"])


@pytest.fixture
def run(spark: SparkSession, tmp_path: Path) -> Run:
    """A run whose lake holds the features of 50 leads of acme and of one of another tenant; there is no model."""
    opened = a_run(spark, tmp_path, Settings(tenant="acme"), contracts={"crm": CRM_CONTRACT})
    leads = [
        {"lead_id": lead["lead_id"], "as_of": TICK, "known": TICK}
        | {n: dict(lead[n]) for n in ("numbers", "categories")}
        for lead in LEADS.to_pylist()
    ]
    fill(
        spark,
        opened.lake,
        "gold.lead_features",
        [*leads, {"tenant": "other", "lead_id": "x", "numbers": {"count_7d": 1.0}}],
    )
    return opened


def promote(run: Run, model: Trained) -> Version:
    version = open_registry(run).register(model, tenant="acme", tags={})
    open_registry(run).promote(version)
    return version


def scores(run: Run) -> dict[str, dict[str, Any]]:
    return {row["lead_id"]: row for row in run.lake.open("gold.lead_scores").to_pyarrow_table().to_pylist()}


def test_without_a_model_leads_are_marked_not_enough_data(run: Run) -> None:
    report = score.run(run)
    found = scores(run)
    assert len(found) == 51
    assert {(row["status"], row["probability"], row["grade"], row["model_hash"]) for row in found.values()} == {
        ("not enough data", None, None, None)
    }
    assert "acme: no model; leads are marked not enough data" in report.notes


def test_sparks_scores_are_plain_xgboosts(run: Run, models: tuple[Trained, Trained]) -> None:
    version = promote(run, models[0])
    report = score.run(run)
    model, found = models[0].model, scores(run)
    matrix = encode(LEADS, model.fitted.spec)
    booster = xgb.Booster(model_file=bytearray(model.fitted.ubj))
    data = xgb.DMatrix(matrix, feature_types=model.fitted.spec.types, enable_categorical=True)
    expected = model.calibration.apply(booster.predict(data, output_margin=True).astype(float))
    rows = [found[lead] for lead in LEADS["lead_id"].to_pylist()]
    np.testing.assert_allclose([row["probability"] for row in rows], expected, atol=1e-6)
    assert [row["grade"] for row in rows] == list(model.grade(np.array([row["probability"] for row in rows])))
    assert all(row["probability_low"] < row["probability_high"] for row in rows)
    assert all(row["probability_low"] <= row["probability"] <= row["probability_high"] for row in rows)
    assert {(row["status"], row["model_version"], row["model_hash"]) for row in rows} == {
        ("scored", "leadhouse-acme/1", version.model_hash)
    }
    assert found["x"]["status"] == "not enough data"
    assert (found["x"]["probability_low"], found["x"]["probability_high"]) == (None, None)
    assert report.notes == (
        "acme: scored by leadhouse-acme/1",
        "other: no model; leads are marked not enough data",
    )


def test_another_champion_scores_anew_and_nothing_new_does_nothing(run: Run, models: tuple[Trained, Trained]) -> None:
    first = promote(run, models[0])
    score.run(run)
    before = {row["content_hash"] for row in scores(run).values()}
    assert score.run(run).status == "unchanged"
    second = promote(run, models[1])
    score.run(run)
    assert {row["model_hash"] for row in scores(run).values()} == {second.model_hash, None}
    open_registry(run).promote(first)
    score.run(run)
    assert {row["content_hash"] for row in scores(run).values()} == before


def test_trend_is_the_change_since_the_last_decision_before_the_tick(run: Run, models: tuple[Trained, Trained]) -> None:
    promote(run, models[0])
    lead, other, third = LEADS["lead_id"].to_pylist()[:3]
    made = [(lead, -2, 0.9), (lead, -1, 0.25), (lead, 0, 0.7), (other, -3, None), (third, 1, 0.5)]
    decisions = [
        {"lead_id": who, "decision_id": f"{who}{day}", "tick": TICK + timedelta(days=day), "score": chance}
        for who, day, chance in made
    ]
    fill(run.spark, run.lake, "gold.decisions", decisions)
    score.run(run)
    found = scores(run)
    assert found[lead]["trend"] == pytest.approx(found[lead]["probability"] - 0.25)
    assert (found[other]["trend"], found[third]["trend"]) == (None, None)


def test_a_model_registered_elsewhere_is_fetched_checked_and_kept(run: Run, models: tuple[Trained, Trained]) -> None:
    version = promote(run, models[0])
    score.run(run)
    assert pack(load(run.lake.kept, version.model_hash)) == pack(models[0].model)


def registry_down(run: Run) -> Run:
    """The same run, whose registry can't be opened."""
    settings = run.workspace.settings
    gone = replace(settings.mlflow, tracking_uri="sqlite:////proc/no/such/folder.db")
    return replace(run, workspace=replace(run.workspace, settings=replace(settings, mlflow=gone)))


def test_while_the_registry_is_down_the_last_champion_goes_on_scoring(
    spark: SparkSession, run: Run, models: tuple[Trained, Trained]
) -> None:
    with pytest.raises(RegistryDownError, match=r"run again, or check settings\.toml: mlflow\.tracking_uri"):
        score.run(registry_down(run))
    champion = promote(run, models[0])
    score.run(run)
    fill(spark, run.lake, "gold.lead_features", [{"lead_id": "new", "numbers": {"count_7d": 2.0}}])
    report = score.run(registry_down(run))
    assert report.status == COMPLETE
    assert report.notes[-1].endswith("until it answers leads are scored by the champions of score/1/0")
    assert scores(run)["new"]["model_hash"] == champion.model_hash
    assert score.run(run).status == UNCHANGED


def test_a_registry_that_is_down_keeps_nobody_but_training_from_work(run: Run, models: tuple[Trained, Trained]) -> None:
    champion = promote(run, models[0])
    score.run(run)
    output = io.StringIO()
    turn = take_turn(registry_down(run), Console(file=output, width=1000), forgiven=MAY_WAIT)
    assert (turn.code, turn.missed) == (1, ("train",))
    assert "train: registry: expected MLflow at" in output.getvalue()
    assert {row["model_hash"] for row in scores(run).values()} <= {champion.model_hash, None}
    assert "decide" in turn.worked


def test_a_tampered_model_is_refused_and_the_old_scores_stay(run: Run, models: tuple[Trained, Trained]) -> None:
    promote(run, models[0])
    score.run(run)
    before = scores(run)
    promote(run, models[1])
    for path in (run.lake.root / "models").rglob("booster.ubj"):
        path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(LeadhouseError, match=r"expected booster\.ubj with SHA-256"):
        score.run(run)
    assert scores(run) == before


def test_a_retry_is_scored_by_the_champion_that_the_intent_has(
    run: Run, models: tuple[Trained, Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    from leadhouse.jobs.runtime.faults import VARIABLE, InjectedFaultError

    first = promote(run, models[0])
    monkeypatch.setenv(VARIABLE, "score:before-outcome=raise")
    with pytest.raises(InjectedFaultError):
        score.run(run)
    promote(run, models[1])
    score.run(replace(run))
    assert {row["model_hash"] for row in scores(run).values()} == {first.model_hash, None}

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from leadhouse.conf.settings import Decisions, Settings
from leadhouse.jobs import decide
from leadhouse.jobs.runtime import batches
from leadhouse.jobs.runtime.faults import VARIABLE, InjectedFaultError
from leadhouse.models.calibrate import Calibration
from leadhouse.models.explain import explain
from leadhouse.models.fit import Params, fit
from leadhouse.models.matrix import Feature, FeatureSpec
from leadhouse.models.model import LeadModel
from leadhouse.models.package import model_hash, pack
from tests.jobs.lakes import TICK, a_run, content, fill

SETTINGS = Settings(tenant="acme")
LISTS = {
    "hot": "{name: hot, channel: crm_task, purpose: sales, eligible: score > 0.4, priority: 2, capacity_per_day: 1}",
    "mail": "{name: mail, channel: email, purpose: marketing, eligible: features.count_7d >= 0}",
}


def a_lead(name: str, score: float) -> dict[str, Any]:
    return {"lead_id": name, "probability": score, "grade": "A", "status": "scored", "as_of": TICK, "known": TICK}


def a_consent(lead: str, status: str, days: int) -> dict[str, Any]:
    at = TICK - timedelta(days=days)
    said = {"channel": "email", "purpose": "marketing", "status": status, "legal_basis": "consent"}
    return said | {"identity_key": lead, "consent_id": f"{lead}{status}", "occurred_at": at, "known_at": at}


def prepare(spark: SparkSession, folder: Path, lists: dict[str, str] = LISTS) -> Any:
    run = a_run(spark, folder, SETTINGS, lists)
    names = ["a", "b", "c"]
    known = {"kind": "external_id", "is_lead": True, "known_at": TICK, "batch": "refine/1/0"}
    fill(spark, run.lake, "silver.identities", [{"identity_key": n, "lead_id": n} | known for n in names])
    fill(spark, run.lake, "silver.leads", [{"lead_id": n, "identity_keys": [n]} for n in names])
    fill(spark, run.lake, "silver.consents", [a_consent(n, "given", 3) for n in "ab"])
    scores = [a_lead(name, score) for name, score in zip(names, (0.5, 0.6, 0.7), strict=True)]
    fill(spark, run.lake, "gold.lead_scores", scores)
    fill(spark, run.lake, "gold.lead_features", [{"lead_id": n, "numbers": {"count_7d": 1.0}} for n in names])
    return run


def listed(spark: SparkSession, run: Any) -> dict[str, str]:
    return {row.lead_id: row.list for row in content(spark, run.lake, "gold.engagement_lists")}


def test_a_tick_is_decided_once_and_a_withdrawal_takes_effect_at_once(spark: SparkSession, tmp_path: Path) -> None:
    run = prepare(spark, tmp_path)
    report = decide.run(run)
    assert report.status == "complete"
    assert report.notes == ("hot: 1 engaged", "mail: 2 engaged")
    assert listed(spark, run) == {"c": "hot", "a": "mail", "b": "mail"}
    decisions = {row.lead_id: row for row in content(spark, run.lake, "gold.decisions")}
    assert (decisions["c"].reason, decisions["a"].legal_basis, decisions["a"].rank) == ("on hot", "consent", 2)
    assert len({row.definitions_hash for row in decisions.values()}) == 1
    arms = {(row.lead_id, row.list) for row in content(spark, run.lake, "gold.enrolments")}
    assert arms == {("a", "hot"), ("b", "hot"), ("c", "hot"), ("a", "mail"), ("b", "mail")}

    assert decide.run(run).status == "unchanged"

    fill(spark, run.lake, "silver.consents", [a_consent("a", "withdrawn", 1)])
    decide.run(run)
    assert listed(spark, run) == {"c": "hot", "b": "mail"}
    ledger = content(spark, run.lake, "gold.decisions")
    assert sorted(row.lead_id for row in ledger) == ["a", "a", "b", "c"]  # b and c are decided as before
    assert {row.reason for row in ledger if row.lead_id == "a"} == {"on mail", "over capacity of hot"}
    assert len(content(spark, run.lake, "gold.enrolments")) == 5


def test_while_jobs_follow_a_ranking_stands_and_only_what_changes_is_written(
    spark: SparkSession, tmp_path: Path
) -> None:
    run = replace(prepare(spark, tmp_path), follows=True)
    decide.run(run)
    assert [row.tick for row in content(spark, run.lake, "gold.ticks")] == [TICK.replace(tzinfo=None)]
    lists = run.lake.version("gold.engagement_lists")

    later = TICK + timedelta(minutes=10)
    scores = [
        a_lead(name, score) | {"as_of": later, "known": later}
        for name, score in zip("abc", (0.9, 0.8, 0.5), strict=True)
    ]
    fill(spark, run.lake, "gold.lead_scores", scores, mode="overwrite")
    assert decide.run(run).notes == ("hot: 1 engaged", "mail: 2 engaged")
    assert len(content(spark, run.lake, "gold.decisions")) == 3, "c stays on hot, though a has the better score by now"
    assert run.lake.version("gold.engagement_lists") == lists
    ended = batches.last_outcome(run.lake, "decide")
    assert ended is not None
    assert ended.writes["gold.engagement_lists"] == lists, "lost lists are due again"

    fill(spark, run.lake, "silver.consents", [a_consent("a", "withdrawn", 1)])
    decide.run(run)
    ledger = content(spark, run.lake, "gold.decisions")
    assert [(row.lead_id, row.action) for row in ledger if row.tick > TICK.replace(tzinfo=None)] == [("a", "none")]
    assert listed(spark, run) == {"c": "hot", "b": "mail"}
    assert len(content(spark, run.lake, "gold.ticks")) == 1

    decide.run(replace(run, follows=False))
    assert len(content(spark, run.lake, "gold.decisions")) == 6, "who runs it by hand gets everything ranked"
    assert len(content(spark, run.lake, "gold.ticks")) == 2


def test_a_decide_that_was_killed_ends_as_an_undisturbed_one(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = prepare(spark, tmp_path)
    monkeypatch.setenv(VARIABLE, "decide:after-decisions=raise")
    with pytest.raises(InjectedFaultError):
        decide.run(run)
    fill(spark, run.lake, "silver.consents", [a_consent("b", "withdrawn", 1)])  # not of the killed batch's inputs
    decide.run(run)
    assert sorted(row.lead_id for row in content(spark, run.lake, "gold.decisions")) == ["a", "b", "c"]
    assert listed(spark, run) == {"c": "hot", "a": "mail", "b": "mail"}
    decide.run(run)
    assert listed(spark, run) == {"c": "hot", "a": "mail"}


def test_a_decide_that_was_killed_keeps_the_settings_that_it_began_with(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = LISTS["hot"].replace("capacity_per_day: 1", "capacity_per_day: 9, hold_out: 0.5")
    run = prepare(spark, tmp_path, {"hot": shared})
    monkeypatch.setenv(VARIABLE, "decide:after-decisions=raise")
    with pytest.raises(InjectedFaultError):
        decide.run(run)
    drawn_anew = Settings(tenant="acme", decisions=Decisions(hold_out_salt="new"))
    decide.run(replace(run, workspace=replace(run.workspace, settings=drawn_anew)))
    arms = {row.lead_id: row.arm for row in content(spark, run.lake, "gold.enrolments")}
    assert arms == {"a": "treated", "b": "hold_out", "c": "hold_out"}, "those of the decisions; the new salt draws a"
    assert listed(spark, run) == {"a": "hot"}


def test_an_edited_list_decides_the_same_tick_anew(spark: SparkSession, tmp_path: Path) -> None:
    run = prepare(spark, tmp_path)
    decide.run(run)
    again = a_run(spark, tmp_path, SETTINGS, {"hot": LISTS["hot"].replace("score > 0.4", "score > 0.9")})
    report = decide.run(again)
    assert report.notes[:2] == ("hot: 0 engaged", "mail: 2 engaged")
    assert listed(spark, run) == {"a": "mail", "b": "mail"}
    back = a_run(spark, tmp_path, SETTINGS, LISTS)
    decide.run(back)
    assert listed(spark, run) == {"c": "hot", "a": "mail", "b": "mail"}


def test_who_is_listed_is_told_why_by_the_model_that_scored_and_nobody_else(
    spark: SparkSession, tmp_path: Path
) -> None:
    counts = np.arange(200, dtype=np.float32) % 10
    spec = FeatureSpec((Feature("count_7d", "count", usual=2.0),))
    fitted = fit(counts.reshape(-1, 1), (counts > 5).astype(np.int8), np.arange(200), spec, Params(), rounds=5)
    model = LeadModel(fitted, Calibration("platt", (0.0, 1.0), (0.0, 1.0)), (0.9, 0.5, 0.2), {})
    run = a_run(spark, tmp_path, SETTINGS, {"hot": LISTS["hot"]})
    files = pack(model)
    for content_of_file in files.values():
        run.lake.keep(content_of_file)
    people = {"a": (0.9, 9.0), "b": (0.6, 8.0)}
    known = {"kind": "external_id", "is_lead": True, "known_at": TICK, "batch": "refine/1/0"}
    fill(spark, run.lake, "silver.identities", [{"identity_key": n, "lead_id": n} | known for n in people])
    fill(spark, run.lake, "silver.leads", [{"lead_id": n, "identity_keys": [n]} for n in people])
    scores = [a_lead(n, score) | {"model_hash": model_hash(files)} for n, (score, _) in people.items()]
    fill(spark, run.lake, "gold.lead_scores", scores)
    fill(
        spark,
        run.lake,
        "gold.lead_features",
        [{"lead_id": n, "numbers": {"count_7d": c}} for n, (_, c) in people.items()],
    )
    report = decide.run(run)
    assert re.fullmatch(r"explained 1 lead in \d+\.\d s of the workers' time", report.notes[-1])
    found = {row.lead_id: row for row in content(spark, run.lake, "gold.decisions")}
    rows = pa.table(
        {"numbers": [[("count_7d", 9.0)]], "categories": [[]]},
        schema=pa.schema(
            [(n, pa.map_(pa.string(), kind)) for n, kind in (("numbers", pa.float64()), ("categories", pa.string()))]
        ),
    )
    assert [reason.asDict() for reason in found["a"].reasons] == explain(model, rows).to_pylist()[0] != []
    assert found["b"].reasons == []
    (listed_row,) = content(spark, run.lake, "gold.engagement_lists")
    assert listed_row.reasons == found["a"].reasons

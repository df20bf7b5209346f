from __future__ import annotations

from datetime import timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.cases import incumbents, lead_cases, won_leads
from leadhouse.transforms.decisions import places_used
from tests.transforms.cases import TICK, a_list, identities

TICKS = ("tenant string, as_of timestamp, known timestamp", [("t", TICK, TICK)])


def frames(spark: SparkSession, leads: list[str], scores: dict[str, float | None]) -> dict[str, DataFrame]:
    def frame(schema: str, rows: list[Any]) -> DataFrame:
        return spark.createDataFrame(rows, schema)

    score = [("t", n, TICK, TICK, "scored", s, "A", None, "m/1") for n, s in scores.items()]
    return {
        "scores": frame(
            "tenant string, lead_id string, as_of timestamp, known timestamp, status string, probability double, "
            "grade string, trend double, model_version string",
            score,
        ),
        "features": frame(
            "tenant string, lead_id string, numbers map<string,double>, categories map<string,string>",
            [("t", name, {"count_7d": float(i)}, {}) for i, name in enumerate(leads)],
        ),
        "leads": frame(
            "tenant string, lead_id string, country string, created_at timestamp, traits map<string,string>, "
            "deleted boolean",
            [("t", name, "DE", None, {"size": str(i)}, name == "gone") for i, name in enumerate(leads)],
        ),
        "consents": frame(
            "tenant string, lead_id string, statements map<string,struct<status:string,legal_basis:string>>", []
        ),
        "won": frame("tenant string, lead_id string", [("t", "won")]),
        "arms": frame("tenant string, lead_id string, arms map<string,string>", [("t", "kept", {"hot": "hold_out"})]),
        "incumbents": frame("tenant string, lead_id string, lists array<string>", [("t", "a", ["hot"])]),
    }


def test_a_lead_s_case_comes_from_score_features_and_traits(spark: SparkSession) -> None:
    leads = ["a", "gone", "won", "kept", "b"]
    lists = (
        a_list("hot", "score > 0.4 and features.count_7d >= 0 and country = 'DE'"),
        a_list("email", "traits.size >= 2", channel="email", purpose="marketing"),
        a_list("all", "trend > 0", hold_out=0.999999),
    )
    inputs = frames(spark, leads, dict.fromkeys(leads, 0.5) | {"b": None})
    found = {row.lead_id: row for row in lead_cases(**inputs, lists=lists, salt="s").collect()}
    assert {name: row.barred for name, row in found.items() if row.barred} == {
        "gone": "deleted at its source",
        "won": "already won",
    }
    assert [entry.eligible for entry in found["a"].cases] == [True, False, False]
    assert [entry.eligible for entry in found["b"].cases] == [False, True, False]
    assert [entry.legal_basis for entry in found["a"].cases] == ["legitimate_interest", None, "legitimate_interest"]
    assert found["a"].cases[0].incumbent
    assert not found["b"].cases[0].incumbent
    assert [found[name].cases[0].arm for name in ("a", "kept")] == ["treated", "hold_out"]
    assert found["b"].cases[2].arm == "hold_out"


def test_the_hold_out_takes_its_share_and_another_salt_draws_others(spark: SparkSession) -> None:
    leads = [f"lead{i}" for i in range(2000)]
    inputs = frames(spark, leads, dict.fromkeys(leads, 0.5))

    def held_out(salt: str) -> set[str]:
        cases = lead_cases(**inputs, lists=(a_list("hot", hold_out=0.2),), salt=salt)
        return {row.lead_id for row in cases.collect() if row.cases[0].arm == "hold_out"}

    first, second = held_out("one"), held_out("two")
    assert 320 < len(first) < 480
    assert first == held_out("one")
    assert first != second


def test_incumbents_are_those_of_earlier_ticks_of_the_day(spark: SparkSession) -> None:
    rows = [
        ("t", "a", "engage", "hot", TICK - timedelta(hours=1)),
        ("t", "a2", "engage", "hot", TICK - timedelta(hours=2)),
        ("t", "b", "engage", "hot", TICK - timedelta(hours=16)),
        ("t", "c", "engage", "hot", TICK),
        ("t", "d", "none", "hot", TICK - timedelta(hours=1)),
    ]
    ledger = spark.createDataFrame(rows, "tenant string, lead_id string, action string, list string, tick timestamp")
    ticks = spark.createDataFrame(TICKS[1], TICKS[0])
    names = identities(spark, a="a", a2="a")
    kept = incumbents(ledger, names, ticks.withColumn("between", F.lit(False)))
    assert [(row.lead_id, row.lists) for row in kept.collect()] == [("a", ["hot"])]
    assert [row.used for row in places_used(kept).collect()] == [{"hot": 1}]
    between = incumbents(ledger, names, ticks.withColumn("between", F.lit(True)))
    assert sorted(row.lead_id for row in between.collect()) == ["a", "c"], "a ranking stands between ticks"


def test_a_lead_is_won_by_the_latest_statement_known_at_the_tick(spark: SparkSession) -> None:
    def stated(lead_id: str, value: bool, days: int, name: str = "won", timed: bool = True) -> tuple[Any, ...]:
        at = TICK - timedelta(days=days)
        return "t", f"{lead_id}{value}{days}", lead_id, name, value, timed, at, at

    outcomes = spark.createDataFrame(
        [
            stated("a", True, 2),
            stated("b", True, 3),
            stated("b", False, 1),
            stated("c", True, -1),
            stated("d", True, 1, "lost"),
            stated("e", True, -1, timed=False),
            stated("f", True, -3, timed=False),
        ],
        "tenant string, outcome_id string, identity_key string, outcome string, value boolean, timed boolean, "
        "occurred_at timestamp, known_at timestamp",
    )
    # Looked at as of the tick by what was known two days later.
    ticks = spark.createDataFrame([("t", TICK, TICK + timedelta(days=2))], TICKS[0])
    since = TICK - timedelta(days=9)
    rows = [("t", key, key, True, since, "refine/1/0") for key in "abcdef"]
    whose = spark.createDataFrame(
        rows, "tenant string, identity_key string, lead_id string, is_lead boolean, known_at timestamp, batch string"
    )
    assert sorted(row.lead_id for row in won_leads(outcomes, whose, ticks, outcome="won").collect()) == ["a", "e"]
    assert {row.lead_id for row in won_leads(outcomes, whose, ticks, outcome=None).collect()} == {"a", "d", "e"}

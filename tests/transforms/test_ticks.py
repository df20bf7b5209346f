from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from leadhouse.transforms.decisions import decide, place_leads
from leadhouse.transforms.ticks import (
    changed_decisions,
    decision_moments,
    earlier_ticks,
    last_ticks,
    marked_decisions,
    new_ticks,
    standing_decisions,
    unchanged_decisions,
)
from tests.transforms.cases import CASES, TICK, a_list, case, lead

MOMENTS = "tenant string, as_of timestamp, known timestamp, model_version string, model_hash string"
STORED = "tenant string, tick timestamp, known timestamp, model_version string, definitions_hash string, batch string"
DECISIONS = (
    "tenant string, decision_id string, lead_id string, tick timestamp, known timestamp, action string, list string, "
    "channel string, purpose string, reason string, legal_basis string, arm string, rank int, batch string"
)


def minutes(number: int) -> datetime:
    return TICK + timedelta(minutes=number)


def stored(spark: SparkSession, *ticks: tuple[datetime, str | None, str]) -> DataFrame:
    rows = [("t", at, at, model, lists, f"decide/1/{number}") for number, (at, model, lists) in enumerate(ticks)]
    return spark.createDataFrame(rows, STORED)


def between(
    spark: SparkSession, at: datetime, *ticks: tuple[datetime, str | None, str], model: str | None = "m"
) -> Any:
    scored = spark.createDataFrame([("t", at, at, model, "h")], MOMENTS)
    last = last_ticks(stored(spark, *ticks))
    return decision_moments(scored, last, definitions_hash="lists", rank_minutes=60).first()


def test_a_ranking_stands_for_its_minutes_on_its_day_under_its_lists_and_model(spark: SparkSession) -> None:
    tick = (TICK, "m", "lists")
    assert not between(spark, TICK).between, "the first"
    assert between(spark, TICK, tick).between, "late facts of the same moment"
    assert between(spark, minutes(59), (minutes(-90), "m", "lists"), tick).between
    assert not between(spark, minutes(60), tick).between
    assert not between(spark, minutes(-1), tick).between, "an earlier moment was asked for"
    assert not between(spark, minutes(5), (TICK, "m", "others")).between
    assert not between(spark, minutes(5), tick, model="m2").between
    assert between(spark, minutes(5), (TICK, None, "lists"), model=None).between
    midnight = TICK.replace(hour=23, minute=50)
    assert not between(spark, midnight + timedelta(minutes=20), (midnight, "m", "lists")).between


def test_only_ticks_are_recorded_and_found_again(spark: SparkSession) -> None:
    scored = spark.createDataFrame([("t", minutes(5), minutes(6), "m", "h"), ("u", TICK, TICK, None, None)], MOMENTS)
    moments = decision_moments(
        scored, last_ticks(stored(spark, (TICK, "m", "lists"))), definitions_hash="lists", rank_minutes=60
    )
    assert {row.tenant: row.between for row in moments.collect()} == {"t": True, "u": False}
    (made,) = new_ticks(moments, definitions_hash="lists", batch="decide/1/9").collect()
    assert (made.tenant, made.model_version, made.batch) == ("u", None, "decide/1/9")
    before = stored(spark, (minutes(-90), "m", "lists"), (TICK, "m", "lists"))
    at = spark.createDataFrame([("t", TICK), ("u", TICK)], "tenant string, as_of timestamp")
    found = {
        row.tenant: row.gone
        for row in earlier_ticks(before, at)
        .selectExpr("tenant", "TIMESTAMPDIFF(MINUTE, tick, timestamp'2024-05-10 15:00:00Z') gone")
        .collect()
    }
    assert found == {"t": 90, "u": None}


@pytest.fixture
def ledger(spark: SparkSession) -> DataFrame:
    def row(name: str, at: datetime, listed: str | None, rank: int | None, batch: int) -> tuple[Any, ...]:
        said = ("engage", listed, "crm_task", "sales", f"on {listed}", "consent", "treated")
        refused = ("none", None, None, None, "not eligible for any list", None, None)
        return "t", f"{name}{batch}", name, at, at, *(said if listed else refused), rank, f"decide/1/{batch}"

    rows = [
        row("old", minutes(-30), "hot", 1, 8),
        row("stays", TICK, "hot", 1, 9),
        row("leaves", TICK, "hot", 2, 9),
        row("comes", TICK, None, None, 9),
        row("came", TICK, None, None, 9),
        row("came", minutes(1), "hot", 3, 10),
        row("out", TICK, None, None, 9),
    ]
    return spark.createDataFrame(rows, DECISIONS)


def test_between_ticks_leads_leave_or_join_at_the_end_and_the_others_keep_their_decisions(
    spark: SparkSession, ledger: DataFrame
) -> None:
    scored = spark.createDataFrame([("t", minutes(2), minutes(2), "m", "h")], MOMENTS)
    moments = decision_moments(
        scored, last_ticks(stored(spark, (TICK, "m", "lists"))), definitions_hash="lists", rank_minutes=60
    )
    standing = standing_decisions(ledger, moments)
    assert {row.lead_id: row.decision_id for row in standing.collect()} == {
        "stays": "stays9", "leaves": "leaves9", "comes": "comes9", "came": "came10", "out": "out9",
    }  # fmt: skip
    cases = [
        lead("comes", case(0.9)),
        lead("stays", case(0.1, inc=True)),
        lead("came", case(0.8, inc=True)),
        lead("leaves", case(inc=True), barred="already won"),
        lead("out", case(eligible=False)),
    ]
    lists = (a_list("hot"),)
    used = spark.createDataFrame([], "tenant string, used map<string,bigint>")
    placed = place_leads(spark.createDataFrame(cases, CASES), used, lists=lists)
    marked = marked_decisions(decide(placed, moments, standing, lists=lists), standing).persist()
    assert {row.lead_id: row.rank for row in marked.collect() if row.action == "engage"} == {
        "comes": 4, "stays": 1, "came": 3,
    }  # fmt: skip
    changed = {row.lead_id: row.reason for row in changed_decisions(marked).collect()}
    assert changed == {"comes": "on hot", "leaves": "already won"}
    kept = {row.decision_id for row in unchanged_decisions(standing, marked).collect()}
    assert kept == {"stays9", "came10", "out9"}
    marked.unpersist()


def test_at_a_tick_nothing_stands(spark: SparkSession, ledger: DataFrame) -> None:
    scored = spark.createDataFrame([("t", minutes(61), minutes(61), "m", "h")], MOMENTS)
    last = last_ticks(stored(spark, (TICK, "m", "lists")))
    moments = decision_moments(scored, last, definitions_hash="lists", rank_minutes=60)
    assert standing_decisions(ledger, moments).isEmpty()

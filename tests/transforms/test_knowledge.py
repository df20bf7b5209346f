from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from leadhouse.transforms.knowledge import (
    current_leads,
    facts_of_leads,
    known_by,
    standing_facts,
    standing_findings,
    tick_moments,
)

NOON = datetime(2024, 5, 10, 12, tzinfo=UTC)
IDENTITY = "tenant string, identity_key string, lead_id string, is_lead boolean, known_at timestamp, batch string"
FINDING = (
    "tenant string, finding_id string, rule string, fact_table string, fact_id string, lead_id string, status string, "
    "known_at timestamp, batch string"
)
TIMES = "tenant string, occurred_at timestamp, known_at timestamp"


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def rows(frame: DataFrame) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in frame.collect())


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def test_the_latest_row_of_a_key_says_its_lead(spark: SparkSession) -> None:
    stated = spark.createDataFrame(
        [
            ("t", "a", "a", True, at(0), "refine/1/0"),
            ("t", "b", "b", True, at(0), "refine/1/9"),
            ("t", "b", "a", True, at(0), "refine/1/10"),
            ("t", "c", "c", False, at(0), "refine/1/0"),
            ("t", "c", "a", True, at(2), "refine/1/1"),
            ("t", "d", "d", False, at(0), "refine/1/0"),
            ("u", "a", "z", True, at(0), "refine/1/0"),
        ],
        IDENTITY,
    )
    now = rows(current_leads(stated).select("tenant", "identity_key", "lead_id"))
    assert now == [("t", "a", "a"), ("t", "b", "a"), ("t", "c", "a"), ("u", "a", "z")]
    then = rows(current_leads(stated, known=at(1)).select("tenant", "identity_key", "lead_id"))
    assert then == [("t", "a", "a"), ("t", "b", "a"), ("u", "a", "z")]


def test_a_fact_is_known_of_a_lead_once_both_are_known(spark: SparkSession) -> None:
    facts = spark.createDataFrame(
        [("t", "f1", "k", at(0)), ("t", "f2", "k", at(5)), ("t", "f3", "other", at(0))],
        "tenant string, fact_id string, identity_key string, known_at timestamp",
    )
    leads = spark.createDataFrame(
        [("t", "k", "a", at(2))], "tenant string, identity_key string, lead_id string, since timestamp"
    )
    whose = facts_of_leads(facts, leads).select("fact_id", "lead_id", "known_at")
    assert rows(whose) == [("f1", "a", naive(at(2))), ("f2", "a", naive(at(5)))]


def test_a_retracted_finding_contradicts_nothing(spark: SparkSession) -> None:
    def finding(key: str, fact: str, status: str, hours: float, batch: int) -> tuple[Any, ...]:
        return "t", key, "rule", "silver.outcomes", fact, "a", status, at(hours), f"leads/1/{batch}"

    findings = spark.createDataFrame(
        [
            finding("x", "o1", "raised", 0, 0),
            finding("y", "o2", "raised", 0, 9),
            finding("y", "o2", "retracted", 0, 10),
            finding("z", "o3", "retracted", 1, 1),
            finding("z", "o3", "raised", 2, 2),
        ],
        FINDING,
    )
    standing = standing_findings(findings)
    assert rows(standing.select("finding_id", "fact_id")) == [("x", "o1"), ("z", "o3")]
    outcomes = spark.createDataFrame(
        [("t", f"o{n}") for n in (1, 2, 3)] + [("u", "o1")], "tenant string, outcome_id string"
    )
    kept = standing_facts(outcomes, standing, fact_table="silver.outcomes", fact_id="outcome_id")
    assert rows(kept) == [("t", "o2"), ("u", "o1")]
    others = standing_facts(outcomes, standing, fact_table="silver.signals", fact_id="outcome_id")
    assert others.count() == 4


def test_rows_are_cut_at_their_own_tenants_tick(spark: SparkSession) -> None:
    facts = spark.createDataFrame(
        [("t", at(0), at(0)), ("t", at(0), at(3)), ("u", at(0), at(3)), ("v", at(0), at(0))], TIMES
    )
    ticks = spark.createDataFrame([("t", at(2)), ("u", at(3))], "tenant string, known timestamp")
    assert rows(known_by(facts, ticks).select("tenant", "known_at")) == [("t", naive(at(0))), ("u", naive(at(3)))]


def test_a_tick_is_the_latest_event_never_past_now(spark: SparkSession) -> None:
    signals = spark.createDataFrame([("t", at(1), at(2)), ("t", at(99), at(2)), ("u", at(99), at(0))], TIMES)
    traits = spark.createDataFrame([("t", at(0), at(3)), ("v", at(-5), at(-5))], TIMES)
    identities = spark.createDataFrame([("v", at(6))], "tenant string, known_at timestamp")
    ticks = tick_moments([signals, traits], [identities], now=at(10))
    assert rows(ticks) == [
        ("t", naive(at(1)), naive(at(3))),
        ("u", naive(at(10)), naive(at(10))),
        ("v", naive(at(-5)), naive(at(6))),
    ]


def test_an_asked_for_tick_is_taken_with_all_that_is_known(spark: SparkSession) -> None:
    signals = spark.createDataFrame([("t", at(1), at(2)), ("u", at(-9), at(-9))], TIMES)
    ticks = tick_moments([signals], now=at(10), as_of=at(0))
    assert rows(ticks) == [("t", naive(at(0)), naive(at(2))), ("u", naive(at(0)), naive(at(0)))]

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import SparkSession

from leadhouse.transforms.moments import scoring_moments, sources_of_leads, training_examples

TICK = datetime(2024, 12, 31, 18, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LEAD = "tenant string, lead_id string, created_at timestamp, deleted boolean"
OUTCOME = (
    "tenant string, outcome_id string, identity_key string, outcome string, value boolean, timed boolean, "
    "occurred_at timestamp, known_at timestamp"
)
IDENTITY = "tenant string, identity_key string, lead_id string, is_lead boolean, known_at timestamp, batch string"
FINDING = (
    "tenant string, finding_id string, rule string, fact_table string, fact_id string, lead_id string, status string, "
    "known_at timestamp, batch string"
)
TICKS = "tenant string, as_of timestamp, known timestamp"


def on(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2024, month, day, hour, tzinfo=UTC)


def lead(name: str, created: datetime | None, tenant: str = "t", deleted: bool = False) -> tuple[Any, ...]:
    return tenant, name, created, deleted


def won(key: str, when: datetime, **more: Any) -> tuple[Any, ...]:
    plain = {
        "tenant": "t", "outcome_id": f"{key}{when:%m%d}", "identity_key": key, "outcome": "won", "value": True,
        "timed": True, "occurred_at": when, "known_at": when,
    }  # fmt: skip
    return tuple((plain | more).values())


def examples(
    spark: SparkSession,
    leads: list[tuple[Any, ...]],
    outcomes: list[tuple[Any, ...]],
    *,
    ages: tuple[int, ...] = (0,),
    horizon: int = 90,
    findings: list[tuple[Any, ...]] | None = None,
    tick: datetime = TICK,
) -> list[tuple[str, str, bool, bool]]:
    """Lead, moment as month-day and hour, label and timed of each example."""
    names = {(tenant, name) for tenant, name, *_ in leads}
    found = training_examples(
        spark.createDataFrame(leads, LEAD),
        spark.createDataFrame(outcomes, OUTCOME),
        spark.createDataFrame([(t, n, n, True, LONG_AGO, "refine/1/0") for t, n in sorted(names)], IDENTITY),
        spark.createDataFrame(findings or [], FINDING),
        outcome="won",
        ages_days=ages,
        horizon_days=horizon,
        ticks=spark.createDataFrame([(tenant, tick, tick) for tenant in sorted({t for t, _ in names})], TICKS),
    ).collect()
    assert all(row.known == row.as_of for row in found)
    return sorted((row.lead_id, f"{row.as_of:%m-%d %H}", row.label, row.timed) for row in found)


def test_a_moment_is_the_first_midnight_at_or_after_each_age(spark: SparkSession) -> None:
    leads = [lead("noon", on(2, 1, 12)), lead("midnight", on(2, 1))]
    assert examples(spark, leads, [], ages=(0, 7, 7)) == [
        ("midnight", "02-01 00", False, True),
        ("midnight", "02-08 00", False, True),
        ("noon", "02-02 00", False, True),
        ("noon", "02-09 00", False, True),
    ]


def test_the_label_is_a_win_after_the_moment_and_within_the_horizon(spark: SparkSession) -> None:
    created = on(2, 1)
    wins = {
        "before": created - timedelta(days=1),
        "at": created,
        "after": created + timedelta(microseconds=1),
        "last": created + timedelta(days=90),
        "late": created + timedelta(days=90, microseconds=1),
    }
    found = examples(spark, [lead(name, created) for name in wins], [won(name, when) for name, when in wins.items()])
    assert [(name, label) for name, _, label, _ in found] == [("after", True), ("last", True), ("late", False)]


def test_a_moment_whose_horizon_has_not_passed_is_no_example_even_if_won(spark: SparkSession) -> None:
    first_open = (TICK - timedelta(days=90)).replace(hour=0) + timedelta(days=1)
    leads = [lead("open", first_open), lead("won", first_open), lead("closed", first_open - timedelta(days=1))]
    found = examples(spark, leads, [won("won", first_open + timedelta(days=2))])
    assert [name for name, *_ in found] == ["closed"]


def test_contradicted_other_and_unknown_outcomes_are_no_wins(spark: SparkSession) -> None:
    names = ("finding", "other", "lost", "future", "unknown")
    outcomes = [
        won("finding", on(3, 1)),
        won("other", on(3, 1), outcome="demo_booked"),
        won("lost", on(3, 1), value=False),
        won("future", TICK + timedelta(days=1), known_at=on(3, 1)),
        won("unknown", on(3, 1), known_at=TICK + timedelta(days=1)),
    ]
    raised = ("t", "x", "rule", "silver.outcomes", "finding0301", "finding", "raised", on(4, 1), "leads/1/0")
    found = examples(spark, [lead(name, on(2, 1)) for name in names], outcomes, findings=[raised])
    assert [label for *_, label, _ in found] == [False] * 5


def test_the_first_win_counts_when_there_are_several(spark: SparkSession) -> None:
    wins = [won("a", on(2, 20)), won("a", on(2, 5))]
    found = examples(spark, [lead("a", on(2, 1))], wins, ages=(0, 7), horizon=3)
    assert found == [("a", "02-01 00", False, True)]


def test_without_times_each_lead_is_one_example_at_the_tick(spark: SparkSession) -> None:
    leads = [lead(name, None) for name in ("lost", "silent", "regained")]
    outcomes = [
        won("lost", on(2, 1), timed=False),
        won("lost", on(2, 2), value=False, timed=False),
        won("regained", on(2, 1), value=False, timed=False),
        won("regained", on(2, 2), timed=False),
    ]
    assert examples(spark, leads, outcomes) == [
        ("lost", "12-31 18", False, False),
        ("regained", "12-31 18", True, False),
    ]


def test_what_says_no_time_counts_as_of_the_past_too(spark: SparkSession) -> None:
    exported = {"timed": False, "known_at": on(2, 1)}
    outcomes = [
        won("yes", TICK + timedelta(days=9), **exported),
        won("no", TICK + timedelta(days=9), value=False, **exported),
        won("dated", TICK + timedelta(days=9), known_at=on(2, 1)),
    ]
    found = examples(spark, [lead(name, None) for name in ("yes", "no", "dated")], outcomes)
    assert [(name, label) for name, _, label, _ in found] == [("no", False), ("yes", True)]


def test_where_only_wins_are_ever_stated_a_silent_lead_is_lost(spark: SparkSession) -> None:
    found = examples(spark, [lead("won", None), lead("silent", None)], [won("won", on(2, 1))])
    assert [(name, label, timed) for name, _, label, timed in found] == [("silent", False, False), ("won", True, False)]


def test_each_tenant_is_timed_or_not_by_itself(spark: SparkSession) -> None:
    leads = [lead("a", on(2, 1)), lead("b", on(2, 1), "u"), lead("c", None)]
    outcomes = [won("a", on(3, 1)), won("b", on(3, 1), tenant="u", timed=False)]
    assert examples(spark, leads, outcomes) == [("a", "02-01 00", True, True), ("b", "12-31 18", True, False)]


def test_leads_that_are_there_at_the_tick_are_scored(spark: SparkSession) -> None:
    leads = [
        lead("old", on(1, 1)),
        lead("unknown age", None),
        lead("gone", on(1, 1), deleted=True),
        lead("to come", TICK + timedelta(days=1)),
    ]
    ticks = spark.createDataFrame([("t", TICK, TICK + timedelta(days=3))], TICKS)
    found = scoring_moments(spark.createDataFrame(leads, LEAD), ticks).collect()
    assert sorted(row.lead_id for row in found) == ["old", "unknown age"]


def test_a_leads_source_is_the_one_that_spoke_of_it_first_as_far_as_was_known(spark: SparkSession) -> None:
    statements = [
        ("mail", "crm", on(3, 2), on(3, 2)),
        ("phone", "web", on(3, 1), on(3, 3)),
        ("phone", "crm", on(3, 1), on(3, 3)),
        ("mail", "old", on(1, 1), TICK + timedelta(days=1)),
        ("nobody", "web", on(1, 1), on(1, 1)),
        ("other", "web", on(5, 1), on(5, 1)),
    ]
    keys = [("mail", "anna"), ("phone", "anna"), ("other", "ben")]
    found = sources_of_leads(
        spark.createDataFrame(
            [("t", *statement) for statement in statements],
            "tenant string, identity_key string, source string, occurred_at timestamp, known_at timestamp",
        ),
        spark.createDataFrame([("t", key, name, True, LONG_AGO, "refine/1/0") for key, name in keys], IDENTITY),
        spark.createDataFrame([("t", TICK, TICK)], TICKS),
    )
    assert sorted(map(tuple, found.collect())) == [("t", "anna", "crm"), ("t", "ben", "web")]

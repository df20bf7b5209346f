"""Which leads and scores a model is watched by: as they were at the ages of training, and only what has ripened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from leadhouse.transforms import watching
from leadhouse.transforms.watching import new_moments, ripe_scores
from tests.transforms.test_moments import IDENTITY, LONG_AGO

NOW = datetime(2024, 12, 31, 18, tzinfo=UTC)
AT = (
    "tenant string, lead_id string, created_at timestamp, tick timestamp, tick_known timestamp, timed boolean, "
    "losses_stated boolean"
)
STATED = (
    "tenant string, lead_id string, outcome_id string, value boolean, timed boolean, occurred_at timestamp, "
    "known_at timestamp"
)
DECISION = (
    "tenant string, lead_id string, tick timestamp, known timestamp, batch string, score double, model_version string"
)


def on(month: int, day: int, hour: int = 0) -> datetime:
    return datetime(2024, month, day, hour, tzinfo=UTC)


def leads_at(spark: SparkSession, *leads: tuple[str, datetime | None]) -> DataFrame:
    return spark.createDataFrame(
        [("t", name, created, NOW, NOW, created is not None, False) for name, created in leads], AT
    )


def wins(spark: SparkSession, *won: tuple[str, datetime]) -> DataFrame:
    return spark.createDataFrame([("t", name, name, True, True, when, when) for name, when in won], STATED)


def identities(spark: SparkSession, *keys: tuple[str, str, datetime]) -> DataFrame:
    return spark.createDataFrame(
        [("t", key, lead, True, since, f"refine/1/{n}") for n, (key, lead, since) in enumerate(keys)], IDENTITY
    )


def test_leads_are_looked_at_at_the_midnights_of_training_each_age_once(spark: SparkSession) -> None:
    at = leads_at(
        spark, ("a", on(12, 20, 9)), ("old", on(11, 1)), ("won", on(12, 20)), ("young", on(12, 31, 9)), ("none", None)
    )
    found = new_moments(
        at, wins(spark, ("won", on(12, 24))), identities(spark), ages_days=(0, 7), after=on(12, 15), timed=True
    )
    assert sorted((row.lead_id, row.as_of.astimezone(UTC), row.age_days) for row in found.collect()) == [
        ("a", on(12, 21), 0),
        ("a", on(12, 28), 7),
        ("won", on(12, 20), 0),  # won before it was a week old, and young's midnight is to come
    ]
    assert all(row.known == row.as_of for row in found.collect())
    again = new_moments(at, wins(spark), identities(spark), ages_days=(0, 7), after=on(12, 21), timed=True)
    assert {(row.lead_id, row.age_days) for row in again.collect()} == {("a", 7), ("won", 7)}


def test_without_times_leads_are_looked_at_at_the_tick_when_they_are_first_known(spark: SparkSession) -> None:
    at = leads_at(spark, ("a", None), ("b", None))
    known = identities(spark, ("a", "a", on(12, 1)), ("b", "b", on(12, 30)), ("b2", "b", on(12, 31)))
    found = new_moments(at, wins(spark), known, ages_days=(7, 30), after=on(12, 15), timed=False)
    assert [(row.lead_id, row.as_of.astimezone(UTC), row.age_days) for row in found.collect()] == [("b", NOW, 7)]
    later = new_moments(at, wins(spark), known, ages_days=(7, 30), after=on(12, 31), timed=False)
    assert later.count() == 0


def test_many_leads_are_drawn_whatever_their_order(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "MOST_LEADS", 3)
    leads = [(f"lead{number}", on(12, 20)) for number in range(9)]
    drawn = [
        {row.lead_id for row in new_moments(
            leads_at(spark, *some), wins(spark), identities(spark), ages_days=(0,), after=on(12, 1), timed=True
        ).collect()}
        for some in (leads, leads[::-1])
    ]  # fmt: skip
    assert len(drawn[0]) == 3
    assert drawn[0] == drawn[1]


def ripe(
    spark: SparkSession, made: list[tuple[Any, ...]], leads: DataFrame, won: DataFrame, known: DataFrame
) -> list[tuple[str, datetime, float, str, bool]]:
    decisions = spark.createDataFrame([("t", *one) for one in made], DECISION)
    ranked = spark.createDataFrame([("t", on(11, day)) for day in (2, 3, 20)], "tenant string, tick timestamp")
    found = ripe_scores(decisions, ranked, leads, won, known, ages_days=(0, 7), horizon_days=30)
    return sorted(
        (row.lead_id, row.tick.astimezone(UTC), row.probability, row.model_version, row.label)
        for row in found.collect()
    )


def test_a_score_counts_once_its_horizon_has_passed_with_what_became_of_the_lead(spark: SparkSession) -> None:
    leads = leads_at(spark, ("a", on(11, 1, 9)), ("b", on(11, 1, 9)), ("c", on(11, 1, 9)), ("late", on(12, 1)))
    won = wins(spark, ("a", on(12, 2)), ("b", on(12, 3)), ("c", on(11, 2)))
    made = [
        ("a", on(11, 2), on(11, 2), "decide/1/0", 0.5, "m/1"),
        ("a", on(11, 2), on(11, 5), "decide/1/9", 0.9, "m/1"),  # computed anew: not what was said
        ("a", on(11, 3), on(11, 3), "decide/1/1", 0.6, "m/2"),  # the second tick at that age
        ("b", on(11, 2), on(11, 2), "decide/1/0", 0.3, "m/1"),
        ("b", on(11, 20), on(11, 20), "decide/1/3", 0.8, "m/2"),  # twelve days after it was a week old
        ("b", on(11, 9), on(11, 9), "decide/1/2", 0.7, "m/1"),  # between ticks: only what changed is written there
        ("c", on(11, 2), on(11, 2), "decide/1/0", 0.2, "m/1"),  # was won by then
        ("late", on(12, 1), on(12, 1), "decide/1/4", 0.1, "m/1"),  # on the last day of the year it is 30 days
        ("gone", on(11, 2), on(11, 2), "decide/1/0", 0.1, "m/1"),
    ]
    known = identities(spark, *[(name, name, LONG_AGO) for name in ("a", "b", "c", "late")])
    assert ripe(spark, made, leads, won, known) == [
        ("a", on(11, 2), 0.5, "m/1", True),  # on the thirtieth day
        ("b", on(11, 2), 0.3, "m/1", False),  # a day later
    ]


def test_a_score_is_the_present_leads_after_a_merge(spark: SparkSession) -> None:
    known = identities(spark, ("a", "a", LONG_AGO), ("b", "b", LONG_AGO), ("b", "a", on(12, 1)))
    made = [("b", on(11, 2), on(11, 2), "decide/1/0", 0.5, "m/1")]
    won = wins(spark, ("a", on(11, 20)))
    assert ripe(spark, made, leads_at(spark, ("a", on(11, 1, 9))), won, known) == [("a", on(11, 2), 0.5, "m/1", True)]


def test_an_outcome_that_is_still_open_is_no_loss(spark: SparkSession) -> None:
    made = [("a", on(11, 20), on(11, 20), "decide/1/0", 0.5, "m/1")]
    leads, known = leads_at(spark, ("a", on(11, 19, 9))), identities(spark, ("a", "a", LONG_AGO))
    assert ripe(spark, made, leads, wins(spark), known) == [("a", on(11, 20), 0.5, "m/1", False)]
    early = leads.withColumn("tick", leads["tick"] - timedelta(days=12))
    assert ripe(spark, made, early, wins(spark), known) == []

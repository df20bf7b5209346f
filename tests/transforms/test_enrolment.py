from __future__ import annotations

from pyspark.sql import SparkSession

from leadhouse.transforms.decisions import place_leads
from leadhouse.transforms.enrolment import new_enrolments, stored_arms
from tests.transforms.cases import CASES, TICK, a_list, case, identities, lead


def test_on_a_merge_the_hold_out_wins_and_the_arm_is_not_drawn_again(spark: SparkSession) -> None:
    enrolments = spark.createDataFrame(
        [
            ("t", "hot", "a", "treated"),
            ("t", "hot", "b", "hold_out"),
            ("t", "cold", "b", "treated"),
            ("t", "hot", "x", "treated"),
        ],
        "tenant string, list string, lead_id string, arm string",
    )
    arms = stored_arms(enrolments, identities(spark, a="a", b="a"))
    assert {row.lead_id: row.arms for row in arms.collect()} == {
        "a": {"cold": "treated", "hot": "hold_out"},
        "x": {"hot": "treated"},
    }


def test_a_lead_is_enrolled_once_in_every_list_that_would_take_it(spark: SparkSession) -> None:
    known = ("t", "known", TICK, TICK, "scored", 0.5, "B", "m/1", None, {"one": "treated"}, [case(0.1), case()])
    rows = [
        lead("a", case(0.9), case()),
        lead("b", case(0.8), case(arm="hold_out")),
        lead("c", case(basis=None), case()),
    ]
    lists = (a_list("one", capacity_per_day=1), a_list("two"))
    usage = spark.createDataFrame([], "tenant string, used map<string,bigint>")
    placed = place_leads(spark.createDataFrame([*rows, known], CASES), usage, lists=lists)
    found = {(row.lead_id, row.list, row.arm) for row in new_enrolments(placed, batch="decide/1/0").collect()}
    assert found == {
        ("a", "one", "treated"),
        ("b", "one", "treated"),
        ("b", "two", "hold_out"),
        ("c", "two", "treated"),
        ("known", "two", "treated"),
    }

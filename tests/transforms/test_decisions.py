from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from leadhouse.transforms.decisions import complete_decisions, new_decisions, place_leads
from leadhouse.transforms.engagement import engagement_lists
from leadhouse.transforms.lists import ListSpec, in_order
from tests.transforms.cases import BASIS, CASES, a_list, at_a_tick, case, lead


def decided(
    spark: SparkSession, rows: list[tuple[Any, ...]], *lists: ListSpec, used: dict[str, int] | None = None
) -> dict[str, Any]:
    usage = spark.createDataFrame([("t", used)] if used else [], "tenant string, used map<string,bigint>")
    placed = place_leads(spark.createDataFrame(rows, CASES), usage, lists=lists)
    return {row.lead_id: row for row in at_a_tick(placed, lists=lists).collect()}


def reasons(found: dict[str, Any]) -> dict[str, str]:
    return {name: row.reason for name, row in found.items()}


def test_every_lead_gets_one_decision_with_its_most_specific_reason(spark: SparkSession) -> None:
    rows = [
        lead("deleted", case(), barred="deleted at its source"),
        lead("won", case(), barred="already won"),
        lead("out", case(eligible=False)),
        lead("unscored", case(None, eligible=False), status="not enough data"),
        lead("silent", case(basis=None)),
        lead("control", case(arm="hold_out")),
        lead("first", case(0.9)),
        lead("second", case(0.8)),
    ]
    found = decided(spark, rows, a_list("hot", capacity_per_day=1))
    assert reasons(found) == {
        "deleted": "deleted at its source",
        "won": "already won",
        "out": "not eligible for any list",
        "unscored": "not eligible for any list; not enough data",
        "silent": "no consent for email, marketing",
        "control": "hold-out of hot",
        "first": "on hot",
        "second": "over capacity of hot",
    }
    assert [name for name, row in found.items() if row.action == "engage"] == ["first"]
    first, silent = found["first"], found["silent"]
    assert (first.list, first.channel, first.rank, first.legal_basis, first.arm) == (
        "hot",
        "crm_task",
        1,
        BASIS,
        "treated",
    )
    assert (silent.list, silent.rank, silent.legal_basis, silent.arm) == ("hot", None, None, None)
    assert (found["control"].arm, found["second"].arm, found["out"].list) == ("hold_out", "treated", None)


def test_without_lists_and_without_a_score_there_still_is_a_decision(spark: SparkSession) -> None:
    assert reasons(decided(spark, [lead("a")])) == {"a": "no list is defined"}
    unscored = lead("a", case(None), status="not enough data")
    assert reasons(decided(spark, [unscored], a_list("all"))) == {"a": "on all"}


def test_who_finds_a_list_full_goes_to_the_next_and_a_hold_out_does_not(spark: SparkSession) -> None:
    rows = [
        lead("a", case(0.9), case(0.1)),
        lead("b", case(0.8), case(0.2)),
        lead("c", case(arm="hold_out"), case(0.9)),
    ]
    found = decided(spark, rows, a_list("one", capacity_per_day=1), a_list("two"))
    assert reasons(found) == {"a": "on one", "b": "on two", "c": "hold-out of one"}


def test_equal_ranks_go_by_lead_and_no_rank_comes_last(spark: SparkSession) -> None:
    rows = [lead("c", case(None)), lead("b", case(0.5)), lead("a", case(0.5))]
    found = decided(spark, rows, a_list("hot"))
    assert {name: row.rank for name, row in found.items()} == {"a": 1, "b": 2, "c": 3}


def test_incumbents_of_the_day_keep_their_place_and_the_gone_still_count(spark: SparkSession) -> None:
    rows = [lead("new", case(0.9)), lead("newer", case(0.8)), lead("old", case(0.1, inc=True))]
    found = decided(spark, rows, a_list("hot", capacity_per_day=3), used={"hot": 2, "other": 9})
    assert reasons(found) == {"new": "on hot", "newer": "over capacity of hot", "old": "on hot"}
    assert (found["new"].rank, found["old"].rank) == (1, 2)


def test_the_same_decision_has_the_same_id_and_another_one_another(spark: SparkSession) -> None:
    one = decided(spark, [lead("a", case()), lead("b", case())], a_list("hot"))
    again = decided(spark, [lead("b", case()), lead("a", case())], a_list("hot"))
    other = decided(spark, [lead("a", case()), lead("b", case())], a_list("cold"))
    assert {name: row.decision_id for name, row in one.items()} == {n: row.decision_id for n, row in again.items()}
    assert one["a"].decision_id not in {other["a"].decision_id, one["b"].decision_id}


LEAD = st.tuples(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from([BASIS, BASIS, None]),
            st.sampled_from([None, 0.1, 0.5, 0.9]),
            st.sampled_from(["treated", "treated", "hold_out"]),
            st.booleans(),
        ),
        min_size=3,
        max_size=3,
    ),
    st.sampled_from([None, None, "already won"]),
)


def oracle(people: list[Any], capacities: list[int | None], used: list[int]) -> dict[str, str]:
    """Who is on which list, by plain Python."""
    taken: dict[str, str] = {f"p{n:02}": "" for n, (_, barred) in enumerate(people) if barred is None}
    for index, capacity in enumerate(capacities):
        waiting = []
        for number, (cases, _) in enumerate(people):
            name, (eligible, basis, rank, arm, inc) = f"p{number:02}", cases[index]
            if taken.get(name) == "" and eligible and basis:
                if arm == "hold_out":
                    taken[name] = "held out"
                elif inc or capacity is None:
                    taken[name] = f"l{index}"
                else:
                    waiting.append((-(rank if rank is not None else -1.0), name))
        for _, name in sorted(waiting)[: max(0, (capacity or 0) - used[index])]:
            taken[name] = f"l{index}"
    return {name: where for name, where in taken.items() if where.startswith("l")}


@settings(max_examples=3, deadline=None)
@given(
    st.lists(st.lists(LEAD, max_size=12), min_size=1, max_size=30),
    st.lists(st.sampled_from([None, 1, 2, 4]), min_size=3, max_size=3),
)
def test_the_cascade_agrees_with_plain_python(
    spark: SparkSession, scenarios: list[list[Any]], capacities: list[int | None]
) -> None:
    lists = tuple(a_list(f"l{i}", capacity_per_day=capacity) for i, capacity in enumerate(capacities))
    rows, usage, expected = [], [], {}
    for number, people in enumerate(scenarios):  # each is a tenant of its own: one Spark job for all
        tenant = f"t{number}"
        for place, (cases, barred) in enumerate(people):
            full = [case(r, eligible=e, basis=b, arm=a, inc=i) for e, b, r, a, i in cases]
            rows.append((tenant, *lead(f"p{place:02}", *full, barred=barred)[1:]))
        used = [sum(cases[index][4] for cases, _ in people) for index in range(3)]
        usage.append((tenant, {f"l{index}": count for index, count in enumerate(used)}))
        expected |= {(tenant, name): where for name, where in oracle(people, capacities, used).items()}
    places = spark.createDataFrame(usage, "tenant string, used map<string,bigint>")
    made = at_a_tick(place_leads(spark.createDataFrame(rows, CASES), places, lists=lists), lists=lists).collect()
    assert {(row.tenant, row.lead_id): row.list for row in made if row.action == "engage"} == expected
    assert len(made) == len(rows)


def test_the_lists_hold_who_is_engaged_with_the_reasons(spark: SparkSession) -> None:
    lists = in_order((a_list("hot"),))
    usage = spark.createDataFrame([], "tenant string, used map<string,bigint>")
    placed = place_leads(
        spark.createDataFrame([lead("a", case()), lead("b", case(eligible=False))], CASES), usage, lists=lists
    )
    explained = spark.createDataFrame(
        [("t", "a", [("up", "count_7d", "3", 0.4, "3 signals in 7 days")])],
        "tenant string, lead_id string, reasons array<struct<direction: string, feature: string, value: string, "
        "effect: double, words: string>>",
    )
    made = complete_decisions(at_a_tick(placed, lists=lists), explained, definitions_hash="d", batch="decide/1/0")
    made_rows = {row.lead_id: row for row in made.collect()}
    assert [entry.words for entry in made_rows["a"].reasons] == ["3 signals in 7 days"]
    assert made_rows["b"].reasons == []
    (entry,) = engagement_lists(made).collect()
    assert (entry.lead_id, entry.list, entry.rank, entry.decision_id) == ("a", "hot", 1, made_rows["a"].decision_id)
    assert new_decisions(made, made.where("lead_id = 'a'")).select("lead_id").collect() == [("b",)]

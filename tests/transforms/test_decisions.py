from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from leadhouse.transforms.cases import incumbents, lead_cases, won_leads
from leadhouse.transforms.decisions import complete_decisions, decide, new_decisions, place_leads, places_used
from leadhouse.transforms.engagement import engagement_lists
from leadhouse.transforms.enrolment import new_enrolments, stored_arms
from leadhouse.transforms.expression import Expression, read_expression
from leadhouse.transforms.lists import ListSpec, in_order

TICK = datetime(2024, 5, 10, 15, tzinfo=UTC)
TICKS = ("tenant string, as_of timestamp, known timestamp", [("t", TICK, TICK)])
CASE = "eligible boolean, legal_basis string, refusal string, rank_value double, arm string, incumbent boolean"
CASES = (
    "tenant string, lead_id string, tick timestamp, known timestamp, status string, score double, grade string, "
    f"model_version string, barred string, arms map<string,string>, cases array<struct<{CASE}>>"
)
BASIS = "consent"


def expression(text: str, kind: str = "boolean") -> Expression:
    return read_expression(text, traits={"size": "integer"}, kind=kind)


def a_list(name: str, eligible: str = "true", **more: Any) -> ListSpec:
    spec = ListSpec(name, "crm_task", "sales", expression(eligible), expression("score", "number"))
    return replace(spec, **more)


def case(
    rank: float | None = 0.5,
    *,
    eligible: bool = True,
    basis: str | None = BASIS,
    arm: str = "treated",
    inc: bool = False,
) -> tuple[Any, ...]:
    return eligible, basis, "no consent for email, marketing", rank, arm, inc


def lead(name: str, *cases: tuple[Any, ...], barred: str | None = None, status: str = "scored") -> tuple[Any, ...]:
    return "t", name, TICK, TICK, status, 0.5, "B", "m/1", barred, {}, list(cases)


def decided(
    spark: SparkSession, rows: list[tuple[Any, ...]], *lists: ListSpec, used: dict[str, int] | None = None
) -> dict[str, Any]:
    usage = spark.createDataFrame([("t", used)] if used else [], "tenant string, used map<string,bigint>")
    placed = place_leads(spark.createDataFrame(rows, CASES), usage, lists=lists)
    return {row.lead_id: row for row in decide(placed, lists=lists).collect()}


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
    made = decide(place_leads(spark.createDataFrame(rows, CASES), places, lists=lists), lists=lists).collect()
    assert {(row.tenant, row.lead_id): row.list for row in made if row.action == "engage"} == expected
    assert len(made) == len(rows)


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


def identities(spark: SparkSession, **lead_of: str) -> DataFrame:
    rows = [("t", key, now, True, TICK, "refine/1/0") for key, now in lead_of.items()]
    return spark.createDataFrame(
        rows, "tenant string, identity_key string, lead_id string, is_lead boolean, known_at timestamp, batch string"
    )


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
    kept = incumbents(ledger, identities(spark, a="a", a2="a"), ticks)
    assert [(row.lead_id, row.lists) for row in kept.collect()] == [("a", ["hot"])]
    assert [row.used for row in places_used(kept).collect()] == [{"hot": 1}]


def test_a_lead_is_won_by_the_latest_statement_known_at_the_tick(spark: SparkSession) -> None:
    def stated(lead_id: str, value: bool, days: int, name: str = "won") -> tuple[Any, ...]:
        at = TICK - timedelta(days=days)
        return "t", f"{lead_id}{value}{days}", lead_id, name, value, at, at

    outcomes = spark.createDataFrame(
        [
            stated("a", True, 2),
            stated("b", True, 3),
            stated("b", False, 1),
            stated("c", True, -1),
            stated("d", True, 1, "lost"),
        ],
        "tenant string, outcome_id string, identity_key string, outcome string, value boolean, occurred_at timestamp, "
        "known_at timestamp",
    )
    ticks = spark.createDataFrame(TICKS[1], TICKS[0])
    since = TICK - timedelta(days=9)
    rows = [("t", key, key, True, since, "refine/1/0") for key in "abcd"]
    whose = spark.createDataFrame(
        rows, "tenant string, identity_key string, lead_id string, is_lead boolean, known_at timestamp, batch string"
    )
    assert [row.lead_id for row in won_leads(outcomes, whose, ticks, outcome="won").collect()] == ["a"]
    assert {row.lead_id for row in won_leads(outcomes, whose, ticks, outcome=None).collect()} == {"a", "d"}


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
    made = complete_decisions(decide(placed, lists=lists), explained, definitions_hash="d", batch="decide/1/0")
    made_rows = {row.lead_id: row for row in made.collect()}
    assert [entry.words for entry in made_rows["a"].reasons] == ["3 signals in 7 days"]
    assert made_rows["b"].reasons == []
    (entry,) = engagement_lists(made).collect()
    assert (entry.lead_id, entry.list, entry.rank, entry.decision_id) == ("a", "hot", 1, made_rows["a"].decision_id)
    assert new_decisions(made, made.where("lead_id = 'a'")).select("lead_id").collect() == [("b",)]

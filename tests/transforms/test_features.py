from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from leadhouse.expectations.tables import table_schema, table_specs
from leadhouse.transforms.features import TraitKind, lead_features
from tests.jobs.rows import row
from tests.transforms import feature_oracle as oracle

Row = dict[str, Any]
NOW = datetime(2024, 5, 10, 15, 30, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MOMENT = "tenant string, lead_id string, as_of timestamp, known timestamp"
KINDS = (
    TraitKind("t", "crm", "employees", "number"),
    TraitKind("t", "crm", "opted_in", "boolean"),
    TraitKind("t", "crm", "renews_on", "date"),
    TraitKind("t", "crm", "last_call", "timestamp"),
    TraitKind("t", "crm", "country", "string"),
    TraitKind("t", "crm", "quality", "string", known="later"),
)


def frame(spark: SparkSession, table: str, rows: list[Row]) -> DataFrame:
    schema = table_schema(table_specs()[table])
    return spark.createDataFrame(pa.Table.from_pylist([row(table, **one) for one in rows], to_arrow_schema(schema)))


def signal(when: datetime, signal_type: str = "call", **more: Any) -> Row:
    plain = {"tenant": "t", "identity_key": "a", "occurred_at": when, "known_at": when, "signal_type": signal_type}
    return plain | more


def trait(name: str, value: str | None, when: datetime = LONG_AGO, **more: Any) -> Row:
    plain = {
        "tenant": "t",
        "source": "crm",
        "identity_key": "a",
        "name": name,
        "value": value,
        "trait_id": f"{name}{value}",
    }
    return plain | {"occurred_at": when, "stated_at": when, "known_at": when} | more


def identity(key: str, lead: str, since: datetime = LONG_AGO, batch: int = 0, is_lead: bool = True) -> Row:
    plain = {"tenant": "t", "identity_key": key, "lead_id": lead, "is_lead": is_lead}
    return plain | {"known_at": since, "batch": f"refine/1/{batch}"}


def moment(lead: str = "a", as_of: datetime = NOW, known: datetime | None = None) -> Row:
    return {"tenant": "t", "lead_id": lead, "as_of": as_of, "known": known or as_of}


def computed(
    spark: SparkSession,
    moments: list[Row],
    *,
    signals: list[Row],
    traits: list[Row],
    identities: list[Row],
    kinds: tuple[TraitKind, ...] = KINDS,
) -> dict[tuple[str, str, datetime], Any]:
    found = lead_features(
        spark.createDataFrame([tuple(one.values()) for one in moments], MOMENT),
        signals=frame(spark, "silver.signals", signals),
        traits=frame(spark, "silver.traits", traits),
        identities=frame(spark, "silver.identities", identities),
        kinds=kinds,
    ).collect()
    assert len(found) == len(moments)
    return {(one.tenant, one.lead_id, one.as_of.replace(tzinfo=UTC)): one for one in found}


def of_one_lead(spark: SparkSession, *facts: Row, at: Row | None = None) -> Any:
    asked = at or moment()
    (found,) = computed(
        spark,
        [asked],
        signals=[fact for fact in facts if "signal_type" in fact],
        traits=[fact for fact in facts if "value" in fact],
        identities=[identity("a", "a")],
    ).values()
    return found


def ago(**units: float) -> datetime:
    return NOW - timedelta(**units)


def test_signals_become_counts_recency_intensity_campaigns_and_gaps(spark: SparkSession) -> None:
    found = of_one_lead(
        spark,
        signal(ago(hours=6), "call", channel="phone", campaign="spring"),
        signal(ago(days=14), "visit", channel="web", campaign="spring"),
        signal(ago(days=28.25), "visit", channel=None, campaign="winter"),
    )
    assert found.numbers == {
        "count_1d": 1, "count_7d": 1, "count_30d": 3, "count_90d": 3,
        "count_1d:type:call": 1, "count_7d:type:call": 1, "count_30d:type:call": 1, "count_90d:type:call": 1,
        "count_30d:type:visit": 2, "count_90d:type:visit": 2,
        "count_1d:channel:phone": 1, "count_7d:channel:phone": 1, "count_30d:channel:phone": 1,
        "count_90d:channel:phone": 1, "count_30d:channel:web": 1, "count_90d:channel:web": 1,
        "intensity": 1.75, "campaigns": 2, "days_since": 0.25, "days_since:type:call": 0.25,
        "days_since:type:visit": 14, "days_between": 14,
    }  # fmt: skip
    assert found.categories == {}


def test_traits_become_typed_features_and_nothing_else_does(spark: SparkSession) -> None:
    found = of_one_lead(
        spark,
        trait("created_at", "2024-05-09T03:30:00.000000Z"),
        trait("employees", "12.5"),
        trait("opted_in", "false"),
        trait("renews_on", "2024-05-12"),
        trait("last_call", "2024-05-10T09:30:00.000000Z"),
        trait("country", "DE"),
        trait("quality", "high"),
        trait("email", "a@example.com"),
        trait("employees", "99", source="other", trait_id="zz"),
    )
    assert found.numbers == {
        "age_days": 1.5,
        "trait:employees": 12.5,
        "trait:opted_in": 0,
        "trait:renews_on": -(8.5 / 24 + 1),
        "trait:last_call": 0.25,
    }
    assert found.categories == {"trait:country": "DE"}


def test_a_number_that_is_none_is_missing(spark: SparkSession) -> None:
    values = ["many", "NaN", "Infinity", "", None]
    leads = [f"lead {number}" for number in range(len(values))]
    facts = [trait("employees", value, identity_key=lead) for lead, value in zip(leads, values, strict=True)]
    names = [identity(lead, lead) for lead in leads]
    found = computed(spark, [moment(lead) for lead in leads], signals=[], traits=facts, identities=names)
    assert [one.numbers for one in found.values()] == [{}] * len(values)


def test_the_value_stated_last_holds_and_a_correction_counts_from_its_statement_on(spark: SparkSession) -> None:
    created = ago(days=50)
    facts = [
        trait("employees", "5", created),
        trait("employees", "7", created, stated_at=ago(days=20)),
        trait("employees", "6", created, stated_at=ago(days=30)),
        trait("created_at", "2024-03-21T00:00:00.000000Z", created),
        trait("created_at", "2024-03-22T00:00:00.000000Z", created, stated_at=ago(days=20)),
    ]
    at = [moment(as_of=ago(days=days)) for days in (0, 25, 40)]
    found = computed(spark, at, signals=[], traits=facts, identities=[identity("a", "a")])
    values = [found["t", "a", one["as_of"]].numbers["trait:employees"] for one in at]
    assert values == [7, 6, 5]
    assert found["t", "a", NOW].numbers["age_days"] == 50 + 15.5 / 24


def test_a_merged_lead_has_the_history_of_both_keys(spark: SparkSession) -> None:
    facts = [signal(ago(days=3)), signal(ago(days=2), identity_key="b"), signal(ago(hours=1), identity_key="c")]
    apart = [identity("a", "a"), identity("b", "b"), identity("c", "c", is_lead=False)]
    joined = [*apart, identity("b", "a", ago(days=1), batch=10), identity("b", "b", ago(days=1), batch=9)]
    before = computed(spark, [moment("a"), moment("b")], signals=facts, traits=[], identities=apart)
    after = computed(spark, [moment("a")], signals=facts, traits=[], identities=joined)
    assert [before["t", key, NOW].numbers["count_7d"] for key in "ab"] == [1, 1]
    assert after["t", "a", NOW].numbers["count_7d"] == 2


def test_what_an_anonymous_visitor_did_counts_from_the_moment_that_names_them(spark: SparkSession) -> None:
    named = [identity("a", "a"), identity("v", "v", ago(days=9), 0, False), identity("v", "a", ago(days=2), 1)]
    facts = [signal(ago(days=9), identity_key="v")]
    at = [moment(as_of=ago(days=3)), moment(as_of=ago(days=2))]
    found = computed(spark, at, signals=facts, traits=[], identities=named)
    assert [found["t", "a", one["as_of"]].numbers.get("count_30d") for one in at] == [None, 1]


def test_leads_without_facts_of_their_own_tenant_have_empty_features(spark: SparkSession) -> None:
    found = of_one_lead(spark, signal(ago(days=3), tenant="other"))
    assert (found.numbers, found.categories) == ({}, {})


def test_the_columns_are_those_of_the_table(spark: SparkSession) -> None:
    empty = [frame(spark, table, []) for table in ("silver.signals", "silver.traits", "silver.identities")]
    found = lead_features(
        spark.createDataFrame([], MOMENT), signals=empty[0], traits=empty[1], identities=empty[2], kinds=()
    )
    wanted = table_schema(table_specs()["gold.lead_features"])
    assert _shape(found.schema) == _shape(wanted)


def _shape(schema: StructType) -> list[tuple[str, str]]:
    return [(field.name, field.dataType.simpleString()) for field in schema.fields]


# --- laws, against the oracle

_boundary = st.sampled_from([0, 1, 7, 30, 90, 98]).map(lambda days: timedelta(days=days))
_near = st.sampled_from([timedelta(0), timedelta(microseconds=1), timedelta(microseconds=-1)])
_any = st.integers(-48, 120 * 24).map(lambda hours: timedelta(hours=hours, minutes=17))
_times = st.one_of(
    st.builds(lambda days, shift: NOW - days - shift, _boundary, _near), _any.map(lambda back: NOW - back)
)
_keys = st.sampled_from(["a", "b", "c", "stranger"])


@st.composite
def _facts(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    values = {
        "employees": ["1", "2.50", "-3", "1e2", "none"],
        "opted_in": ["true", "false", "maybe"],
        "renews_on": ["2024-05-10", "2031-01-01", "soon"],
        "last_call": ["2024-05-01T10:00:00.000001Z", "2024-05-11T00:00:00.000000Z"],
        "country": ["DE", "FR", None],
        "quality": ["high"],
        "email": ["a@example.com"],
        "created_at": ["2024-01-01T00:00:00.000000Z", "2024-02-01T12:00:00.000000Z"],
    }
    traits = []
    for index in range(draw(st.integers(0, 15))):
        name = draw(st.sampled_from(sorted(values)))
        fact = trait(name, draw(st.sampled_from(values[name])), draw(_times), identity_key=draw(_keys))
        traits.append(fact | {"stated_at": draw(_times), "known_at": draw(_times), "trait_id": f"t{index}"})
    signals = [
        signal(
            draw(_times),
            draw(st.sampled_from(["call", "page:view", "form"])),
            channel=draw(st.sampled_from([None, "web", "e-mail"])),
            campaign=draw(st.sampled_from([None, "x", "y", "z"])),
            identity_key=draw(_keys),
            known_at=draw(_times),
            signal_id=f"s{index}",
        )
        for index in range(draw(st.integers(0, 25)))
    ]
    return signals, traits


@st.composite
def _identities(draw: st.DrawFn) -> list[Row]:
    changes = [
        identity(key, draw(st.sampled_from("ab")), draw(_times), batch, draw(st.integers(0, 3)) > 0)
        for batch, key in enumerate(draw(st.lists(st.sampled_from("abc"), max_size=5)), start=8)
    ]
    return [identity("a", "a"), identity("b", "b"), *changes]


_moments = st.lists(st.tuples(st.sampled_from("ab"), _times), min_size=2, max_size=5, unique=True)
_worlds = st.lists(st.tuples(_facts(), _identities(), _moments), min_size=1, max_size=6)
"""Several worlds, each of a tenant of its own, since one Spark job for many is what makes this quick."""
_laws = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def _of_tenant(tenant: str, rows: list[Row]) -> list[Row]:
    return [entry | {"tenant": tenant} for entry in rows]


@_laws
@given(_worlds)
def test_features_equal_those_of_the_oracle_in_whatever_order_rows_come(spark: SparkSession, worlds: list[Any]) -> None:
    signals, traits, identities, asked = [], [], [], []
    for number, (facts, names, moments) in enumerate(worlds):
        tenant = f"t{number}"
        signals += _of_tenant(tenant, facts[0])
        traits += _of_tenant(tenant, facts[1])
        identities += _of_tenant(tenant, names)
        asked += _of_tenant(tenant, [moment(lead, as_of) for lead, as_of in moments])
    kinds = tuple(replace(kind, tenant=f"t{number}") for number in range(len(worlds)) for kind in KINDS)
    shuffled = [random.Random(0).sample(rows, len(rows)) for rows in (signals, traits, identities)]
    found = computed(spark, asked, signals=shuffled[0], traits=shuffled[1], identities=shuffled[2], kinds=kinds)
    for one in asked:
        wanted = oracle.features(one, signals=signals, traits=traits, identities=identities, kinds=kinds)
        got = found[one["tenant"], one["lead_id"], one["as_of"]]
        assert (got.numbers, got.categories) == wanted


@_laws
@given(_facts(), _facts())
def test_facts_that_occur_or_become_known_later_change_no_hash(spark: SparkSession, facts: Any, later: Any) -> None:
    cut, after = ago(days=1), ago(days=1) + timedelta(microseconds=1)

    def late(rows: list[Row]) -> list[Row]:
        return [fact | {("known_at", "occurred_at")[index % 2]: after} for index, fact in enumerate(rows)]

    names = [identity("a", "a"), identity("b", "b")]
    at = [moment("a", cut), moment("b", cut)]
    first = computed(spark, at, signals=facts[0], traits=facts[1], identities=names)
    again = computed(
        spark,
        at,
        signals=late(later[0]) + facts[0],
        traits=facts[1] + late(later[1]),
        identities=[*names, identity("c", "a", after, 1)],
    )
    assert {key: one.content_hash for key, one in first.items()} == {
        key: one.content_hash for key, one in again.items()
    }

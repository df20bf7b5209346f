"""A list takes nobody where a source that promises to be fresh has stopped delivering."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pyspark.sql import SparkSession

from leadhouse.transforms.expression import read_expression
from leadhouse.transforms.freshness import last_received, stale_lists, without_stale
from leadhouse.transforms.lists import ListSpec

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
TRUE = read_expression("true", traits={}, kind="boolean")
SCORE = read_expression("score", traits={}, kind="number")
LISTS = tuple(
    ListSpec(name, "crm_task", "sales", TRUE, SCORE, max_input_age_hours=hours)
    for name, hours in (("daily", 24.0), ("weekly", 168.0), ("any", None))
)
INPUTS = (("acme", "crm"), ("acme", "web"), ("other", "crm"))
BATCHES = (
    "job string, kind string, recorded_at timestamp, "
    "counts array<struct<tenant: string, source: string, measure: string, rows: bigint>>"
)


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def test_a_source_was_last_received_when_rows_of_it_came(spark: SparkSession) -> None:
    batches = spark.createDataFrame(
        [
            ("ingest", "outcome", hours_ago(30), [("acme", "crm", "fetched", 5)]),
            ("ingest", "outcome", hours_ago(20), [("acme", "crm", "fetched", 0), ("acme", "files", "lost", 1)]),
            ("topics", "outcome", hours_ago(1), [("acme", "web", "fetched", 2)]),
            ("refine", "outcome", hours_ago(0), [("acme", "crm", "fetched", 9)]),
            ("ingest", "intent", hours_ago(0), []),
        ],
        BATCHES,
    )
    found = {(row.source, row.received_at.replace(tzinfo=UTC)) for row in last_received(batches).collect()}
    assert found == {("crm", hours_ago(30)), ("web", hours_ago(1))}


def test_a_list_is_stale_where_an_input_is_older_than_it_allows(spark: SparkSession) -> None:
    received = spark.createDataFrame(
        [
            ("acme", "crm", hours_ago(25)),
            ("acme", "web", hours_ago(200)),
            ("acme", "deals", hours_ago(999)),  # promises nothing
            ("other", "crm", hours_ago(23)),
        ],
        "tenant string, source string, received_at timestamp",
    )
    found = {row.tenant: row.stale for row in stale_lists(received, lists=LISTS, inputs=INPUTS, now=NOW).collect()}
    assert found == {
        "acme": {"daily": "stale inputs: crm, web", "weekly": "stale inputs: web"},
        "other": {},
    }


def test_on_stale_inputs_nothing_allows_the_contact(spark: SparkSession) -> None:
    case = (True, "legitimate_interest", None, 0.5, "treated", False)
    cases = spark.createDataFrame(
        [("acme", "a", [case] * 3), ("other", "b", [case] * 3), ("third", "c", [case] * 3)],
        "tenant string, lead_id string, cases array<struct<eligible: boolean, legal_basis: string, refusal: string, "
        "rank_value: double, arm: string, incumbent: boolean>>",
    )
    stale = spark.createDataFrame(
        [("acme", {"daily": "stale inputs: crm"}), ("other", {})], "tenant string, stale map<string, string>"
    )
    out = without_stale(cases, stale, lists=LISTS)
    assert out.columns == cases.columns
    found = {row.tenant: [(entry.legal_basis, entry.refusal) for entry in row.cases] for row in out.collect()}
    allowed = ("legitimate_interest", None)
    assert found == {
        "acme": [(None, "stale inputs: crm"), allowed, allowed],
        "other": [allowed] * 3,
        "third": [allowed] * 3,
    }

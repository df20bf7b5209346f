from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from leadhouse.transforms.consent import contact_keys, legal_basis, refusal, standing_consents
from leadhouse.transforms.expression import read_expression
from leadhouse.transforms.identity import identity_key
from leadhouse.transforms.lists import ListSpec

TICK = datetime(2024, 5, 10, tzinfo=UTC)
ALWAYS = read_expression("true", traits={}, kind="boolean")
SCORE = read_expression("score", traits={}, kind="number")
EMAIL = ListSpec("mailing", "email", "marketing", ALWAYS, SCORE)
TASK = ListSpec("calls", "crm_task", "sales", ALWAYS, SCORE)
LISTS = (EMAIL, TASK)

Row = tuple[str, str, str, str, str, float]
"""(identity_key, channel, purpose, status, legal_basis, days before the tick)"""


def consents(spark: SparkSession, people: dict[str, list[Row]]) -> DataFrame:
    full = [
        (tenant, f"c{i}", key, channel, purpose, status, basis, TICK - timedelta(days=ago), TICK - timedelta(days=ago))
        for tenant, rows in people.items()
        for i, (key, channel, purpose, status, basis, ago) in enumerate(rows)
    ]
    return spark.createDataFrame(
        full,
        "tenant string, consent_id string, identity_key string, channel string, purpose string, status string, "
        "legal_basis string, occurred_at timestamp, known_at timestamp",
    )


def contacts(spark: SparkSession) -> DataFrame:
    rows = [
        ("t", "lead", "person", "external_id", False),
        ("t", "lead", "new@", "email", True),
        ("t", "lead", "old@", "email", False),
        ("t", "lead", "+49", "phone", True),
    ]
    return spark.createDataFrame(
        rows, "tenant string, lead_id string, identity_key string, kind string, in_use boolean"
    )


def allowed(spark: SparkSession, people: list[list[Row]]) -> list[tuple[str | None, str | None, str]]:
    """For each person's statements: what allows the mailing, what allows the task, why the mailing is refused.

    Each person is a tenant of their own: one Spark job for all.
    """
    tenants = [f"t{number:03}" for number in range(len(people))]
    stated = consents(spark, dict(zip(tenants, people, strict=True)))
    known = spark.createDataFrame([(t, TICK, TICK) for t in tenants], "tenant string, as_of timestamp, known timestamp")
    keys = contacts(spark).drop("tenant").crossJoin(known.select("tenant"))
    standing = standing_consents(stated, keys, known, lists=LISTS)
    joined = known.join(standing, "tenant", "left").orderBy("tenant")
    return [tuple(row) for row in joined.select(legal_basis(EMAIL), legal_basis(TASK), refusal(EMAIL)).collect()]


GIVEN: Row = ("person", "email", "marketing", "given", "consent", 5)
NEW: Row = ("new@", "email", "*", "given", "consent", 5)


CASES: list[tuple[list[Row], str | None, str | None]] = [
    ([], None, "legitimate_interest"),
    ([GIVEN], "consent", "legitimate_interest"),
    ([("person", "*", "*", "given", "contract", 5)], "contract", "contract"),
    ([("person", "email", "newsletter", "given", "consent", 5)], None, "legitimate_interest"),
    ([("person", "phone", "marketing", "given", "consent", 5)], None, "legitimate_interest"),
    ([GIVEN, ("person", "email", "*", "withdrawn", "consent", 4)], None, "legitimate_interest"),
    ([GIVEN, ("person", "*", "*", "withdrawn", "consent", 4)], None, None),
    ([GIVEN, ("person", "*", "sales", "withdrawn", "consent", 4)], "consent", None),
    ([GIVEN, ("person", "crm_task", "*", "withdrawn", "consent", 4)], "consent", None),
    ([GIVEN, ("person", "email", "marketing", "withdrawn", "consent", 6)], "consent", "legitimate_interest"),
    ([GIVEN, ("person", "email", "marketing", "withdrawn", "consent", 5)], None, "legitimate_interest"),
    ([("someone else", "email", "marketing", "given", "consent", 5)], None, "legitimate_interest"),
    ([("new@", "email", "marketing", "given", "consent", 5)], "consent", "legitimate_interest"),
    ([("old@", "email", "marketing", "given", "consent", 5)], None, "legitimate_interest"),
    ([NEW, ("old@", "email", "*", "withdrawn", "consent", 4)], None, "legitimate_interest"),
    ([NEW, ("old@", "email", "*", "withdrawn", "consent", 6)], "consent", "legitimate_interest"),
    ([("person", "email", "marketing", "given", "consent", -1)], None, "legitimate_interest"),
    ([GIVEN, ("person", "email", "marketing", "withdrawn", "consent", -1)], None, "legitimate_interest"),
]  # fmt: skip


def test_the_newest_statement_about_channel_and_purpose_holds(spark: SparkSession) -> None:
    found = allowed(spark, [rows for rows, _, _ in CASES])
    assert [(rows, *row[:2]) for (rows, _, _), row in zip(CASES, found, strict=True)] == CASES


def test_the_refusal_tells_withdrawn_from_never_given(spark: SparkSession) -> None:
    silent, withdrawn = allowed(spark, [[], [("person", "email", "*", "withdrawn", "consent", 1)]])
    assert silent[2] == "no consent for email, marketing"
    assert withdrawn[2] == "consent withdrawn for email, marketing"


STATEMENT = st.tuples(
    st.sampled_from(["person", "new@", "old@", "+49"]),
    st.sampled_from(["email", "*", "crm_task", "phone"]),
    st.sampled_from(["marketing", "sales", "*"]),
    st.sampled_from(["given", "withdrawn"]),
    st.just("consent"),
    st.sampled_from([1.0, 2.0, 3.0]),
)


def holds(rows: list[Row], channel: str, purpose: str, point: str | None) -> str:
    """What holds for a channel and purpose, by plain Python."""
    fit = [row for row in rows if row[1] in (channel, "*") and row[2] in (purpose, "*")]
    fit = [row for row in fit if row[3] == "withdrawn" or not (row[0] == "old@" and point == "email")]
    newest = max(((-row[5], row[3] == "withdrawn") for row in fit), default=None)
    return "nothing" if newest is None else "withdrawn" if newest[1] else "given"


@settings(max_examples=3, deadline=None)
@given(st.lists(st.lists(STATEMENT, max_size=6), min_size=1, max_size=40))
def test_any_statements_in_any_order_mean_what_plain_python_says(spark: SparkSession, people: list[list[Row]]) -> None:
    assert [(row[0] is not None, row[1] is not None) for row in allowed(spark, people)] == [
        (holds(rows, "email", "marketing", "email") == "given", holds(rows, "crm_task", "sales", None) != "withdrawn")
        for rows in people
    ]


def test_the_present_contact_points_speak_for_a_lead_even_if_shared(spark: SparkSession) -> None:
    key = b"secret"
    leads = spark.createDataFrame(
        [("t", "k1", "info@x.de", None, ["k1"]), ("t", "k2", "info@x.de", "+4930", ["k2", "gone"])],
        "tenant string, lead_id string, email string, phone string, identity_keys array<string>",
    )
    identities = spark.createDataFrame(
        [("t", "k1", "external_id"), ("t", "k2", "external_id"), ("t", "gone", "email")],
        "tenant string, identity_key string, kind string",
    )
    shared = spark.range(1).select(identity_key("email", "contact", F.lit("info@x.de"), key)).first()
    assert shared is not None
    rows = contact_keys(leads, identities, keys={"t": key, "u": b"other"}, namespaces=["contact"]).collect()
    found = {(row.lead_id, row.identity_key): (row.kind, row.in_use) for row in rows}
    assert found[("k1", shared[0])] == found[("k2", shared[0])] == ("email", True)
    assert found[("k2", "gone")] == ("email", False)
    assert found[("k1", "k1")] == ("external_id", False)
    assert len(found) == 6

"""Identity: normalised, keyed, joined; a switchboard joins nobody; the order of arrival decides nothing."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import networkx as nx
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from leadhouse.transforms.hashing import keyed_hash
from leadhouse.transforms.identity import (
    _tenant_components,
    identity_changes,
    normalised,
    resolve,
    touched_keys,
    touched_links,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
LINK = (
    "tenant string, link_id string, identity_key string, kind string, other_key string, "
    "other_kind string, creates_lead boolean, known_at timestamp"
)
STANDING = (
    "tenant string, identity_key string, kind string, lead_id string, is_lead boolean, shared boolean, "
    "known_at timestamp, batch string, since timestamp"
)


def _pairs(*pairs: tuple[str, str, bool]) -> pd.DataFrame:
    kinds = {"x": "external_id", "e": "email", "p": "phone", "a": "anonymous_id"}
    return pd.DataFrame(
        [
            {
                "tenant": "acme", "identity_key": left, "kind": kinds[left[0]], "other_key": right,
                "other_kind": kinds[right[0]], "creates_lead": creates, "known_at": pd.Timestamp("2026-01-01"),
            }
            for left, right, creates in pairs
        ]
    )  # fmt: skip


def _leads(pairs: pd.DataFrame, shared_above: int = 5) -> dict[str, tuple[str, bool, bool]]:
    rows = _tenant_components("acme", pairs, shared_above)
    return {row.identity_key: (row.lead_id, row.is_lead, row.shared) for row in rows.itertuples()}


def test_values_are_compared_in_one_form(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [(" Ann@X.com ", "030 901820"), ("not mail", "+49 30 901820"), (None, "call me")], "mail string, phone string"
    )
    shown = rows.select(
        normalised("email", F.col("mail"), "DE").alias("m"), normalised("phone", F.col("phone"), "DE").alias("p")
    )
    assert [tuple(row) for row in shown.collect()] == [
        ("ann@x.com", "+4930901820"),
        (None, "+4930901820"),
        (None, None),
    ]


def test_keyed_hashes_are_hmac_sha256(spark: SparkSession) -> None:
    for key in (b"k" * 20, b"long" * 40):
        (row,) = spark.range(1).select(keyed_hash(key, F.lit("contact"), F.lit("email"), F.lit("ä@x.com"))).collect()
        assert row[0] == hmac.new(key, "contact\x1femail\x1fä@x.com".encode(), hashlib.sha256).hexdigest()[:32]


def test_a_lead_is_its_strongest_key_and_events_alone_make_none() -> None:
    assert _leads(_pairs(("e1", "a1", False), ("x1", "e1", True), ("e2", "a2", False))) == {
        "x1": ("x1", True, False),
        "e1": ("x1", True, False),
        "a1": ("x1", True, False),
        "e2": ("e2", False, False),
        "a2": ("e2", False, False),
    }


def test_a_value_shared_by_more_than_five_joins_nobody() -> None:
    five = _leads(_pairs(*[(f"x{i}", "p0", True) for i in range(5)]))
    six = _leads(_pairs(*[(f"x{i}", "p0", True) for i in range(6)]))
    assert {lead for lead, _, _ in five.values()} == {"x0"}
    assert {key: lead for key, (lead, _, _) in six.items()} == {f"x{i}": f"x{i}" for i in range(6)} | {"p0": "p0"}
    assert six["p0"][2]


def test_many_browsers_of_one_person_are_one_person() -> None:
    leads = _leads(_pairs(("x1", "e1", True), *[("e1", f"a{i}", False) for i in range(9)]))
    assert {lead for lead, _, _ in leads.values()} == {"x1"}


_KEYS = [f"{kind}{number}" for kind in "xepa" for number in range(4)]


@given(
    st.lists(st.tuples(st.sampled_from(_KEYS), st.sampled_from(_KEYS), st.booleans()), min_size=1, max_size=20),
    st.randoms(),
)
@settings(max_examples=60, deadline=None)
def test_leads_are_the_connected_components_in_whatever_order(
    pairs: list[tuple[str, str, bool]], chance: object
) -> None:
    found = _leads(_pairs(*pairs), shared_above=99)
    shuffled = list(pairs)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert found == _leads(_pairs(*shuffled), shared_above=99)
    graph = nx.Graph()
    graph.add_edges_from((left, right) for left, right, _ in pairs)
    created = {left for left, _, creates in pairs if creates}
    for component in nx.connected_components(graph):
        strongest = min(component, key=lambda key: ("xepa".index(key[0]), key))
        assert {found[key][0] for key in component} == {strongest}
        assert {found[key][1] for key in component} == {bool(component & created)}


def test_only_touched_leads_are_resolved_again_and_changes_appended(spark: SparkSession) -> None:
    later = T0 + timedelta(days=3)
    links = spark.createDataFrame(
        [
            ("acme", "l1", "x1", "external_id", "e1", "email", True, T0),
            ("acme", "l2", "x2", "external_id", "e2", "email", True, T0),
            ("acme", "l3", "x3", "external_id", "e3", "email", True, T0),
        ],
        LINK,
    )
    standing = spark.createDataFrame(
        [
            (
                "acme",
                f"{kind[0]}{n}",
                "external_id" if kind == "x" else "email",
                f"x{n}",
                True,
                False,
                T0,
                "refine/1/0",
                T0,
            )
            for n in (1, 2, 3)
            for kind in ("x", "e")
        ],
        STANDING,
    )
    new = spark.createDataFrame([("acme", "l4", "x2", "external_id", "e1", "email", True, later)], LINK)
    touched = touched_links(new, links, standing)
    assert {row.link_id for row in touched.collect()} == {"l1", "l2", "l4"}
    resolved = resolve(touched, shared_above=5).join(
        touched_keys(new, standing), ["tenant", "identity_key"], "left_semi"
    )
    changes = identity_changes(resolved, standing, batch="refine/1/1").select("identity_key", "lead_id", "known_at")
    assert sorted(row[:2] for row in changes.collect()) == [("e2", "x1"), ("x2", "x1")]
    again = identity_changes(
        resolved, resolved.withColumn("batch", F.lit("b")).withColumn("since", F.col("known_at")), batch="refine/1/2"
    )
    assert again.collect() == []


def test_what_was_so_earlier_than_we_thought_is_appended_and_changes_nobodys_lead(spark: SparkSession) -> None:
    standing = spark.createDataFrame([("acme", "x1", "external_id", "x1", True, False, T0, "refine/1/0", T0)], STANDING)
    earlier = T0 - timedelta(days=9)
    link = spark.createDataFrame([("acme", "l0", "x1", "external_id", "x1", "external_id", True, earlier)], LINK)
    rows = identity_changes(resolve(link, shared_above=5), standing, batch="refine/1/1").collect()
    assert [(row.lead_id, row.known_at.astimezone(UTC)) for row in rows] == [("x1", earlier)]

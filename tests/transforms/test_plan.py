from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from leadhouse.transforms import plan

TICK = datetime(2024, 5, 10, tzinfo=UTC)
KEYS = {"t": b"secret"}
LISTS = (
    "tenant string, list string, lead_id string, decision_id string, tick timestamp, channel string, purpose string, "
    "rank int, score double, grade string, "
    "reasons array<struct<direction: string, feature: string, value: string, effect: double, words: string>>"
)
LEADS = (
    "tenant string, lead_id string, external_ids map<string,string>, email string, phone string, company string, "
    "country string"
)
RECEIPTS = (
    "tenant string, action_id string, destination string, list string, lead_id string, operation string, "
    "payload_hash string, status string, sent_at timestamp, batch string"
)
DECISIONS = "tenant string, decision_id string, lead_id string, tick timestamp, batch string"


def on_list(lead: str, name: str = "hot", *, score: float = 0.5, rank: int = 1, decision: str = "d") -> tuple[Any, ...]:
    return "t", name, lead, decision, TICK, "crm_task", "sales", rank, score, "A", [("up", "x", "1", 0.5, "x is 1")]


@dataclass
class World:
    """A destination's side of the story, sync after sync."""

    spark: SparkSession
    destinations: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"crm": ()})
    shadows: Mapping[str, bool] = field(default_factory=lambda: {"crm": False})
    emails: dict[str, str] = field(default_factory=dict)
    receipts: list[tuple[Any, ...]] = field(default_factory=list)
    syncs: int = 0

    def compared(self, *rows: tuple[Any, ...]) -> DataFrame:
        leads = {row[2]: ("t", row[2], {"crm": row[2]}, self.emails.get(row[2]), None, None, "DE") for row in rows}
        entries = plan.list_entries(
            self.spark.createDataFrame(list(rows), LISTS),
            self.spark.createDataFrame(list(leads.values()), LEADS),
            keys=KEYS,
        )
        known = plan.known_entries(self.spark.createDataFrame(self.receipts, RECEIPTS), shadows=self.shadows)
        return plan.changes(entries, known, destinations=self.destinations, keys=KEYS)

    def sync(self, *rows: tuple[Any, ...], status: str = "accepted") -> dict[str, str]:
        """Sync once with these lists; return {destination/list/lead: operation} and keep the receipts."""
        found = self.compared(*rows).collect()
        self.syncs += 1
        at = TICK + timedelta(hours=self.syncs)
        self.receipts += [
            (
                "t",
                r.action_id,
                r.destination,
                r.list,
                r.lead_id,
                r.operation,
                r.payload_hash,
                status,
                at,
                f"sync/1/{self.syncs}",
            )
            for r in found
            if r.operation != "unchanged"
        ]
        return {f"{r.destination}/{r.list}/{r.lead_id}": r.operation for r in found}


@pytest.fixture
def world(spark: SparkSession) -> World:
    return World(spark)


def test_who_enters_changes_leaves_and_comes_back(world: World) -> None:
    a, b = on_list("a"), on_list("b")
    assert world.sync(a, b) == {"crm/hot/a": "enter", "crm/hot/b": "enter"}
    assert world.sync(a, b) == {"crm/hot/a": "unchanged", "crm/hot/b": "unchanged"}
    assert world.sync(on_list("a", score=0.6), b) == {"crm/hot/a": "change", "crm/hot/b": "unchanged"}
    assert world.sync(b) == {"crm/hot/a": "leave", "crm/hot/b": "unchanged"}
    assert world.sync(b) == {"crm/hot/b": "unchanged"}
    assert world.sync(a, b) == {"crm/hot/a": "enter", "crm/hot/b": "unchanged"}
    ids = [receipt[1] for receipt in world.receipts]
    assert len(ids) == len(set(ids)) == 5


def test_a_new_tick_decision_or_rank_is_no_news_but_a_new_address_is(world: World) -> None:
    world.sync(on_list("a"))
    assert world.sync(on_list("a", rank=7, decision="other", score=0.50001)) == {"crm/hot/a": "unchanged"}
    world.emails["a"] = "a@example.org"
    assert world.sync(on_list("a")) == {"crm/hot/a": "change"}


@pytest.mark.parametrize("status", ["refused", "unknown"])
def test_what_was_not_accepted_is_planned_again_as_the_same_action(world: World, status: str) -> None:
    world.sync(on_list("a"), status=status)
    assert world.sync(on_list("a")) == {"crm/hot/a": "enter"}
    first, second = world.receipts
    assert first[1] == second[1]


def test_in_shadow_nothing_is_planned_twice_and_once_live_everything_is_sent(world: World) -> None:
    world.shadows = {"crm": True}
    assert world.sync(on_list("a"), status="shadow") == {"crm/hot/a": "enter"}
    assert world.sync(on_list("a"), status="shadow") == {"crm/hot/a": "unchanged"}
    world.shadows = {"crm": False}
    assert world.sync(on_list("a")) == {"crm/hot/a": "enter"}
    assert world.sync(on_list("a")) == {"crm/hot/a": "unchanged"}


def test_each_destination_knows_its_own_lists_only(world: World) -> None:
    world.destinations = {"crm": ("hot",), "files": ()}
    world.shadows = {"crm": False, "files": False}
    found = world.sync(on_list("a"), on_list("b", "cold"))
    assert found == {"crm/hot/a": "enter", "files/hot/a": "enter", "files/cold/b": "enter"}


def test_a_list_that_would_be_emptied_is_held_and_the_others_go_on(world: World) -> None:
    world.sync(on_list("a"), on_list("b"), on_list("c", "cold"), on_list("d", "cold"))
    compared = world.compared(on_list("d", "cold"))
    held = plan.collapsed(compared, allowed=())
    assert [tuple(row) for row in held.collect()] == [("t", "crm", "hot", 2)]
    decisions = world.spark.createDataFrame([("t", "why", "c", TICK, "decide/1/0")], DECISIONS)
    actions = plan.planned_actions(compared, held, decisions).collect()
    assert [(row.list, row.lead_id, row.operation, row.decision_id) for row in actions] == [
        ("cold", "c", "leave", "why")
    ]
    allowed = plan.collapsed(compared, allowed=("hot",))
    assert allowed.isEmpty()
    assert plan.planned_actions(compared, allowed, decisions).count() == 3


def test_a_lead_that_leaves_is_named_by_its_ids_only(world: World) -> None:
    world.emails["a"] = "a@example.org"
    world.sync(on_list("a"), on_list("b"))
    spark = world.spark
    leads = spark.createDataFrame([("t", "a", {"crm": "7"}, "a@example.org", "+49", "X", "DE")], LEADS)
    entries = plan.list_entries(spark.createDataFrame([on_list("b")], LISTS), leads, keys=KEYS)
    compared = world.compared(on_list("b"))
    decisions = spark.createDataFrame([], DECISIONS)
    actions = plan.planned_actions(compared, plan.collapsed(compared, allowed=()), decisions)
    (row,) = plan.messages(actions, entries, leads).collect()
    assert (row.lead_id, row.operation, row.external_ids) == ("a", "leave", {"crm": "7"})
    assert [row[name] for name in ("email", "phone", "company", "score", "reasons")] == [None] * 5


def test_the_payload_hash_tells_nothing_without_the_key(world: World) -> None:
    rows = world.spark.createDataFrame([on_list("a")], LISTS)
    leads = world.spark.createDataFrame([("t", "a", {}, "a@example.org", None, None, None)], LEADS)
    hashes = {plan.list_entries(rows, leads, keys={"t": key}).first().payload_hash for key in (b"one", b"two")}  # type: ignore[union-attr]
    assert len(hashes) == 2

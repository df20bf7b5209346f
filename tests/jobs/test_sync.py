from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from leadhouse.conf.errors import InputError
from leadhouse.conf.settings import Destination, Settings
from leadhouse.jobs import sync
from leadhouse.jobs.runtime.faults import VARIABLE, InjectedFaultError
from leadhouse.jobs.runtime.job import Run
from tests.jobs.destinations.receiver import Receiver, receiving
from tests.jobs.lakes import a_run, content, fill


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with receiving() as told:
        yield told


def settings(receiver: Receiver, *, live: bool = True, **more: Any) -> Settings:
    crm = Destination("webhook", lists=("hot",), live=live, url=receiver.url, retries=0, **more)
    return Settings(tenant="acme", destinations={"crm": crm, "files": Destination("files")})


def put_on_lists(spark: SparkSession, run: Run, **members: str) -> None:
    """Put these leads on lists: list → their letters."""
    reasons = [{"direction": "up", "feature": "x", "value": "1", "effect": 0.5, "words": "x is 1"}]
    rows = [
        {
            "list": name,
            "lead_id": lead,
            "rank": i + 1,
            "score": 0.5,
            "grade": "A",
            "reasons": reasons,
            "decision_id": "d",
        }
        for name, leads in members.items()
        for i, lead in enumerate(leads)
    ]
    fill(spark, run.lake, "gold.engagement_lists", rows, mode="overwrite")


def prepare(spark: SparkSession, folder: Path, of: Settings) -> Run:
    run = a_run(spark, folder, of)
    people = [
        {"lead_id": n, "email": f"{n}@example.org", "phone": "+4930123", "external_ids": {"crm": n}} for n in "abc"
    ]
    fill(spark, run.lake, "silver.leads", people)
    return run


def told(receiver: Receiver) -> list[tuple[str, str]]:
    return [(action["operation"], action["lead_id"]) for _, body in receiver.got for action in body["actions"]]


def exported(folder: Path, name: str) -> list[str]:
    lines = (folder / "lake-exports" / f"{name}.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line)["lead_id"] for line in lines]


def test_changes_are_told_once_and_kept_with_their_receipts(
    spark: SparkSession, tmp_path: Path, receiver: Receiver
) -> None:
    run = prepare(spark, tmp_path, settings(receiver))
    put_on_lists(spark, run, hot="ab", cold="c")
    report = sync.run(run)
    assert report.notes == (
        "crm: 2 enter, 0 change, 0 leave, 0 unchanged",
        "files: 3 enter, 0 change, 0 leave, 0 unchanged",
    )
    assert told(receiver) == [("enter", "a"), ("enter", "b")]
    assert receiver.got[0][1]["actions"][0]["email"] == "a@example.org"
    assert (exported(tmp_path, "hot"), exported(tmp_path, "cold")) == (["a", "b"], ["c"])
    receipts = content(spark, run.lake, "gold.receipts")
    assert {(row.destination, row.status) for row in receipts} == {("crm", "accepted"), ("files", "accepted")}
    assert len(receipts) == len(content(spark, run.lake, "gold.outbox")) == 5
    assert {row.action_id for row in receipts} == {row.action_id for row in content(spark, run.lake, "gold.outbox")}

    assert sync.run(run).status == "unchanged"
    put_on_lists(spark, run, hot="ab", cold="c")
    assert sync.run(run).notes[0] == "crm: 0 enter, 0 change, 0 leave, 2 unchanged"
    assert len(receiver.got) == 1

    put_on_lists(spark, run, hot="bc", cold="c")
    sync.run(run)
    assert told(receiver)[2:] == [("enter", "c"), ("leave", "a")]
    assert receiver.got[1][1]["actions"][1]["email"] is None
    assert exported(tmp_path, "hot") == ["b", "c"]


@pytest.mark.parametrize("point", ["sync:after-outbox", "sync:after-send"])
def test_a_sync_that_was_killed_sends_the_same_actions_with_the_same_key(
    spark: SparkSession, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    run = prepare(spark, tmp_path, settings(receiver))
    put_on_lists(spark, run, hot="ab")
    monkeypatch.setenv(VARIABLE, f"{point}=raise")
    with pytest.raises(InjectedFaultError):
        sync.run(run)
    sync.run(run)
    assert len(receiver.got) == (1 if point == "sync:after-outbox" else 2)
    assert len({headers["Idempotency-Key"] for headers, _ in receiver.got}) == 1
    assert len(content(spark, run.lake, "gold.outbox")) == len(content(spark, run.lake, "gold.receipts")) == 4


def test_in_shadow_nothing_leaves_and_going_live_sends_everything(
    spark: SparkSession, tmp_path: Path, receiver: Receiver
) -> None:
    run = prepare(spark, tmp_path, settings(receiver, live=False))
    put_on_lists(spark, run, hot="ab")
    assert sync.run(run).notes[0] == "crm (shadow: nothing is sent): 2 enter, 0 change, 0 leave, 0 unchanged"
    assert receiver.got == []
    live = replace(run, workspace=replace(run.workspace, settings=settings(receiver)))
    assert sync.run(live).notes[0] == "crm: 2 enter, 0 change, 0 leave, 0 unchanged"
    assert told(receiver) == [("enter", "a"), ("enter", "b")]
    statuses = sorted(row.status for row in content(spark, run.lake, "gold.receipts") if row.destination == "crm")
    assert statuses == ["accepted", "accepted", "shadow", "shadow"]


def test_a_list_that_collapses_is_held_until_a_person_allows_it(
    spark: SparkSession, tmp_path: Path, receiver: Receiver
) -> None:
    run = prepare(spark, tmp_path, settings(receiver))
    put_on_lists(spark, run, hot="ab", cold="c")
    sync.run(run)
    put_on_lists(spark, run, cold="ac")
    for _ in range(2):  # it is said again at every run
        report = sync.run(run)
        assert report.status == "held"
        assert report.notes[2] == (
            "crm: hot is held, since it would lose all of its 2 leads; "
            "if that is right, run 'leadhouse sync --allow-empty hot'"
        )
    assert told(receiver) == [("enter", "a"), ("enter", "b")]
    assert (exported(tmp_path, "hot"), exported(tmp_path, "cold")) == (["a", "b"], ["a", "c"])
    report = sync.run(replace(run, allow_empty=("hot",)))
    assert report.status == "complete"
    assert told(receiver)[2:] == [("leave", "a"), ("leave", "b")]
    assert exported(tmp_path, "hot") == []


def test_a_refusal_is_said_held_and_planned_again(spark: SparkSession, tmp_path: Path, receiver: Receiver) -> None:
    run = prepare(spark, tmp_path, settings(receiver, batch_size=1))
    put_on_lists(spark, run, hot="abc")
    receiver.replies = [(400, {}), (500, {})]
    report = sync.run(run)
    assert report.status == "held"
    assert report.notes[2:] == (
        "crm: 1 actions refused (HTTP 400); they are planned again at the next sync",
        "crm: 1 actions unknown (HTTP 500, 1 attempts); they are planned again at the next sync",
        "crm: 1 actions not tried; they are planned again",
    )
    assert sync.run(run).status == "complete"
    assert told(receiver)[2:] == [("enter", "a"), ("enter", "b"), ("enter", "c")]
    keys = [headers["Idempotency-Key"] for headers, _ in receiver.got]
    assert keys[:2] == keys[2:4]


def test_a_missing_secret_is_said_before_anything_is_written(
    spark: SparkSession, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRM_TOKEN", raising=False)
    run = prepare(spark, tmp_path, settings(receiver, token_env="CRM_TOKEN"))
    put_on_lists(spark, run, hot="a")
    with pytest.raises(InputError, match="CRM_TOKEN; it is not set"):
        sync.run(run)
    assert content(spark, run.lake, "gold.outbox") == []
    assert not (tmp_path / "lake-exports").exists()

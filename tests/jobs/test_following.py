"""What ``--follow`` leaves out of a turn."""

from __future__ import annotations

import pytest

from leadhouse.jobs import following
from leadhouse.jobs.following import IDLE_TRAINING_SECONDS, Pauses
from leadhouse.jobs.run import Turn


def test_only_what_a_destination_did_not_take_keeps_sync_waiting() -> None:
    pauses = Pauses()
    assert pauses.skipped(Turn(0, ())) == ()
    pauses.note(Turn(1, ("refine",)))  # a broker is down: others' lists are told of as ever
    pauses.note(Turn(3, ("refine",), held=("refine",)))
    assert pauses.skipped(Turn(0, ())) == ()
    pauses.note(Turn(3, ("sync",), held=("sync",)))
    assert pauses.skipped(Turn(0, ())) == ("sync",)


def test_training_waits_for_a_quiet_moment() -> None:
    pauses = Pauses()
    pauses.note(Turn(0, ("refine", "train")))
    assert pauses.skipped(Turn(0, ("refine",))) == ("train",)
    assert pauses.skipped(Turn(0, ())) == ("train",)


def test_a_champion_that_drifts_or_fails_does_not_wait_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(following.time, "monotonic", lambda: now)
    calm, hurried = Pauses(), Pauses()
    busy = Turn(0, ("refine", "train"))
    calm.note(busy)
    hurried.note(busy, hurried=True)
    now += IDLE_TRAINING_SECONDS
    assert (calm.skipped(busy), hurried.skipped(busy)) == (("train",), ())
    assert calm.skipped(Turn(0, ())) == ()


def test_training_whose_registry_is_down_is_not_tried_at_every_turn() -> None:
    pauses = Pauses()
    pauses.note(Turn(1, ("refine",), missed=("train",)))
    assert pauses.skipped(Turn(0, ("refine",))) == ("train",)
    assert pauses.skipped(Turn(0, ())) == ("train",)

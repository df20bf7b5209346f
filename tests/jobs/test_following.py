"""What ``--follow`` leaves out of a turn."""

from __future__ import annotations

from leadhouse.jobs.following import Pauses
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

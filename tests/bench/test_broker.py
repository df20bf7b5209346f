"""The broker that tests and benchmark start: what goes wrong beside it comes with what it said."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadhouse.bench.broker import running_broker


def test_an_error_says_whether_the_broker_is_alive_and_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError) as caught, running_broker(tmp_path):
        raise TimeoutError("no answer")
    (note,) = caught.value.__notes__
    assert note.startswith("the broker is alive; it said: ")
    assert "Kafka Server started" in note

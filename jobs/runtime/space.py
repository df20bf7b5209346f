"""A disk without room: whatever met it first, the person is told the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadhouse.conf.disk import is_full
from leadhouse.conf.errors import NoSpaceError


@contextmanager
def room_needed(lake: Path) -> Iterator[None]:
    """Raise NoSpaceError instead of any other error that a full disk has caused."""
    try:
        yield
    except Exception as problem:
        if is_full(problem):
            raise NoSpaceError(
                f"disk: expected room for what is written into {lake}; there is none left; make room and run it again: "
                "what was begun is finished, and nothing is done twice"
            ) from problem
        raise

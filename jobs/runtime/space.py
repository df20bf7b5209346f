"""A disk without room: whatever met it first, the person is told the same."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadhouse.conf.errors import NoSpaceError

_WORDS = ("No space left on device", "disk is full")
"""How the operating system, the JVM and delta-rs say it; and SQLite, which MLflow writes into."""


@contextmanager
def room_needed(lake: Path) -> Iterator[None]:
    """Raise NoSpaceError instead of any other error that a full disk has caused."""
    try:
        yield
    except Exception as problem:
        if _is_full(problem):
            raise NoSpaceError(
                f"disk: expected room for what is written into {lake}; there is none left; make room and run it again: "
                "what was begun is finished, and nothing is done twice"
            ) from problem
        raise


def _is_full(problem: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that a disk is full."""
    while problem is not None:
        if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
            return True
        if any(words in str(problem) for words in _WORDS):
            return True
        problem = problem.__cause__ or problem.__context__
    return False

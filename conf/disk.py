"""Whether an error says that a disk is full, whoever met it first."""

from __future__ import annotations

import errno

_WORDS = ("No space left on device", "disk is full")
"""How the operating system, the JVM and delta-rs say it; and SQLite, which MLflow writes into."""


def is_full(problem: BaseException | None) -> bool:
    """Whether an error, or one that led to it, says that a disk is full."""
    while problem is not None:
        if isinstance(problem, OSError) and problem.errno == errno.ENOSPC:
            return True
        if any(words in str(problem) for words in _WORDS):
            return True
        problem = problem.__cause__ or problem.__context__
    return False

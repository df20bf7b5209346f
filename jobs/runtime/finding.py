"""What a check finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WRONG, NOTE = "wrong", "note"
_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """One thing that a check found. It holds no personal data: ids, paths, counts and hashes only."""

    check: str
    severity: str
    """``wrong``, or ``note`` for what is as it may be but worth knowing."""
    what: str
    """What it is about, what was expected and what came."""
    remedy: str
    """What to do."""

    @property
    def line(self) -> str:
        """All of it in one line."""
        return f"{self.what}; {self.remedy}"


def some(values: Sequence[object]) -> str:
    """Return the first few of many values, and how many more there are."""
    shown = ", ".join(str(value) for value in values[:_SHOWN])
    return shown if len(values) <= _SHOWN else f"{shown} and {len(values) - _SHOWN:,} more"


def reason(problem: BaseException) -> str:
    """Return the first line of what went wrong, without what may follow it."""
    lines = str(problem).strip().splitlines()
    return (lines[0] if lines else type(problem).__name__)[:200]

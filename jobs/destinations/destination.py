"""What every destination does: it is told a plan's actions and says for each what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

ACCEPTED, REFUSED, UNKNOWN = "accepted", "refused", "unknown"


@dataclass(frozen=True)
class Entry:
    """One lead on one list, with everything that is said about it."""

    tenant: str
    list: str
    lead_id: str
    decision_id: str | None
    tick: datetime | None
    channel: str | None
    purpose: str | None
    rank: int | None
    external_ids: Mapping[str, str]
    email: str | None
    phone: str | None
    company: str | None
    country: str | None
    score: float | None
    grade: str | None
    reasons: tuple[str, ...]
    """In words, the strongest first."""


@dataclass(frozen=True)
class Action:
    """One change of one list entry that a destination is to make."""

    action_id: str
    operation: str
    """``enter``, ``change`` or ``leave``."""
    payload_hash: str
    entry: Entry


@dataclass(frozen=True)
class Answer:
    """What came of an action."""

    action: Action
    status: str
    """``accepted``, ``refused`` (it will be again, unless something is mended) or ``unknown`` (it may have arrived)."""
    detail: str
    """Why, without personal data."""


@dataclass(frozen=True)
class ListNow:
    """All of one list, in the order of rank, for destinations that take lists as a whole."""

    tenant: str
    name: str
    entries: Iterable[Entry]
    """Can be gone through once."""


class Destination(Protocol):
    """One place that lists are synced to."""

    def deliver(self, plan_id: str, actions: Iterable[Action], lists: Iterable[ListNow]) -> Iterator[Answer]:
        """Tell the actions and return what came of each, in their order.

        Actions that are not answered were not tried: the next sync plans them again. Raises nothing that the other
        side's failure causes: that is an answer.
        """
        ...

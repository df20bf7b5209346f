"""What an engagement list is. ``expectations/lists.py`` reads one from its file."""

from __future__ import annotations

from dataclasses import dataclass

from leadhouse.transforms.expression import Expression

CRM_TASK = "crm_task"
"""The channel that contacts nobody: an entry in the CRM for our own people to work on."""
ANY = "*"
"""A consent's channel or purpose that covers all."""


@dataclass(frozen=True)
class ListSpec:
    """One engagement list."""

    name: str
    channel: str
    purpose: str
    eligible: Expression
    """Yields true for a lead that belongs on the list."""
    rank_by: Expression
    """Yields a number; the highest come first."""
    priority: int = 0
    """Which list takes a lead that several could: the highest; by name where equal."""
    capacity_per_day: int | None = None
    """How many leads it takes in one UTC day; None: all."""
    hold_out: float = 0.0
    """Share of its leads that is kept off for comparison."""
    legal_basis: str | None = None
    """For crm_task: what allows it where no statement of the lead's does."""
    max_input_age_hours: float | None = None
    """Nobody is listed where a source that promises to be fresh last delivered longer ago; None: whenever that was."""
    description: str = ""


def in_order(lists: tuple[ListSpec, ...]) -> tuple[ListSpec, ...]:
    """Return the lists in the order in which they take leads: by priority, the highest first, then by name."""
    return tuple(sorted(lists, key=lambda entry: (-entry.priority, entry.name)))

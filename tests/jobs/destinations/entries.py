"""Entries and actions for the destinations' tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from leadhouse.jobs.destinations.destination import Action, Entry


def an_entry(lead_id: str = "l1", **more: Any) -> Entry:
    values: dict[str, Any] = {
        "tenant": "acme",
        "list": "hot",
        "lead_id": lead_id,
        "decision_id": "d1",
        "tick": datetime(2024, 5, 10, tzinfo=UTC),
        "channel": "crm_task",
        "purpose": "sales",
        "rank": 1,
        "external_ids": {"web": "w7", "crm": "=1+1"},
        "email": "ann@example.org",
        "phone": "+49301234567",
        "company": "Müller & Söhne",
        "country": "DE",
        "score": 0.25,
        "grade": "A",
        "reasons": ("3 signals in 7 days", "country is DE"),
    }
    return Entry(**(values | more))


def an_action(number: int = 1, operation: str = "enter", **more: Any) -> Action:
    return Action(f"a{number}", operation, f"h{number}", an_entry(f"l{number}", **more))

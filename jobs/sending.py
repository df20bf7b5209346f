"""Sends one plan's actions to one destination and keeps its receipts."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.conf.secrets import environment_secret
from leadhouse.conf.settings import Destination as Settings
from leadhouse.jobs.destinations.destination import ACCEPTED, Action, Answer, Destination, Entry, ListNow
from leadhouse.jobs.destinations.files import Files
from leadhouse.jobs.destinations.webhook import Webhook
from leadhouse.jobs.runtime.batches import Batch
from leadhouse.jobs.runtime.faults import reach
from leadhouse.jobs.runtime.job import Run, Step
from leadhouse.transforms.plan import SHADOW

RECEIPTS_AT_ONCE = 5_000
"""Receipts of so many actions are written together, so that a plan of any size needs little memory."""


def in_shadow(settings: Settings) -> bool:
    """Whether everything is planned for a destination but nothing sent. Only files, which stay here, send unasked."""
    return settings.type != "files" and not settings.live


def plan_name(batch: Batch) -> str:
    """Return the id of the plan that a batch makes; a retry makes the same one."""
    return hashlib.sha256(f"{batch.run_id}/{batch.name}".encode()).hexdigest()[:32]


def open_destination(run: Run, settings: Settings) -> Destination | None:
    """Return the client of a destination; None for one in shadow. Raises InputError if its secret is not set."""
    if in_shadow(settings):
        return None
    if settings.type == "files":
        folder = Path(settings.folder).expanduser() if settings.folder else Path(f"{run.lake.root}-exports")
        folder = folder if folder.is_absolute() else run.workspace.folder / folder
        return Files(folder, run.workspace.settings.tenant)
    return Webhook(
        str(settings.url),
        token=environment_secret(settings.token_env),
        batch_size=settings.batch_size,
        timeout_seconds=settings.timeout_seconds,
        retries=settings.retries,
    )


class Sending:
    """One destination's part of a sync."""

    def __init__(self, step: Step, name: str, destination: Destination | None) -> None:
        self.step = step
        self.name = name
        self.destination = destination
        self.plan_id = plan_name(step.batch)

    def send(
        self, messages: DataFrame, entries: DataFrame, lists: Sequence[tuple[str, str]], planned: int
    ) -> list[str]:
        """Send the planned actions (``plan.messages``), write their receipts, and return notes on what went wrong.

        ``entries`` and ``lists`` (tenant, name) are for destinations that take whole lists.
        """
        ordered = messages.orderBy("tenant", "list", "operation", F.col("rank").asc_nulls_last(), "lead_id")
        actions = (_action(row) for row in ordered.toLocalIterator())
        if self.destination is None:
            answers: Iterator[Answer] = (Answer(action, SHADOW, "would have been sent") for action in actions)
        else:
            answers = self.destination.deliver(self.plan_id, actions, _lists_now(entries, lists))
        statuses = self._keep(answers)
        failed = [
            f"{self.name}: {count:,} actions {status} ({detail}); they are planned again at the next sync"
            for (status, detail), count in sorted(statuses.items())
            if status not in (ACCEPTED, SHADOW)
        ]
        untried = planned - statuses.total()
        return failed + ([f"{self.name}: {untried:,} actions not tried; they are planned again"] if untried else [])

    def _keep(self, answers: Iterable[Answer]) -> Counter[tuple[str, str]]:
        """Write the receipts as the answers come in, and count them by status and detail."""
        statuses: Counter[tuple[str, str]] = Counter()
        source = iter(answers)
        for number in itertools.count():
            some = list(itertools.islice(source, RECEIPTS_AT_ONCE))
            reach("sync:after-send")
            statuses.update((answer.status, answer.detail) for answer in some)
            if some:
                self.step.append_local("gold.receipts", self._receipts(some), role=f"{self.name}/{number}")
            if len(some) < RECEIPTS_AT_ONCE:
                return statuses
        raise AssertionError("itertools.count never ends")

    def _receipts(self, answers: Sequence[Answer]) -> list[dict[str, Any]]:
        now = self.step.run.clock()
        return [
            {
                "tenant": answer.action.entry.tenant,
                "action_id": answer.action.action_id,
                "plan_id": self.plan_id,
                "destination": self.name,
                "list": answer.action.entry.list,
                "lead_id": answer.action.entry.lead_id,
                "decision_id": answer.action.entry.decision_id,
                "operation": answer.action.operation,
                "payload_hash": answer.action.payload_hash,
                "status": answer.status,
                "detail": answer.detail,
                "sent_at": now,
                "batch": self.step.batch.name,
            }
            for answer in answers
        ]


def _lists_now(entries: DataFrame, lists: Sequence[tuple[str, str]]) -> Iterator[ListNow]:
    """Every list as it stands, one after another, without holding any as a whole."""
    for tenant, name in lists:
        rows = entries.where((F.col("tenant") == tenant) & (F.col("list") == name)).orderBy("rank", "lead_id")
        yield ListNow(tenant, name, (_entry(row) for row in rows.toLocalIterator()))


def _action(row: Row) -> Action:
    return Action(row["action_id"], row["operation"], row["payload_hash"], _entry(row))


def _entry(row: Row) -> Entry:
    values = row.asDict()
    return Entry(
        tenant=values["tenant"],
        list=values["list"],
        lead_id=values["lead_id"],
        decision_id=values["decision_id"],
        tick=values["tick"] and values["tick"].astimezone(UTC),  # Spark hands out local times without a zone
        channel=values["channel"],
        purpose=values["purpose"],
        rank=values["rank"],
        external_ids=values["external_ids"] or {},
        email=values["email"],
        phone=values["phone"],
        company=values["company"],
        country=values["country"],
        score=values["score"],
        grade=values["grade"],
        reasons=tuple(values["reasons"] or ()),
    )

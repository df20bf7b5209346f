"""Listings of topics: which offsets are new goes into bronze.offsets, before anything is taken."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

import pyarrow.compute as pc

from leadhouse.conf.errors import LeadhouseError, LostOffsetsError, joined
from leadhouse.expectations.contract import Contract
from leadhouse.jobs.runtime.broker import Span, Topic, find_topics
from leadhouse.jobs.runtime.job import Run, Step
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.listing import LISTING

TABLE = "bronze.offsets"


@dataclass(frozen=True)
class OffsetRange:
    """Offsets of one partition as bronze.offsets lists them; the fields are its columns."""

    tenant: str
    source: str
    topic: str
    topic_id: str
    origin: str
    """The topic's name; with its id where it isn't the first topic of that name."""
    partition: int
    from_offset: int
    to_offset: int
    lost: bool = False

    @property
    def key(self) -> tuple[str, str, str, int]:
        """The partition that it is of."""
        return self.tenant, self.source, self.topic, self.partition

    @property
    def span(self) -> Span:
        """Where the broker has it."""
        return Span(self.topic, self.partition, self.from_offset, self.to_offset)


_COLUMNS = tuple(field.name for field in fields(OffsetRange))


def list_topics(run: Run, accept_loss: Collection[str] = ()) -> tuple[str, ...]:
    """Append the offsets that are new in the contracts' topics to bronze.offsets; return notes for the person.

    Each commit holds what may become one micro-batch. A broker that fails doesn't keep the others waiting: its error
    is raised after they are listed. Raises TransientError if a broker doesn't answer, LostOffsetsError if messages
    are gone that were never taken, unless their topic is in ``accept_loss``; LeadhouseError if a broker refuses us.
    """
    newest = _newest(run.lake)
    plans: list[list[list[OffsetRange]]] = []
    notes: list[str] = []
    failures: list[LeadhouseError] = []
    for contract in run.contracts:
        if contract.location.subscription is None:
            continue
        try:
            topics = find_topics(run.spark, contract.location)
            new = [entry for topic in topics for entry in _new_ranges(contract, topic, newest, accept_loss)]
            _check_all_there(contract, topics, newest)
        except LeadhouseError as problem:
            failures.append(problem)
            continue
        if not topics:
            notes.append(f"{contract.source}: no topic {contract.location.path} yet")
        plans.append(list(_portions(new, contract.location.subscription.max_offsets)))
    now = run.clock()
    for turn in range(max(map(len, plans), default=0)):
        _append(run.lake, [entry for plan in plans if turn < len(plan) for entry in plan[turn]], now)
    if failures:
        raise joined(failures)
    return tuple(notes)


def _range(row: dict[str, Any]) -> OffsetRange:
    return OffsetRange(**{name: row[name] for name in _COLUMNS})


def _newest(lake: Lake) -> dict[tuple[str, str, str, int], OffsetRange]:
    """Return the last range of each partition that was ever listed."""
    listed = pc.starts_with(pc.field("batch"), LISTING)  # marks of a batch come later, and tell of earlier offsets
    table = lake.dataset(TABLE).to_table(columns=[*_COLUMNS, "listing"], filter=listed)
    rows = table.sort_by([("listing", "ascending"), ("to_offset", "ascending")]).to_pylist()
    return {entry.key: entry for entry in map(_range, rows)}


def _new_ranges(
    contract: Contract,
    topic: Topic,
    newest: dict[tuple[str, str, str, int], OffsetRange],
    accept_loss: Collection[str],
) -> Iterator[OffsetRange]:
    known = [entry for key, entry in newest.items() if key[:3] == (contract.tenant, contract.source, topic.name)]
    same = {entry.partition: entry for entry in known if entry.topic_id == topic.topic_id}
    if known and not same and topic.name not in accept_loss:
        raise LostOffsetsError(
            f"topic {topic.name}: expected the topic that was read so far; it was deleted and made anew; what was in "
            f"the old one and not taken is gone; to go on with the new one: {going_on(topic.name)}"
        )
    origin = next(iter(same.values())).origin if same else f"{topic.name}#{topic.topic_id}" if known else topic.name
    subscription = contract.location.subscription
    at_end = not known and subscription is not None and subscription.begins_at_end
    for partition, (first, end) in topic.bounds.items():
        if partition in same:
            yield from _after(same[partition], first, end, accept_loss)
            continue
        # Even an empty range is written: it says where to go on, whatever arrives before the next look.
        start = end if at_end else first
        yield OffsetRange(contract.tenant, contract.source, topic.name, topic.topic_id, origin, partition, start, end)


def _after(begun: OffsetRange, first: int, end: int, accept_loss: Collection[str]) -> Iterator[OffsetRange]:
    expected = begun.to_offset
    if first > expected:
        if begun.topic not in accept_loss:
            raise LostOffsetsError(
                f"topic {begun.topic}, partition {begun.partition}: expected to go on at offset {expected}; the "
                f"broker's log begins at {first}: {first - expected} offsets were removed before they were taken; "
                f"to go on without them: {going_on(begun.topic)}"
            )
        yield replace(begun, from_offset=expected, to_offset=first, lost=True)
        expected = first
    if end < expected:
        raise LostOffsetsError(
            f"topic {begun.topic}, partition {begun.partition}: expected to go on at offset {expected}; the broker's "
            f"log ends at {end}: it lost what was there; restore it, or let producers write to a new topic"
        )
    if end > expected:
        yield replace(begun, from_offset=expected, to_offset=end, lost=False)


def _check_all_there(
    contract: Contract, topics: Sequence[Topic], newest: dict[tuple[str, str, str, int], OffsetRange]
) -> None:
    """A topic that was read and is gone is an error where the contract names it; patterns may lose topics."""
    read = any(key[:3] == (contract.tenant, contract.source, contract.location.path) for key in newest)
    if read and not topics:
        raise LostOffsetsError(
            f"topic {contract.location.path}: expected the topic that was read so far; the broker has none of that "
            "name; what was in it and not taken is gone; make it again, or take the contract away"
        )


def _portions(ranges: Sequence[OffsetRange], most: int) -> Iterator[list[OffsetRange]]:
    """Cut ranges so that each portion has ``most`` offsets or few more, with a share of every partition."""
    left = [entry for entry in ranges if not entry.lost and entry.from_offset < entry.to_offset]
    whole = [entry for entry in ranges if entry.lost or entry.from_offset == entry.to_offset]
    while whole or left:
        total = sum(entry.to_offset - entry.from_offset for entry in left)
        portion, rest = whole, []
        for entry in left:
            size = entry.to_offset - entry.from_offset
            end = entry.from_offset + (size if total <= most else max(1, size * most // total))
            portion.append(replace(entry, to_offset=end))
            if end < entry.to_offset:
                rest.append(replace(entry, from_offset=end))
        yield portion
        whole, left = [], rest


def lost_rows(step: Step, ranges: Sequence[OffsetRange]) -> list[dict[str, Any]]:
    """Return the rows that mark ranges as lost to a micro-batch, after they were listed."""
    now, number = step.batch.recorded_at, step.run.lake.version(TABLE) + 1
    return [_row(replace(entry, lost=True), number, now, step.batch.name) for entry in ranges]


def lost_ranges(lake: Lake, batch: str) -> list[OffsetRange]:
    """Return the ranges that a micro-batch has marked as lost."""
    rows = lake.dataset(TABLE).to_table(columns=list(_COLUMNS), filter=pc.field("batch") == batch).to_pylist()
    return [_range(row) for row in rows]


def listed_ranges(rows: Iterable[dict[str, Any]]) -> list[OffsetRange]:
    """Return the ranges of a listing's rows, without the marks of batches, in the order of their offsets."""
    ranges = [_range(row) for row in rows if row["batch"].startswith(LISTING)]
    return sorted(ranges, key=lambda entry: (entry.key, entry.from_offset))


def _append(lake: Lake, ranges: Sequence[OffsetRange], now: datetime) -> None:
    number = lake.version(TABLE) + 1
    rows = [_row(entry, number, now, f"{LISTING}{number}") for entry in ranges]
    lake.append_local(TABLE, rows, app_id=f"{TABLE}:listing", app_version=number)


def _row(entry: OffsetRange, number: int, now: datetime, batch: str) -> dict[str, Any]:
    return asdict(entry) | {"listing": number, "seen_at": now, "batch": batch}


def going_on(topic: str) -> str:
    """Return the command that lets go of what a topic has lost."""
    return f"leadhouse ingest --accept-loss {topic}"

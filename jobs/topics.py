"""The part of ingest that takes topics: every message, with its offset, its key, its headers and its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce

import pyarrow.compute as pc
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.conf.errors import LeadhouseError, LostOffsetsError, TransientError
from leadhouse.expectations.contract import Contract
from leadhouse.jobs.runtime.batches import Count
from leadhouse.jobs.runtime.broker import find_topics, is_unanswered, read_messages
from leadhouse.jobs.runtime.faults import reach
from leadhouse.jobs.runtime.job import JobSpec, Result, Run, Step
from leadhouse.jobs.runtime.kept_rows import are_few
from leadhouse.jobs.runtime.offsets import OffsetRange, going_on, list_topics, listed_ranges, lost_ranges, lost_rows
from leadhouse.jobs.runtime.runner import UNCHANGED, Report, run_job
from leadhouse.jobs.runtime.taking import FETCHED, LOST, count_records
from leadhouse.transforms.record_id import record_id

GAPS = "gaps"
"""Measure in the ledger: offsets that hold no message: marks of transactions, what was taken back or compacted away."""


def _step(step: Step) -> Result:
    ranges = listed_ranges(step.rows.toArrow().to_pylist())
    marked = lost_ranges(step.run.lake, step.batch.name)
    # The records are one commit: if some are there, an earlier attempt at this batch wrote them all.
    if not count_records(step.run.lake, step.batch.name):
        marked = _take(step, [entry for entry in ranges if not entry.lost], marked)
    reach("topics:written")
    fetched = count_records(step.run.lake, step.batch.name)
    lost = _sizes([*(entry for entry in ranges if entry.lost), *marked])
    gaps = _sizes(ranges)
    gaps.subtract(fetched)
    gaps.subtract(lost)
    measures = ((FETCHED, fetched), (GAPS, gaps), (LOST, lost))
    return Result(
        counts=tuple(
            Count(*source, name, rows) for name, counts in measures for source, rows in sorted(counts.items()) if rows
        )
    )


def _sizes(ranges: Iterable[OffsetRange]) -> Counter[tuple[str, str]]:
    sizes: Counter[tuple[str, str]] = Counter()
    for entry in ranges:
        sizes[entry.tenant, entry.source] += entry.to_offset - entry.from_offset
    return sizes


SPEC = JobSpec(
    name="topics",
    goal="Take every message of the subscribed topics, with where it came from.",
    reads=("bronze.offsets", "bronze.records"),
    writes=("bronze.records", "bronze.offsets"),
    guardrails=(
        "changes no byte and refuses no message",
        "takes no offset twice",
        "stops where messages are gone that were never taken",
    ),
    step=_step,
    stream="bronze.offsets",
    commits_per_batch=1,
)


def run(run: Run) -> Report:
    """List the contracts' topics, then take what is new in them.

    What could be listed is taken before an error of another topic is raised: TransientError if a broker doesn't
    answer, LostOffsetsError if messages are gone. Without contracts of topics nothing is asked.
    """
    if all(contract.location.subscription is None for contract in run.contracts):
        return Report(SPEC.name, UNCHANGED)
    notes: tuple[str, ...] = ()
    failure: LeadhouseError | None = None
    try:
        notes = list_topics(run, run.accept_loss)
    except LeadhouseError as problem:
        failure = problem
    reach("topics:listed")
    report = run_job(run, SPEC)
    if failure is not None:
        raise failure
    return replace(report, notes=(*notes, *report.notes))


def _take(step: Step, ranges: Sequence[OffsetRange], marked: Sequence[OffsetRange]) -> list[OffsetRange]:
    """Write the messages of ranges, after marking as lost what is gone and may stay gone.

    ``marked`` is what earlier attempts marked; returned is all that is marked now.
    """
    wanted = [entry for entry in ranges if entry.from_offset < entry.to_offset]
    if step.batch.generation > 1:
        wanted = list(_untaken(step, wanted))
    left = _without(marked, wanted)
    new: list[OffsetRange] = []
    if any(entry.topic in step.run.accept_loss for entry in left):
        gone = [part for entry, first in _with_starts(step, left) if (part := _before(entry, first))]
        if new := [entry for entry in gone if entry.topic in step.run.accept_loss]:
            step.append_local("bronze.offsets", lost_rows(step, new), role=f"{LOST}-{len(marked)}")
    reach("topics:marked")
    _write(step, _without(new, left))
    return [*marked, *new]


def _without(lost: Sequence[OffsetRange], ranges: Sequence[OffsetRange]) -> list[OffsetRange]:
    """Cut from the beginnings of ranges what is marked as lost."""
    left = []
    for entry in ranges:
        for mark in sorted(lost, key=lambda mark: mark.from_offset):
            if mark.key == entry.key and mark.from_offset <= entry.from_offset < mark.to_offset:
                entry = replace(entry, from_offset=min(mark.to_offset, entry.to_offset))
        if entry.from_offset < entry.to_offset:
            left.append(entry)
    return left


def _write(step: Step, ranges: Sequence[OffsetRange]) -> None:
    if not ranges:
        return
    try:
        _append(step, ranges)
    except (PySparkException, Py4JJavaError) as problem:  # the second where PySpark knows no class of its own for it
        for entry, first in _with_starts(step, ranges):
            if _before(entry, first):
                raise LostOffsetsError(
                    f"topic {entry.topic}, partition {entry.partition}: expected the offsets {entry.from_offset} to "
                    f"{entry.to_offset} as they were listed; the broker removed them before they were taken; to go on "
                    f"without them: {going_on(entry.topic)}"
                ) from problem
        if is_unanswered(problem):  # when it was asked just now, it was there again
            names = ", ".join(sorted({entry.topic for entry in ranges}))
            raise TransientError(
                f"topic {names}: expected the broker to answer until all messages were read; it did not; they are read "
                "again"
            ) from None
        raise


def _append(step: Step, ranges: Sequence[OffsetRange]) -> None:
    sources = _by_contract(step, ranges)
    # The broker is asked from here on: keeping rows plans how they are read.
    messages = reduce(DataFrame.unionByName, [_records(step, contract, own) for contract, own in sources]).persist()
    try:
        size = messages.agg(F.count(F.lit(1)), F.coalesce(F.sum(F.length("raw")), F.lit(0))).first()
        few = size is not None and are_few(size[0], size[1])
        step.append("bronze.records", messages, few=few)
    finally:
        messages.unpersist()


def _by_contract(step: Step, ranges: Sequence[OffsetRange]) -> list[tuple[Contract, list[OffsetRange]]]:
    contracts = {(contract.tenant, contract.source): contract for contract in step.run.contracts}
    own: dict[tuple[str, str], list[OffsetRange]] = {}
    for entry in ranges:
        own.setdefault((entry.tenant, entry.source), []).append(entry)
    if missing := sorted(source for tenant, source in own if (tenant, source) not in contracts):
        raise LeadhouseError(
            f"topics: expected a contract for each source with new messages; none for {', '.join(missing)}; put it back"
        )
    return [(contracts[source], entries) for source, entries in sorted(own.items())]


def _with_starts(step: Step, ranges: Sequence[OffsetRange]) -> Iterator[tuple[OffsetRange, int]]:
    """Say for each range where the broker's log begins; where the topic is another one, after the range."""
    for contract, entries in _by_contract(step, ranges):
        topics = {topic.name: topic for topic in find_topics(step.spark, contract.location)}
        for entry in entries:
            topic = topics.get(entry.topic)
            same = topic is not None and topic.topic_id == entry.topic_id
            yield entry, topic.bounds[entry.partition][0] if same and topic is not None else entry.to_offset


def _before(entry: OffsetRange, first: int) -> OffsetRange | None:
    """The part of a range that lies before the log's start."""
    end = min(first, entry.to_offset)
    return replace(entry, to_offset=end, lost=True) if end > entry.from_offset else None


def _untaken(step: Step, ranges: Sequence[OffsetRange]) -> Iterator[OffsetRange]:
    """Leave out what an earlier generation of the checkpoint took: a range is one commit, so all of it or nothing."""
    records = step.run.lake.dataset("bronze.records")
    for entry in ranges:
        there = (
            (pc.field("tenant") == entry.tenant)
            & (pc.field("source") == entry.source)
            & (pc.field("origin") == entry.origin)
            & (pc.field("partition") == entry.partition)
            & (pc.field("position") >= entry.from_offset)
            & (pc.field("position") < entry.to_offset)
        )
        if not records.head(1, filter=there, columns=["position"]).num_rows:
            yield entry


def _records(step: Step, contract: Contract, ranges: Sequence[OffsetRange]) -> DataFrame:
    named = {entry.topic: entry.origin for entry in ranges}  # all partitions of a topic have its origin
    origins = F.create_map(*[F.lit(text) for pair in named.items() for text in pair])
    return (
        read_messages(step.spark, contract.location, [entry.span for entry in ranges])
        .select(
            F.lit(contract.tenant).alias("tenant"),
            F.lit(contract.source).alias("source"),
            origins[F.col("topic")].alias("origin"),
            F.col("partition"),
            F.col("offset").alias("position"),
            F.coalesce("value", F.lit(b"")).alias("raw"),
            F.lit(None).cast("string").alias("header_id"),
            F.lit(step.batch.recorded_at).alias("received_at"),
            F.col("key").alias("message_key"),
            F.col("headers").alias("message_headers"),
            F.col("timestamp").alias("message_time"),
            F.lit(step.batch.name).alias("batch"),
        )
        .select("*", record_id())
    )

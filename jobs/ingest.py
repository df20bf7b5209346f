"""The ingest job: takes every byte that landed, with where it came from; refuses nothing, loses nothing.

What lies in folders is taken here, what is in topics by ``leadhouse.jobs.topics``.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pyspark.errors import PythonException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.conf.errors import LeadhouseError, LostBytesError, LostOffsetsError, TransientError, joined
from leadhouse.jobs import topics
from leadhouse.jobs.runtime.batches import Count
from leadhouse.jobs.runtime.faults import reach
from leadhouse.jobs.runtime.job import JobSpec, Result, Run, Step
from leadhouse.jobs.runtime.listing import list_landing, lost_ranges, lost_rows, range_of
from leadhouse.jobs.runtime.ranges import FileRange
from leadhouse.jobs.runtime.runner import UNCHANGED, Report, join_reports, run_job
from leadhouse.jobs.runtime.taking import FETCHED, LOST, count_records, is_there, lost_bytes, taken_records
from leadhouse.transforms.record_id import record_id

FILE_RANGE_KEY = "tenant string, source string, path string, file_version int, from_byte bigint, to_byte bigint"
OF_MESSAGES = {
    "message_key": "binary",
    "message_headers": "array<struct<key: string, value: binary>>",
    "message_time": "timestamp",
}
"""Columns of bronze.records that records of files leave empty."""
FEW_BYTES = 4_000_000
"""Up to so many bytes of records go through the driver, see ``kept_rows``."""


def _step(step: Step) -> Result:
    # The records are one commit: if some are there, an earlier attempt at this batch wrote them all.
    if not count_records(step.run.lake, step.batch.name):
        _take(step, _unlisted(step))
    reach("ingest:written")
    lost = lost_ranges(step.run.lake, step.batch.name)
    fetched = count_records(step.run.lake, step.batch.name)
    counts = Counter((entry.tenant, entry.source) for entry in lost)
    return Result(
        counts=(
            *(Count(*source, FETCHED, rows) for source, rows in sorted(fetched.items())),
            *(Count(*source, LOST, ranges) for source, ranges in sorted(counts.items())),
        ),
        notes=tuple(lost_bytes(entry) for entry in lost),
    )


SPEC = JobSpec(
    name="ingest",
    goal="Take every byte that landed, with where it came from.",
    reads=("bronze.files", "bronze.records"),
    writes=("bronze.records", "bronze.files"),
    guardrails=(
        "changes no byte and refuses no record",
        "takes no range twice",
        "names every file whose bytes were lost before they were taken",
    ),
    step=_step,
    stream="bronze.files",
)


def run(run: Run) -> Report:
    """List the landing folder and the contracts' topics, then take what is new in them.

    Raises InputError, before anything is written, if folder or contracts are not as expected; LostBytesError, after
    everything else is taken and the loss is in the ledger, if listed bytes are gone. The next run goes on without them,
    and takes them if they are there again. Raises what ``topics.run`` does, after the files are taken.
    """
    reports: list[Report] = []
    failures: list[LeadhouseError] = []
    for part in (_run_files, topics.run):
        try:
            reports.append(part(run))
        except (LostBytesError, LostOffsetsError, TransientError) as failure:
            failures.append(failure)  # a file that is gone keeps no topic waiting, nor the other way round
    if failures:
        raise joined(failures)
    return join_reports(SPEC.name, *reports)


def _run_files(run: Run) -> Report:
    if run.landing is None:
        return Report(SPEC.name, UNCHANGED)
    notes = list_landing(run, run.landing)
    reach("ingest:listed")
    report = run_job(run, SPEC)
    if any(count.measure == LOST for count in report.counts):
        raise LostBytesError("\n".join(report.notes))
    return replace(report, notes=(*notes, *report.notes))


def main(argv: Sequence[str]) -> int:
    """Run this job from the command line, with the options of ``leadhouse ingest``."""
    from leadhouse.jobs import cli  # here, since the command line imports every job

    return int(cli.main(["ingest", *argv]) or 0)


def _unlisted(step: Step) -> list[FileRange]:
    """Return the batch's ranges that hold bytes, without those that an earlier generation of the checkpoint took."""
    rows = step.rows.where("from_byte < to_byte").toArrow().to_pylist()
    ranges = {entry.key: entry for entry in (range_of(row) for row in rows if not row["lost"])}
    if step.batch.generation == 1 or not ranges:
        return list(ranges.values())
    keys = step.spark.createDataFrame(list(ranges), FILE_RANGE_KEY)
    is_in = (
        "r.tenant = k.tenant and r.source = k.source and r.origin = k.path and r.partition = k.file_version "
        "and r.position >= k.from_byte and r.position < k.to_byte"
    )
    records = step.read("bronze.records").alias("r")
    taken = keys.alias("k").hint("broadcast").join(records, F.expr(is_in), "inner").select("k.*").distinct().toArrow()
    lost = {range_of(row).key for row in rows if row["lost"]}
    done = {tuple(row.values()) for row in taken.to_pylist()}
    return [entry for key, entry in ranges.items() if key not in done and key not in lost]


def _take(step: Step, ranges: Sequence[FileRange]) -> None:
    """Write the records of all ranges whose bytes are there, after marking the others as lost."""
    landing = step.run.landing or Path()
    while True:
        lost = {entry.key for entry in lost_ranges(step.run.lake, step.batch.name)}
        present = [entry for entry in ranges if entry.key not in lost]
        gone = [entry for entry in present if not is_there(landing, entry)]
        if gone:
            # Marked first, so that a retry leaves out the same ranges. A later mark of the batch is a write of its own.
            step.append_local("bronze.files", lost_rows(step, gone), role=f"{LOST}-{len(lost)}")
            continue
        try:
            if present:
                few = sum(entry.to_byte - entry.from_byte for entry in present) <= FEW_BYTES
                step.append("bronze.records", _records(step, landing, present), few=few)
            return
        except PythonException:
            if all(is_there(landing, entry) for entry in present):
                raise  # otherwise a file vanished after the look at it


def _records(step: Step, landing: Path, ranges: Sequence[FileRange]) -> DataFrame:
    return taken_records(step.spark, landing, ranges).select(
        "*",
        F.lit(step.batch.recorded_at).alias("received_at"),
        record_id(),
        *[F.lit(None).cast(kind).alias(name) for name, kind in OF_MESSAGES.items()],
        F.lit(step.batch.name).alias("batch"),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

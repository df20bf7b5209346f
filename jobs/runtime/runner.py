"""The one runner of all jobs: intents and outcomes, checkpoints, retries and lineage live here and nowhere else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession

from leadhouse.conf.errors import LeadhouseError
from leadhouse.jobs.runtime import batches
from leadhouse.jobs.runtime.batches import Batch, Count, Outcome, Quality
from leadhouse.jobs.runtime.book import COMPLETE, FAILED, HELD
from leadhouse.jobs.runtime.callbacks import end_of_callback
from leadhouse.jobs.runtime.contracts import caught_up
from leadhouse.jobs.runtime.faults import reach
from leadhouse.jobs.runtime.job import ROWS, JobSpec, Result, Run, Step, app_id
from leadhouse.jobs.runtime.lineage import Lineage
from leadhouse.jobs.runtime.progress import is_through
from leadhouse.jobs.runtime.settled import settled_versions

UNCHANGED = "unchanged"
"""Status of a job that found nothing new."""
# Commits that let expired records go change files, and hold nothing new.
_STREAM_OPTIONS = {"maxBytesPerTrigger": "128m", "skipChangeCommits": "true"}


@dataclass(frozen=True)
class Report:
    """What a job did in one run, over all its micro-batches."""

    job: str
    status: str
    """``complete``, ``held``, or ``unchanged`` where there was nothing new."""
    batches: int = 0
    counts: tuple[Count, ...] = ()
    quality: tuple[Quality, ...] = ()
    notes: tuple[str, ...] = ()


def run_job(run: Run, spec: JobSpec) -> Report:
    """Run a job over everything that is new and return what it did.

    Raises what the step raises, after the failure is in the book and in lineage.
    """
    results = _run_stream(run, spec) if spec.stream else _run_once(run, spec)
    if not results:
        return Report(spec.name, UNCHANGED)
    return Report(
        job=spec.name,
        status=HELD if any(result.status == HELD for result in results) else COMPLETE,
        batches=len(results),
        counts=_total(count for result in results for count in result.counts),
        quality=tuple(entry for result in results for entry in result.quality),
        notes=tuple(dict.fromkeys(note for result in results for note in result.notes)),
    )


def join_reports(job: str, *reports: Report) -> Report:
    """Return the reports of several parts as one job's."""
    worked = [report for report in reports if report.status != UNCHANGED]
    notes = tuple(dict.fromkeys(note for report in reports for note in report.notes))
    if not worked:
        return Report(job, UNCHANGED, notes=notes)
    return Report(
        job=job,
        status=HELD if any(report.status == HELD for report in worked) else COMPLETE,
        batches=sum(report.batches for report in worked),
        counts=_total(count for report in worked for count in report.counts),
        quality=tuple(entry for report in worked for entry in report.quality),
        notes=notes,
    )


def _run_stream(run: Run, spec: JobSpec) -> list[Result]:
    """Take a streaming job through what has arrived (``availableNow``), one micro-batch after another."""
    generation = _generation(run, spec)
    # A stream takes a second only to find that there is nothing.
    if is_through(run.lake, str(spec.stream), run.lake.checkpoint_path(spec.name, generation)):
        return []
    results: list[Result] = []
    failures: list[Exception] = []
    ends: list[Callable[[], None]] = []

    def take(rows: DataFrame, number: int) -> None:
        if not ends:  # one thread takes all of a query's batches
            ends.append(end_of_callback(run.spark))
        try:
            batch = _begin(run, spec, generation, number)
            results.append(_take(run, spec, batch, rows, rows.sparkSession))
        except Exception as failure:  # kept for the caller: Spark would wrap it beyond recognition
            failures.append(failure)
            raise

    # A commit of a job is one file where few rows are written, and a listing always is.
    limit = {"maxFilesPerTrigger": str(spec.commits_per_batch)} if spec.commits_per_batch else {}
    source = run.lake.stream(run.spark, str(spec.stream), _STREAM_OPTIONS | limit)
    query = (
        source.writeStream.foreachBatch(take)
        .option("checkpointLocation", str(run.lake.checkpoint_path(spec.name, generation)))
        .queryName(spec.name)
        .trigger(availableNow=True)
        .start()
    )
    try:
        query.awaitTermination()
    except StreamingQueryException as problem:
        if failures:
            raise failures[0] from problem
        raise LeadhouseError(f"{spec.name}: the stream stopped: {problem}") from problem
    finally:
        for end in ends:
            end()
    return results


def _run_once(run: Run, spec: JobSpec) -> list[Result]:
    """Run a job that is no stream: one batch, unless nothing that it depends on has changed."""
    generation, number = batches.next_batch(run.lake, spec.name)
    pending = batches.find_intent(run.lake, spec.name, generation, number)
    seen = settled_versions(run.lake, spec, run.beside)
    if pending is None:
        # Beside the others all start at once: a job waits for the first rows, instead of training on none.
        if run.beside and spec.triggers and not any(seen[table] for table in spec.triggers):
            return []
        last = batches.last_outcome(run.lake, spec.name)
        if last is not None and last.batch.inputs_key == _inputs_key(run, spec, seen) and _stands(run, last):
            return []
        if spec.follows:
            ahead = batches.next_batch(run.lake, spec.follows)
            generation, number = max((generation, number), (ahead[0], max(ahead[1] - 1, 0)))
    batch = _begin(run, spec, generation, number, seen)
    return [_take(run, spec, batch, None, run.spark)]


def _begin(run: Run, spec: JobSpec, generation: int, number: int, seen: Mapping[str, int] | None = None) -> Batch:
    if run.beside and spec.stream:
        run = caught_up(run)
    versions = settled_versions(run.lake, spec, run.beside) if seen is None else seen
    contents = spec.definitions(run)  # once: what is kept and what is in the key must be the same
    intent = batches.new_batch(
        run.lake,
        spec.name,
        generation,
        number,
        now=run.clock(),
        as_of=run.as_of,
        known=None,
        inputs_key=_inputs_key(run, spec, versions, contents),
        reads={table: versions[table] for table in spec.reads},
        definitions={name: run.lake.keep(content) for name, content in contents.items()},
        before={table: run.lake.version(table) for table in spec.writes},
    )
    reach(f"{spec.name}:before-intent")
    return batches.begin(run.lake, intent, binds=lambda stored: _binds(run, spec, stored, intent))


def _binds(run: Run, spec: JobSpec, stored: Batch, intent: Batch) -> bool:
    """Whether a batch must be ended as it began: not if it failed before it wrote anything, and was given other
    definitions since, such as the contract that it missed."""
    if stored.definitions == intent.definitions or not batches.has_failed(run.lake, stored):
        return True
    return any(
        run.lake.has_written(table, app_id=app_id(spec, table, ROWS, stored), app_version=stored.number)
        for table in spec.writes
    )


def _take(run: Run, spec: JobSpec, batch: Batch, rows: DataFrame | None, spark: SparkSession) -> Result:
    """Take one micro-batch from its intent to its outcome."""
    lineage = Lineage(run.lake, run.workspace.settings.lineage, run.run_id)
    lineage.start(spec, batch, run.clock())
    step = Step(run, spec, batch, rows, spark)
    try:
        result = spec.step(step)
    except Exception as problem:
        outcome = Outcome(batch, FAILED, step.writes, error=_first_line(problem))
        batches.finish(run.lake, outcome, run.clock())
        lineage.fail(spec, outcome, run.clock())
        raise
    finally:
        step.release()
    reach(f"{spec.name}:before-outcome")
    outcome = Outcome(batch, result.status, step.writes, result.counts, result.quality)
    batches.finish(run.lake, outcome, run.clock())
    reach(f"{spec.name}:after-outcome")
    lineage.complete(spec, outcome, run.clock())
    return replace(result, writes=step.writes)


def _generation(run: Run, spec: JobSpec) -> int:
    """Return the newest checkpoint's generation; one more than the book's if its checkpoint is gone."""
    begun = batches.newest_generation(run.lake, spec.name)
    if begun and not run.lake.checkpoint_path(spec.name, begun).exists():
        # Nothing remembers which rows an unfinished batch had: what it wrote goes, and its records are taken anew.
        for batch in batches.unfinished(run.lake, spec.name):
            for table in spec.discards:
                run.lake.discard(table, batch)
        return begun + 1
    return max(begun, 1)


def _inputs_key(run: Run, spec: JobSpec, seen: Mapping[str, int], contents: Mapping[str, bytes] | None = None) -> str:
    """Return what tells the batch's inputs from any other's: the state of its triggers at the versions ``seen``, its
    definitions (``contents``, if they are known already) and the moment."""
    if contents is None:
        contents = spec.definitions(run)
    definitions = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    versions = {table: run.lake.state(table, seen[table]) for table in spec.triggers}
    basis: Mapping[str, object] = {"versions": versions, "definitions": definitions, "as_of": _text(run.as_of)}
    return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()


def _stands(run: Run, outcome: Outcome) -> bool:
    """Whether what a batch wrote is still there: a table that was removed starts again at version 0."""
    return all(run.lake.version(table) >= version for table, version in outcome.writes.items())


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _first_line(problem: Exception) -> str:
    """The error's class and first line only: deeper text may quote rows, and the book holds no personal data."""
    if isinstance(problem, LeadhouseError):
        return str(problem).splitlines()[0] if str(problem) else type(problem).__name__
    return type(problem).__name__


def _total(counts: object) -> tuple[Count, ...]:
    sums: dict[tuple[str, str, str], int] = {}
    for count in counts:  # type: ignore[attr-defined]
        key = (count.tenant, count.source, count.measure)
        sums[key] = sums.get(key, 0) + count.rows
    return tuple(Count(*key, rows) for key, rows in sorted(sums.items()))

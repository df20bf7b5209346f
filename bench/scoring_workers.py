"""Scoring on every core at once: a process for each, as Spark has its workers."""

from __future__ import annotations

import multiprocessing
import os
import time
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import ipc

from leadhouse.models.examples import Examples
from leadhouse.models.model import LeadModel
from leadhouse.models.package import model_hash, pack, read_files, write_files
from leadhouse.models.scoring import Champion, scorer

BATCH = 10_000
"""Rows that are scored together, as Spark hands them to a worker."""
TENANT = "bench"
_AS_OF = datetime(2025, 1, 1, tzinfo=UTC)
_FILE, _MODEL = "rows.arrow", "model"


def score_on_all_cores(model: LeadModel, examples: Examples, folder: Path) -> tuple[int, float]:
    """Score all examples, each worker its share of the batches; return how many were scored, and the seconds.

    The clock runs from when all workers have the model and their rows until the last has ended. Raises RuntimeError if
    a worker ends without its scores.
    """
    write_files(pack(model), folder / _MODEL)
    with ipc.new_file(folder / _FILE, examples.rows.schema) as file:
        file.write_table(examples.rows, max_chunksize=BATCH)
    workers = os.cpu_count() or 1
    # Not forked: what XGBoost's threads left in this process would be there, but not the threads.
    start = multiprocessing.get_context("spawn")
    ready, answers = start.Barrier(workers), start.SimpleQueue()
    processes = [start.Process(target=_work, args=(folder, place, workers, ready, answers)) for place in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError(f"expected scores of {workers} workers; one ended with an error, which it has printed")
    found = [answers.get() for _ in processes]
    return sum(count for count, _, _ in found), max(end for *_, end in found) - min(begun for _, begun, _ in found)


def _work(folder: Path, place: int, workers: int, ready: Barrier, answers: Any) -> None:
    try:
        files = read_files(folder / _MODEL)
        score = scorer({TENANT: Champion("bench/1", model_hash(files), files)})
        with pa.memory_map(str(folder / _FILE)) as source, ipc.open_file(source) as rows:
            parts = [_batch(rows.get_batch(number)) for number in range(place, rows.num_record_batches, workers)]
            ready.wait()
            begun = time.monotonic()
            done = list(score(parts))
            ended = time.monotonic()
        answers.put((sum(len(part) - part.column("probability").null_count for part in done), begun, ended))
    except BaseException:
        ready.abort()  # the others would wait for ever
        raise


def _batch(part: pa.RecordBatch) -> pa.RecordBatch:
    count = part.num_rows
    moments = pa.array([_AS_OF] * count, pa.timestamp("us", "UTC"))
    known = {"tenant": pa.repeat(TENANT, count), "lead_id": pa.repeat("lead", count), "as_of": moments}
    return pa.RecordBatch.from_pydict({**known, "known": moments, **{name: part[name] for name in part.schema.names}})

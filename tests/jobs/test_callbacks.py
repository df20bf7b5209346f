"""Threads that the JVM calls Python in end with the query that they were for."""

from __future__ import annotations

import threading
from pathlib import Path

from pyspark.sql import SparkSession

from leadhouse.conf.settings import Settings
from leadhouse.jobs.runtime.job import JobSpec, Result, Step
from leadhouse.jobs.runtime.runner import run_job
from tests.jobs.lakes import a_run, append

_PATIENCE_SECONDS = 60


def test_the_thread_of_a_stream_ends_with_it(spark: SparkSession, tmp_path: Path) -> None:
    threads: list[threading.Thread] = []

    def step(step: Step) -> Result:
        threads.append(threading.current_thread())
        return Result()

    spec = JobSpec("look", "See who calls.", ("silver.items",), (), (), step, stream="silver.items")
    run = a_run(spark, tmp_path, Settings("acme"))
    for number in range(2):
        append(run.lake, "silver.items", [{"tenant": "acme", "item": number}], number)
        assert run_job(run, spec).batches == 1
    assert len(set(threads)) == 2
    for thread in threads:
        assert thread is not threading.main_thread()
        thread.join(_PATIENCE_SECONDS)
        assert not thread.is_alive()

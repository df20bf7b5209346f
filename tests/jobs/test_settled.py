"""What a job sees while others are in the midst of a batch: nothing of it, until its outcome is in the book."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from leadhouse.conf.settings import Settings
from leadhouse.conf.workspace import Workspace
from leadhouse.jobs import decide, feature, ingest, quarantine_replay, refine
from leadhouse.jobs.following import jobs_beside
from leadhouse.jobs.run import JOBS, SPECS
from leadhouse.jobs.runtime import batches, settled
from leadhouse.jobs.runtime.batches import Batch, Outcome
from leadhouse.jobs.runtime.book import BOOK, COMPLETE, FAILED, HELD
from leadhouse.jobs.runtime.job import JobSpec, Result, Run, Step
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.pins import find_pins
from leadhouse.jobs.runtime.runner import UNCHANGED, run_job
from leadhouse.jobs.runtime.settled import settled_versions
from tests.jobs.lakes import append

NOW = datetime(2024, 5, 10, 12, tzinfo=UTC)
SIGNALS, TRAITS = "silver.signals", "silver.traits"
FEATURE = jobs_beside("feature")


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake of one version each of signals and traits."""
    made = open_lake(tmp_path / "lake")
    for table in (SIGNALS, TRAITS):
        append(made, table, [{}])
    return made


def begin(lake: Lake, spec: JobSpec, number: int = 0, reads: Mapping[str, int] | None = None, **other: Any) -> Batch:
    """Write a batch's intent into the book, as the runner does."""
    before = {table: lake.version(table) for table in spec.writes}
    intent = batches.new_batch(
        lake, spec.name, 1, number, now=NOW, as_of=None, known=None, inputs_key="", reads=reads or {}, definitions={},
        **({"before": before} | other),
    )  # fmt: skip
    return batches.begin(lake, intent)


def a_run_beside(lake: Lake) -> Run:
    """A run of jobs that need no Spark, beside all but the features'."""
    return Run(
        spark=SparkSession.__new__(SparkSession), lake=lake, workspace=Workspace(Path(), Settings("acme"), (), (), ()),
        contracts=(), keys={}, run_id="00000000-0000-4000-8000-000000000000", clock=lambda: NOW, beside=FEATURE,
    )  # fmt: skip


def seen(lake: Lake, spec: JobSpec = feature.SPEC, beside: tuple[JobSpec, ...] = FEATURE) -> tuple[int, int]:
    """The versions of signals and traits that a job sees."""
    versions = settled_versions(lake, spec, beside)
    return versions[SIGNALS], versions[TRAITS]


@pytest.mark.parametrize(("status", "after"), [(COMPLETE, (2, 1)), (HELD, (2, 1)), (FAILED, (1, 1))])
def test_nothing_of_a_batch_is_seen_before_its_end(lake: Lake, status: str, after: tuple[int, int]) -> None:
    batch = begin(lake, refine.SPEC)
    append(lake, SIGNALS, [{}], 1)
    assert seen(lake) == (1, 1)
    assert seen(lake, beside=()) == (2, 1), "alone on the lake, a job sees what is there"
    batches.finish(lake, Outcome(batch, status, {SIGNALS: 2}), NOW)
    assert seen(lake) == after


def test_a_job_that_looked_in_the_midst_of_a_batch_finds_something_new_after_its_end(lake: Lake) -> None:
    """Though nothing is written any more: what it depends on is what it saw."""
    reads: list[int] = []

    def step(step: Step) -> Result:
        reads.append(step.batch.reads[SIGNALS])
        return Result()

    spec = JobSpec("feature", "", reads=(SIGNALS,), writes=(TRAITS,), guardrails=(), step=step, triggers=(SIGNALS,))
    run = a_run_beside(lake)
    assert run_job(run, spec).status == COMPLETE
    batch = begin(lake, refine.SPEC)
    append(lake, SIGNALS, [{}], 1)
    assert run_job(run, spec).status == UNCHANGED
    batches.finish(lake, Outcome(batch, COMPLETE, {SIGNALS: 2}), NOW)
    assert run_job(run, spec).status == COMPLETE
    assert run_job(run, spec).status == UNCHANGED
    assert reads == [1, 2]
    intent = batches.find_intent(lake, "feature", 1, 1)
    assert intent is not None
    assert intent.before == {TRAITS: 1}


def test_beside_the_others_a_job_waits_for_the_first_rows(lake: Lake) -> None:
    steps: list[Step] = []

    def step(step: Step) -> Result:
        steps.append(step)
        return Result()

    spec = JobSpec("train", "", reads=(), writes=(), guardrails=(), step=step, triggers=("silver.outcomes",))
    assert run_job(a_run_beside(lake), spec).status == UNCHANGED
    assert lake.version(BOOK) == 0
    assert not steps
    append(lake, "silver.outcomes", [{}])
    assert run_job(a_run_beside(lake), spec).status == COMPLETE


def test_an_intent_says_how_it_found_the_tables_that_it_writes(lake: Lake) -> None:
    begin(lake, refine.LEADS)
    append(lake, "silver.leads", [{}])
    found = batches.find_intent(lake, "leads", 1, 0)
    assert found is not None
    assert found.before == {"silver.leads": 0, "silver.findings": 0}
    assert find_pins(lake, {}).versions["silver.leads"] == (0,), "maintenance leaves it, since others read it"


def test_a_failure_that_wrote_nothing_hides_nothing_unless_it_comes_again(lake: Lake) -> None:
    for spec, after in ((refine.RELEASES, 2), (refine.SPEC, 2)):
        batch = begin(lake, spec, lake.version(SIGNALS))
        batches.finish(lake, Outcome(batch, FAILED), NOW)
        append(lake, SIGNALS, [{}], lake.version(SIGNALS))
        assert seen(lake)[0] == after  # a stream takes the same batch again: what is there since may be of it


def test_a_job_sees_its_own_batches_and_those_of_who_works_alone(lake: Lake) -> None:
    batch = begin(lake, refine.SPEC)
    append(lake, "silver.items", [{}])
    own = settled_versions(lake, refine.RELEASES, jobs_beside("refine"))
    assert own["silver.items"] == 1, "or it would take again what it has taken"
    batches.finish(lake, Outcome(batch, COMPLETE), NOW)
    begin(lake, quarantine_replay.SPEC)
    append(lake, TRAITS, [{}], 1)
    assert seen(lake) == (1, 2), "no job that goes on would ever end it"


def test_what_ingest_has_taken_is_seen_at_once(lake: Lake) -> None:
    """Its batch is one commit. Refine's stream holds it already; a version of before would lack those records."""
    begin(lake, ingest.SPEC)
    append(lake, "bronze.records", [{}])
    assert settled_versions(lake, refine.RELEASES, jobs_beside("refine"))["bronze.records"] == 1


def test_a_batch_that_begins_between_two_looks_is_not_missed(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = itertools.count()

    def under_way(place: Lake, streams: Collection[str]) -> list[Batch]:
        found = batches.under_way(place, streams)
        if next(looks) == 0:
            begin(place, refine.SPEC)
            append(place, SIGNALS, [{}], 1)
        return found

    monkeypatch.setattr(settled, "under_way", under_way)
    assert seen(lake) == (1, 1)


def test_facts_are_seen_when_the_leads_are_derived_from_them(lake: Lake) -> None:
    leads = begin(lake, refine.LEADS, reads={TRAITS: 1})
    batches.finish(lake, Outcome(leads, COMPLETE), NOW)
    append(lake, SIGNALS, [{}], 1)
    append(lake, TRAITS, [{}], 1)
    assert seen(lake) == (2, 1), "no lead is derived from signals"
    lake.compact(TRAITS, target_bytes=1_000_000)
    assert seen(lake) == (2, 1)
    leads = begin(lake, refine.LEADS, 1, reads={TRAITS: 2})
    batches.finish(lake, Outcome(leads, COMPLETE), NOW)
    assert seen(lake) == (2, 3), "of versions with the same rows the newest, whose files nothing lets go"


def test_no_two_jobs_write_one_table() -> None:
    """Why each job may be a process of its own: what it finds before a batch nobody else changes."""
    assert SPECS.keys() == JOBS.keys()
    written = [{table for spec in specs for table in spec.writes} for specs in SPECS.values()]
    assert all(not one & other for one, other in itertools.combinations(written, 2))
    names = {spec.name for specs in SPECS.values() for spec in specs}
    assert {job for spec in (feature.SPEC, decide.SPEC) for job in spec.as_read_by.values()} <= names

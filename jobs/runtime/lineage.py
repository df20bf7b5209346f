"""Lineage: one OpenLineage run per job and micro-batch, as lines of ``<lake>/ops/lineage.jsonl`` and over HTTP."""

from __future__ import annotations

import json
import os
import uuid
from datetime import UTC, datetime
from importlib.metadata import version
from typing import cast

from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    JobFacet,
    RunFacet,
    documentation_job,
    error_message_run,
    job_type_job,
    nominal_time_run,
    ownership_job,
    parent_run,
    processing_engine_run,
)
from openlineage.client.serde import Serde
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport, TokenProvider

from leadhouse.conf import settings as conf
from leadhouse.conf.errors import LeadhouseError
from leadhouse.conf.secrets import environment_secret
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.runtime.batches import Batch, Outcome
from leadhouse.jobs.runtime.datasets import PRODUCER, Datasets
from leadhouse.jobs.runtime.job import JobSpec
from leadhouse.jobs.runtime.lake import Lake

WHOLE_RUN = "run"
"""Name of the job that stands for one whole ``leadhouse run``: the parent of every batch's run."""


class Lineage:
    """Writes what a micro-batch read, wrote and found. Events hold names, versions and counts, never values."""

    def __init__(self, lake: Lake, settings: conf.Lineage, parent_run_id: str) -> None:
        self._lake = lake
        self._settings = settings
        self._parent_run_id = str(uuid.UUID(parent_run_id))
        self._datasets = Datasets(lake)
        self._endpoint = _endpoint(settings)
        self._broken: str | None = None
        """Why the endpoint refused an event of this batch; a batch waits for a dead endpoint only once."""

    def begin_run(self, now: datetime) -> None:
        """Say that the whole run, the parent of every batch, begins."""
        self._emit(self._whole_run(RunState.START, now, None))

    def end_run(self, now: datetime, error: str | None = None) -> None:
        """Say that the whole run is over, with its error if it failed."""
        self._emit(self._whole_run(RunState.FAIL if error else RunState.COMPLETE, now, error))

    def start(self, spec: JobSpec, batch: Batch, now: datetime) -> None:
        """Say that a batch begins, and which versions it reads."""
        inputs = [self._datasets.input(table, batch.reads.get(table)) for table in _inputs(spec)]
        outputs = [self._datasets.output(table) for table in spec.writes]
        self._emit(self._event(RunState.START, spec, batch, now, inputs, outputs, None))

    def complete(self, spec: JobSpec, outcome: Outcome, now: datetime) -> None:
        """Say that a batch is done (or held by a gate), with what it wrote and what the gate found."""
        self._end(RunState.COMPLETE, spec, outcome, now, None)

    def fail(self, spec: JobSpec, outcome: Outcome, now: datetime) -> None:
        """Say that a batch failed, and why in one line."""
        self._end(RunState.FAIL, spec, outcome, now, outcome.error or "no reason given")

    def _end(self, state: RunState, spec: JobSpec, outcome: Outcome, now: datetime, error: str | None) -> None:
        batch = outcome.batch
        stream = spec.stream or next(iter(spec.reads), None)
        inputs = [
            self._datasets.described_input(table, batch.reads.get(table), outcome.quality if table == stream else ())
            for table in _inputs(spec)
        ]
        outputs = [self._datasets.described_output(table, spec, outcome) for table in spec.writes]
        self._emit(self._event(state, spec, batch, now, inputs, outputs, error))

    def _whole_run(self, state: RunState, now: datetime, error: str | None) -> RunEvent:
        facets: dict[str, RunFacet] = {"processing_engine": _engine()}
        if error is not None:
            facets["errorMessage"] = _error(error)
        return RunEvent(
            eventType=state,
            eventTime=_iso(now),
            run=Run(runId=self._parent_run_id, facets=facets),
            job=Job(namespace=self._settings.namespace, name=WHOLE_RUN),
            producer=PRODUCER,
        )

    def _event(
        self,
        state: RunState,
        spec: JobSpec,
        batch: Batch,
        now: datetime,
        inputs: list[InputDataset],
        outputs: list[OutputDataset],
        error: str | None,
    ) -> RunEvent:
        return RunEvent(
            eventType=state,
            eventTime=_iso(now),
            run=Run(runId=batch.run_id, facets=self._run_facets(batch, error)),
            job=Job(namespace=self._settings.namespace, name=spec.name, facets=_job_facets(spec)),
            inputs=inputs,
            outputs=outputs,
            producer=PRODUCER,
        )

    def _run_facets(self, batch: Batch, error: str | None) -> dict[str, RunFacet]:
        parent = parent_run.ParentRunFacet(
            run=parent_run.Run(runId=self._parent_run_id),
            job=parent_run.Job(namespace=self._settings.namespace, name=WHOLE_RUN),
            producer=PRODUCER,
        )
        facets: dict[str, RunFacet] = {"parent": parent, "processing_engine": _engine()}
        if batch.as_of is not None:
            facets["nominalTime"] = nominal_time_run.NominalTimeRunFacet(
                nominalStartTime=_iso(batch.as_of), producer=PRODUCER
            )
        if error is not None:
            facets["errorMessage"] = _error(error)
        return facets

    def _emit(self, event: RunEvent) -> None:
        self._append("lineage.jsonl", Serde.to_json(event))
        if self._endpoint is None:
            return
        if self._broken is None:
            try:
                self._endpoint.emit(event)
            except Exception as problem:  # noqa: BLE001 - lineage must not stop the work that it describes
                self._broken = f"{type(problem).__name__}: {problem}"
        if self._broken is not None:
            unsent = {"reason": self._broken, "event": Serde.to_dict(event)}
            self._append("lineage-unsent.jsonl", json.dumps(unsent, sort_keys=True))

    def _append(self, name: str, line: str) -> None:
        folder = self._lake.root / "ops"
        folder.mkdir(exist_ok=True)
        # One write to a file opened for appending: lines of two processes never mix, a killed one leaves no half line.
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            content = line.encode() + b"\n"
            if os.write(descriptor, content) != len(content):
                raise LeadhouseError(
                    f"{name}: expected to write {len(content)} bytes; the disk took fewer; free space on it"
                )
        finally:
            os.close(descriptor)


def _endpoint(settings: conf.Lineage) -> HttpTransport | None:
    if settings.url is None:
        return None
    secret = environment_secret(settings.api_key_env)
    provider = ApiKeyTokenProvider({"apiKey": secret}) if secret else TokenProvider({})
    retry = {"total": 1, "backoff_factor": 0.3, "status_forcelist": [502, 503, 504], "allowed_methods": ["POST"]}
    return HttpTransport(HttpConfig(url=settings.url, auth=provider, retry=retry, timeout=5.0))


def _inputs(spec: JobSpec) -> tuple[str, ...]:
    """The tables that a job reads, the streamed one first."""
    return tuple(dict.fromkeys([*([spec.stream] if spec.stream else []), *spec.reads]))


def _job_facets(spec: JobSpec) -> dict[str, JobFacet]:
    owners = sorted({table_specs()[table].owner for table in spec.writes if table in table_specs()})
    text = "\n".join([spec.goal, *(f"Guardrail: {guardrail}" for guardrail in spec.guardrails)])
    return {
        "documentation": documentation_job.DocumentationJobFacet(
            description=text, contentType="text/plain", producer=PRODUCER
        ),
        "jobType": job_type_job.JobTypeJobFacet(
            processingType="STREAMING" if spec.stream else "BATCH",
            integration="SPARK",
            jobType="JOB",
            producer=PRODUCER,
        ),
        "ownership": ownership_job.OwnershipJobFacet(
            owners=[ownership_job.Owner(name=f"team:{owner}", type="MAINTAINER") for owner in owners],
            producer=PRODUCER,
        ),
    }


def _engine() -> RunFacet:
    engine = processing_engine_run.ProcessingEngineRunFacet(
        name="spark",
        version=version("pyspark"),
        openlineageAdapterVersion=version("openlineage-python"),
        producer=PRODUCER,
    )
    return cast(RunFacet, engine.with_additional_properties(deltaVersion=version("delta-spark")))


def _error(message: str) -> RunFacet:
    first_line = (message.splitlines() or [""])[0]
    return error_message_run.ErrorMessageRunFacet(message=first_line, programmingLanguage="PYTHON", producer=PRODUCER)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()

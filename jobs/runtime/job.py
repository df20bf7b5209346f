"""What a job is: a frozen spec, the run that it is part of, and the one step that it takes at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from leadhouse.conf.errors import LeadhouseError
from leadhouse.conf.workspace import Workspace
from leadhouse.expectations.contract import Contract
from leadhouse.jobs.runtime.batches import Batch, Count, Quality
from leadhouse.jobs.runtime.book import COMPLETE
from leadhouse.jobs.runtime.kept_rows import KeptRows
from leadhouse.jobs.runtime.lake import Lake, Mode, Since

ROWS = "rows"
"""Role of the write that a batch makes into a table; other roles are writes beside it."""


@dataclass(frozen=True)
class Run:
    """Everything that the jobs of one run share."""

    spark: SparkSession
    lake: Lake
    workspace: Workspace
    contracts: tuple[Contract, ...]
    keys: Mapping[str, bytes]
    """Per tenant the secret that keys its hashes."""
    run_id: str
    """Id of the whole run, the parent in lineage."""
    clock: Callable[[], datetime]
    """The only clock; jobs ask it once a batch."""
    landing: Path | None = None
    as_of: datetime | None = None
    """The moment to compute for; None: each tenant's latest event."""
    allow_empty: tuple[str, ...] = ()
    """For sync: lists that may collapse to nobody."""
    accept_loss: tuple[str, ...] = ()
    """For ingest: topics of which messages that are gone may stay gone."""
    if_needed: bool = False
    """For train: only where what the champion is watched by calls for another model, or there is none."""
    strict: bool = False
    """For train: register nothing that is suspected of leakage, whatever the settings say."""
    beside: tuple[JobSpec, ...] = ()
    """Jobs of other processes that may be in the midst of a batch, of which nothing is to be seen before its end."""
    follows: bool = False
    """Whether the jobs are taken again and again, so that not every one of their batches need be a tick."""

    @property
    def tenants(self) -> tuple[str, ...]:
        """The tenants that the contracts name, sorted."""
        return tuple(sorted({contract.tenant for contract in self.contracts}))


@dataclass(frozen=True)
class Result:
    """What a step reports besides the rows that it wrote."""

    counts: tuple[Count, ...] = ()
    quality: tuple[Quality, ...] = ()
    status: str = COMPLETE
    """``complete``, or ``held`` if a gate or a person must decide."""
    notes: tuple[str, ...] = ()
    """Lines for the person at the terminal, without personal data."""
    writes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class JobSpec:
    """A job: its goal, what it may read and write, and its step."""

    name: str
    goal: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    guardrails: tuple[str, ...]
    """What it must not do, in words; for the docs and for lineage."""
    step: Callable[[Step], Result]
    stream: str | None = None
    """The table whose new rows are its micro-batches; None: one batch whenever what it is triggered by has changed."""
    commits_per_batch: int | None = None
    """Of a streaming job: so many commits of its stream's table make a micro-batch; None: as many as fit its size."""
    discards: tuple[str, ...] = ()
    """Of a streaming job: tables whose rows of an unfinished batch are removed when its checkpoint is lost."""
    triggers: tuple[str, ...] = ()
    """Tables whose change calls for a new batch (for jobs that are no streams)."""
    follows: str | None = None
    """A job whose tables it writes too: its batches are numbered on from that job's, so that all have an order."""
    as_read_by: Mapping[str, str] = field(default_factory=dict)
    """Table → the job that makes another of this one's inputs of it: where each job is a process of its own, no newer a
    version is read than that job has read, so that the two fit."""
    definitions: Callable[[Run], Mapping[str, bytes]] = lambda run: {}
    """The user's files that it depends on: name → bytes. Kept by hash in the lake; a change calls for a new batch."""


def app_id(spec: JobSpec, table: str, role: str, batch: Batch) -> str:
    """Return the name under which a batch's writes of one role into a table are known in its log."""
    return f"{spec.name}:{table}:{role}:{batch.generation}"


class Step:
    """One micro-batch of a job at work: opens only the tables that the job's spec names, at the intent's versions."""

    def __init__(self, run: Run, spec: JobSpec, batch: Batch, rows: DataFrame | None, spark: SparkSession) -> None:
        self.run = run
        self.spec = spec
        self.batch = batch
        self.spark = spark
        self.writes: dict[str, int] = {}
        self._rows = rows
        self._kept = KeptRows(spark)
        self._read: dict[tuple[str, Since | None], DataFrame] = {}

    @property
    def rows(self) -> DataFrame:
        """The micro-batch's rows, of a streaming job."""
        if self._rows is None:
            raise LeadhouseError(
                f"{self.spec.name}: expected a streaming job's rows; this job is none; read its tables"
            )
        return self._rows

    def read(self, table: str, since: Since | None = None) -> DataFrame:
        """Read a table as it stood when the batch began; ``since``: only the rows from a moment on."""
        self._allowed(table, self.spec.reads, "read")
        if (table, since) not in self._read:
            self._read[table, since] = self.run.lake.read(self.spark, table, self.batch.reads[table], since)
        return self._read[table, since]

    def keep(self, rows: DataFrame, *, few: bool) -> DataFrame:
        """Compute rows once that are used more than once. ``few``: the driver can hold them."""
        return self._kept.keep(rows, few=few)

    def keep_counted(self, rows: DataFrame, *by: str, few: bool) -> tuple[DataFrame, Mapping[tuple[Any, ...], int]]:
        """Compute rows once, as ``keep`` does, and count those of each combination of some columns' values."""
        return self._kept.keep_counted(rows, *by, few=few)

    def release(self) -> None:
        """Free what was kept."""
        self._kept.release()

    def was_empty(self, table: str) -> bool:
        """Whether a table had never been written when the batch began: what needn't be joined needn't be planned."""
        return self.batch.reads[table] == 0

    def is_small(self, *tables: str) -> bool:
        """Whether tables had few rows when the batch began, so that what comes of them fits into the driver."""
        return all(self.run.lake.is_small(table, self.batch.reads[table]) for table in tables)

    def append(self, table: str, rows: DataFrame, *, few: bool = False) -> None:
        """Append rows, once however often the batch is tried. ``few``: the driver can hold and write them itself."""
        self._write(table, rows, "append", few)

    def overwrite(self, table: str, rows: DataFrame, *, few: bool = False) -> None:
        """Replace a derived table's content, once however often the batch is tried."""
        self._write(table, rows, "overwrite", few)

    def renew(self, table: str, rows: DataFrame, *, few: bool = False) -> None:
        """Replace a derived table's content, unless few rows are the same as before: nobody needs to hear of that."""
        self._write(table, rows, "renew" if few else "overwrite", few)

    def append_local(self, table: str, rows: list[dict[str, Any]], role: str = ROWS) -> None:
        """Append a few rows that the driver holds, as ``append`` does but without a Spark job."""
        self._allowed(table, self.spec.writes, "write")
        self.writes[table] = self.run.lake.append_local(
            table, rows, app_id=app_id(self.spec, table, role, self.batch), app_version=self.batch.number
        )

    def _write(self, table: str, rows: DataFrame, mode: Mode, few: bool) -> None:
        self._allowed(table, self.spec.writes, "write")
        name = app_id(self.spec, table, ROWS, self.batch)
        self.writes[table] = self.run.lake.write(
            table, rows, mode=mode, app_id=name, app_version=self.batch.number, few=few
        )

    def _allowed(self, table: str, tables: tuple[str, ...], verb: str) -> None:
        if table not in tables:
            raise LeadhouseError(
                f"{self.spec.name}: may {verb} only {', '.join(tables)}; tried {table}; name it in the job's spec"
            )

"""``leadhouse rebuild``: what a source's records say by its contract as it is now, from bronze on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses
from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.jobs.refine import LEADS
from leadhouse.jobs.refining import REFINE_READS, REFINE_WRITES, state_few, take_units, write_facts
from leadhouse.jobs.run import show_report
from leadhouse.jobs.runtime.batches import Count
from leadhouse.jobs.runtime.definitions import refine_definitions
from leadhouse.jobs.runtime.job import JobSpec, Result, Step
from leadhouse.jobs.runtime.opening import open_run
from leadhouse.jobs.runtime.runner import join_reports, run_job

_FACT_TABLES = ("silver.signals", "silver.traits", "silver.outcomes", "silver.consents", "silver.identity_links")
_SOURCE = "source"


def _step(step: Step) -> Result:
    source = step.run.lake.kept(step.batch.definitions[_SOURCE]).decode()
    accepted = step.read("silver.items").where((F.col("source") == source) & (F.col("status") == "accepted"))
    taken = step.keep(accepted.select("record_id", "item"), few=step.is_small("silver.items"))
    records = step.read("bronze.records").join(taken.select("record_id").distinct(), "record_id", "left_semi")
    # What was said stays said: facts that are there keep their ids and since when they are known.
    units = take_units(step, records, released_at=step.batch.recorded_at, alone=True)
    own = [replace(unit, accepted=unit.accepted.join(taken, ["record_id", "item"], "left_semi")) for unit in units]
    refused = {
        unit.contract.source: unit.items.where(F.size("failures") > 0)
        .join(taken, ["record_id", "item"], "left_semi")
        .count()
        for unit in units
    }
    write_facts(step, own, few=state_few(units), again=True)
    notes = tuple(
        f"{name}: {rows:,} items that had passed would be refused now; their facts stay as they are"
        for name, rows in refused.items()
        if rows
    )
    return Result(counts=tuple(_new(step, unit.contract.tenant, source) for unit in units), notes=notes)


def _new(step: Step, tenant: str, source: str) -> Count:
    """Count the facts that the batch has added, on a retry as well."""
    own = pc.field("batch") == step.batch.name
    return Count(
        tenant, source, "new facts", sum(step.run.lake.dataset(table).count_rows(filter=own) for table in _FACT_TABLES)
    )


SPEC = JobSpec(
    name="rebuild",
    goal="State what a source's records say by its contract as it is now.",
    reads=(*REFINE_READS, "silver.signals"),
    writes=REFINE_WRITES,
    guardrails=(
        "adds facts, known from now on; changes and removes none",
        "takes only records that were accepted",
    ),
    step=_step,
    follows="refine",
)


def rebuild_source(lake: Path, workspace: Path, source: str, *, console: Console) -> int:
    """State anew what all accepted records of a source say, and derive the leads anew. Returns the exit code.

    Nothing is done where the contracts are those of the last time. Raises InputError if no contract has that name.
    """
    with open_run(lake, workspace, holder="leadhouse rebuild") as run:
        names = sorted(contract.source for contract in run.contracts)
        if source not in names:
            raise InputError(f"--source: expected one of {', '.join(names)}; got {source!r}; name one of them")
        spec = replace(SPEC, definitions=lambda run: {**refine_definitions(run), _SOURCE: source.encode()})
        show_report(join_reports(SPEC.name, run_job(run, spec), run_job(run, LEADS)), console)
    return 0

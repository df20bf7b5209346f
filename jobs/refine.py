"""The refine job: bronze records to facts, behind row rules and the quality gate; then the leads as they stand."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.jobs.refining import REFINE_READS, REFINE_WRITES, refine_records, unaccounted
from leadhouse.jobs.runtime.batches import RELEASED, Count
from leadhouse.jobs.runtime.definitions import refine_definitions
from leadhouse.jobs.runtime.job import JobSpec, Result, Run, Step
from leadhouse.jobs.runtime.runner import UNCHANGED, Report, join_reports, run_job
from leadhouse.transforms import findings, identity, knowledge
from leadhouse.transforms.leads import leads

_ACCOUNTS = ("silver.items", "silver.quarantine", "ops.held")
"""Tables of which each record is in one, once refine has dealt with it."""


def _step(step: Step) -> Result:
    if step.batch.generation == 1:
        return refine_records(step, step.rows)
    # A new generation of the checkpoint reads bronze from its start.
    return refine_records(step, unaccounted(step, step.rows, _ACCOUNTS))


def _step_released(step: Step) -> Result:
    """Take the records of held batches that a person has released, and that were not taken yet."""
    key = ["tenant", "source", "batch"]
    verdicts = step.read("ops.verdicts").where(F.col("verdict") == RELEASED).select(*key).distinct()
    held = step.read("ops.held").join(verdicts, key, "left_semi").select("record_id").distinct()
    records = step.read("bronze.records").join(held, "record_id", "left_semi")
    left = unaccounted(step, records, ("silver.items", "silver.quarantine"))
    result = refine_records(step, left, released_at=step.batch.recorded_at)
    # They were counted as items when they were held: now they leave that account for another.
    moved = tuple(
        Count(count.tenant, count.source, "held", -count.rows) if count.measure == "items" else count
        for count in result.counts
        if count.measure != "held"
    )
    return replace(result, counts=moved)


def _derive(step: Step) -> Result:
    """silver.leads anew, and the findings that changed with it."""
    standing = identity.standing_identities(step.read("silver.identities"))
    few = step.is_small("silver.identities")
    current = step.keep(leads(step.read("silver.traits"), standing), few=few)
    step.overwrite("silver.leads", current, few=few)
    found = findings.contradictions(step.read("silver.outcomes"), current, standing)
    raised = knowledge.standing_findings(step.read("silver.findings"))
    few = step.is_small("silver.outcomes")
    moment = F.lit(step.batch.recorded_at)
    changes = step.keep(findings.finding_changes(found, raised, known_at=moment, batch=step.batch.name), few=few)
    changed = changes.groupBy("tenant", "status").count().collect()
    if changed:
        step.append("silver.findings", changes, few=few)
    return Result(counts=tuple(Count(row["tenant"], "findings", row["status"], row["count"]) for row in changed))


SPEC = JobSpec(
    name="refine",
    goal="Turn records into facts about leads, and refuse with a reason what breaks its contract.",
    reads=REFINE_READS,
    writes=REFINE_WRITES,
    guardrails=(
        "holds a source's batch as a whole if the gate fails",
        "never edits or drops a record: each is accepted, a duplicate, in quarantine or held",
    ),
    step=_step,
    stream="bronze.records",
    discards=REFINE_WRITES,
    definitions=refine_definitions,
)

RELEASES = JobSpec(
    name="release",
    goal="Turn held records that a person has released into facts.",
    reads=(*REFINE_READS, "ops.verdicts"),
    writes=REFINE_WRITES,
    guardrails=("takes only what a person has released, and each record once",),
    step=_step_released,
    follows="refine",
    triggers=("ops.verdicts",),
    definitions=refine_definitions,
)

LEADS = JobSpec(
    name="leads",
    goal="Say what is known about each lead now, and which facts contradict each other.",
    reads=("silver.traits", "silver.outcomes", "silver.identities", "silver.findings"),
    writes=("silver.leads", "silver.findings"),
    guardrails=("derives only; changes no fact",),
    step=_derive,
    triggers=("silver.traits", "silver.outcomes", "silver.identities"),
)


def run(run: Run) -> Report:
    """Refine all records that are new, and those that were released, then derive the leads."""
    new = run_job(run, SPEC)
    released = run_job(run, RELEASES) if run.lake.version("ops.verdicts") else Report(RELEASES.name, UNCHANGED)
    return join_reports("refine", new, released, run_job(run, LEADS))


def main(argv: Sequence[str]) -> int:
    """Run this job from the command line, with the options of ``leadhouse refine``."""
    from leadhouse.jobs import cli  # here, since the command line imports every job

    return int(cli.main(["refine", *argv]) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``leadhouse quarantine replay``: what was refused is judged again, by the contracts as they are now."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from leadhouse.jobs.refine import LEADS
from leadhouse.jobs.refining import REFINE_READS, REFINE_WRITES, refine_records
from leadhouse.jobs.run import show_report
from leadhouse.jobs.runtime.definitions import refine_definitions
from leadhouse.jobs.runtime.job import JobSpec, Result, Step
from leadhouse.jobs.runtime.opening import open_run
from leadhouse.jobs.runtime.runner import join_reports, run_job


def _step(step: Step) -> Result:
    passed = step.read("silver.items").select("record_id", "item")
    refused = step.read("silver.quarantine").join(passed, ["record_id", "item"], "left_anti")
    records = step.read("bronze.records").join(refused.select("record_id").distinct(), "record_id", "left_semi")
    return refine_records(step, records, released_at=step.batch.recorded_at, again=True)


SPEC = JobSpec(
    name="replay",
    goal="Judge again what was refused, by the contracts as they are now.",
    reads=REFINE_READS,
    writes=REFINE_WRITES,
    guardrails=(
        "takes exactly the items that pass now, each once",
        "edits no row of silver.quarantine: an item that is refused for another reason gets another row",
    ),
    step=_step,
    follows="refine",
    triggers=("silver.quarantine",),
    definitions=refine_definitions,
)


def replay_quarantine(lake: Path, workspace: Path, *, console: Console) -> int:
    """Judge again what was refused, and derive the leads anew. Returns the exit code.

    What passes is known from now on; when it happened is what it says itself. Nothing is done where neither the
    contracts nor the quarantine have changed since the last time.
    """
    with open_run(lake, workspace, holder="leadhouse quarantine replay") as run:
        show_report(join_reports("replay", run_job(run, SPEC), run_job(run, LEADS)), console)
    return 0

"""The train job: learns each tenant's model, and one of those that share, from what was known and came of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from leadhouse.expectations.outcome import outcome_of
from leadhouse.expectations.sharing import circle_of
from leadhouse.jobs.champion import champion_of, open_registry
from leadhouse.jobs.examples import NOW, examples_of
from leadhouse.jobs.feature import AS_THE_LEADS, FEATURE_READS, pinned_ticks
from leadhouse.jobs.model_health import why_train
from leadhouse.jobs.promotions import LEDGER
from leadhouse.jobs.runtime.book import COMPLETE, HELD
from leadhouse.jobs.runtime.definitions import contract_files, pinned_contracts, pinned_training, training_settings
from leadhouse.jobs.runtime.job import JobSpec, Result, Run, Step
from leadhouse.jobs.runtime.runner import UNCHANGED, Report, run_job
from leadhouse.jobs.sharing import train_together
from leadhouse.jobs.training import course_for, plan_for, train_one
from leadhouse.models.examples import Examples

_NOT_NEEDED = "nothing was trained: the champion has neither drifted nor failed, as far as is known"
_TRIGGERS = tuple(table for table in FEATURE_READS if table != "silver.consents")


def _definitions(run: Run) -> Mapping[str, bytes]:
    return {**contract_files(run), **training_settings(run)}


def _step(step: Step) -> Result:
    contracts, settings, ticks = pinned_contracts(step), pinned_training(step), pinned_ticks(step)
    circle = circle_of(contracts, settings)
    results = [Result(notes=circle.notes)]
    given: dict[str, Examples] = {}
    shared = None
    if circle.outcome is not None:
        for tenant in circle.tenants:
            given[tenant] = examples_of(step, plan_for(tenant, circle.outcome, settings), ticks)
        together, shared = train_together(step, circle, given, contracts, settings)
        results.append(together)
    for tenant in sorted({contract.tenant for contract in contracts}):
        outcome = outcome_of(tenant, contracts, settings.outcome)
        if outcome is None:
            results.append(Result(notes=(f"{tenant}: no model: no contract declares an outcome",)))
            continue
        plan = plan_for(tenant, outcome, settings)
        mine = given.pop(tenant, None)
        course = course_for(plan, examples_of(step, plan, ticks) if mine is None else mine, contracts, settings)
        results.append(train_one(step, course, shared if tenant in circle.tenants else None))
    status = HELD if any(result.status == HELD for result in results) else COMPLETE
    return Result(status=status, notes=tuple(note for result in results for note in result.notes))


SPEC = JobSpec(
    name="train",
    goal="Learn how likely leads are to convert, and say how well that is known.",
    reads=(*FEATURE_READS, NOW),
    writes=(LEDGER,),
    guardrails=(
        "learns from what was known at the moment, never later",
        "judges a model only on leads that it has not seen",
        "trains nothing from too little data or from unchanged data",
        "names features that are suspected to hold the outcome itself, and registers no model with any if it is strict",
        "learns from a tenant's rows for another only where the settings name both",
        "promotes no model that is worse than the champion, or than the reference, on leads that none has learned from",
    ),
    step=_step,
    triggers=_TRIGGERS,
    as_read_by=AS_THE_LEADS,
    definitions=_definitions,
)


def run(run: Run) -> Report:
    """Train if facts, contracts or the training settings have changed since the last time, and if the run wants it."""
    if not run.if_needed:
        return run_job(run, SPEC)
    registry, circle = open_registry(run), circle_of(run.contracts, run.workspace.settings.training)
    found = {tenant: why_train(run.lake, tenant, champion_of(registry, tenant, circle)) for tenant in run.tenants}
    reasons = tuple(f"{tenant}: training is needed: {why}" for tenant, why in found.items() if why is not None)
    if not reasons:
        return Report(SPEC.name, UNCHANGED, notes=tuple(f"{tenant}: {_NOT_NEEDED}" for tenant in found))
    report = run_job(run, SPEC)
    return replace(report, notes=(*reasons, *report.notes))


def main(argv: Sequence[str]) -> int:
    """Run this job from the command line, with the options of ``leadhouse train``."""
    from leadhouse.jobs import cli  # here, since the command line imports every job

    return int(cli.main(["train", *argv]) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

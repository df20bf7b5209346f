"""The train job: learns each tenant's model from what was known and what became of it, and registers it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pyspark.sql import DataFrame

from leadhouse.conf.settings import Training
from leadhouse.expectations.contract import Contract
from leadhouse.expectations.outcome import outcome_of
from leadhouse.expectations.traits import sensitive_features
from leadhouse.jobs.champion import keep_model, open_registry
from leadhouse.jobs.examples import NOW, example_rows, rows_by_now
from leadhouse.jobs.feature import AS_THE_LEADS, FEATURE_READS, pinned_ticks
from leadhouse.jobs.model_health import why_train
from leadhouse.jobs.promotions import LEDGER, settle
from leadhouse.jobs.runtime.batches import COMPLETE, HELD
from leadhouse.jobs.runtime.definitions import contract_files, pinned_contracts, pinned_training, training_settings
from leadhouse.jobs.runtime.faults import reach
from leadhouse.jobs.runtime.job import JobSpec, Result, Run, Step
from leadhouse.jobs.runtime.runner import UNCHANGED, Report, run_job
from leadhouse.models.examples import read_examples
from leadhouse.models.leaks.suspect import Suspect
from leadhouse.models.learn import NotEnough, Plan, Trained, learn, prepare
from leadhouse.models.package import pack
from leadhouse.models.registry import Registry, Version
from leadhouse.models.summary import summary, suspicions

_NOT_NEEDED = "nothing was trained: the champion has neither drifted nor failed, as far as is known"
_TRIGGERS = tuple(table for table in FEATURE_READS if table != "silver.consents")


def _definitions(run: Run) -> Mapping[str, bytes]:
    return {**contract_files(run), **training_settings(run)}


def _step(step: Step) -> Result:
    contracts, settings, ticks = pinned_contracts(step), pinned_training(step), pinned_ticks(step)
    results = []
    for tenant in sorted({contract.tenant for contract in contracts}):
        outcome = outcome_of(tenant, contracts, settings.outcome)
        if outcome is None:
            results.append(Result(notes=(f"{tenant}: no model: no contract declares an outcome",)))
        else:
            results.append(_train(step, plan_for(tenant, outcome, settings), settings, contracts, ticks))
    status = HELD if any(result.status == HELD for result in results) else COMPLETE
    return Result(status=status, notes=tuple(note for result in results for note in result.notes))


def plan_for(tenant: str, outcome: str, settings: Training) -> Plan:
    """Return what a tenant's settings for training ask for."""
    return Plan(
        tenant=tenant,
        outcome=outcome,
        horizon_days=settings.horizon_days,
        test_share=settings.test_share,
        folds=settings.folds,
        min_positives=settings.min_positives,
        min_negatives=settings.min_negatives,
        seed=settings.seed,
        slice_traits=settings.slice_traits,
        ages_days=tuple(sorted(set(settings.ages_days))),
    )


def _train(step: Step, plan: Plan, settings: Training, contracts: tuple[Contract, ...], ticks: DataFrame) -> Result:
    tenant = plan.tenant
    by_now = None if step.was_empty(NOW) else rows_by_now(step.read(NOW), tenant)
    examples = read_examples(example_rows(step, plan, settings.ages_days, ticks), by_now)
    del by_now  # a million leads' maps are gigabytes
    data = prepare(examples, plan)
    if isinstance(data, NotEnough):
        return Result(notes=(f"{tenant}: not enough data: {data.reason}; no new model",))
    registry = open_registry(step.run)
    newest = registry.newest(tenant)
    same = newest is not None and newest.training_key == data.key
    if newest is not None and same and newest.was_judged:
        return Result(notes=(f"{newest.label}: the training data are unchanged; nothing was trained",))
    trained = learn(data, plan, sensitive_features(contracts, tenant))
    if settings.strict and (held := _uncleared(trained, settings)):
        return Result(status=HELD, notes=(_held(tenant, held), *suspicions(trained)))
    version = newest if newest is not None and same else _register(step, registry, trained, tenant)
    return Result(notes=(*summary(version.label, trained), settle(step, registry, version, data, plan, trained)))


def _uncleared(trained: Trained, settings: Training) -> list[Suspect]:
    return [suspect for suspect in trained.suspects if set(suspect.features) - set(settings.cleared)]


def _held(tenant: str, suspects: Sequence[Suspect]) -> str:
    features = ", ".join(suspect.feature for suspect in suspects)
    return (
        f"{tenant}: strict: the new model is not registered, since it may know the outcome beforehand, by {features}; "
        "the champion, if there is one, goes on scoring; mend the contract, or name what is honest in training.cleared"
    )


def _register(step: Step, registry: Registry, trained: Trained, tenant: str) -> Version:
    keep_model(step.run.lake, pack(trained.model))
    tags = {f"version {table}": str(version) for table, version in step.batch.reads.items()}
    version = registry.register(trained, tenant=tenant, tags={**tags, "batch": step.batch.name})
    reach("train:after-register")
    return version


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
    registry = open_registry(run)
    found = {tenant: why_train(run.lake, registry, tenant) for tenant in run.tenants}
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

"""One model learned, by a tenant or by tenants that share: from examples to a registered version with its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leadhouse.conf.settings import Training
from leadhouse.expectations.contract import Contract
from leadhouse.expectations.traits import sensitive_features
from leadhouse.jobs.champion import keep_model, open_registry
from leadhouse.jobs.promotions import settle
from leadhouse.jobs.runtime.book import HELD
from leadhouse.jobs.runtime.definitions import pinned_contracts
from leadhouse.jobs.runtime.faults import reach
from leadhouse.jobs.runtime.job import Result, Step
from leadhouse.models.examples import Examples
from leadhouse.models.leaks.suspect import Suspect
from leadhouse.models.learn import NotEnough, Plan, Prepared, Trained, learn, prepare
from leadhouse.models.package import pack
from leadhouse.models.registry import Registry
from leadhouse.models.summary import summary, suspicions
from leadhouse.models.takeover import Shared
from leadhouse.models.version import Version


@dataclass(frozen=True)
class Course:
    """What one model is learned from, and by which rules."""

    plan: Plan
    data: Prepared | NotEnough
    sensitive: frozenset[str]
    """Features that a contract declares as such although they are sensitive."""
    settings: Training
    tenants: tuple[str, ...] = ()
    """Whose rows a shared model learns from; empty: the plan's tenant's."""


def plan_for(tenant: str, outcome: str, settings: Training) -> Plan:
    """Return what a tenant's model, or a circle's, is to foretell, and how it is judged."""
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


def course_for(plan: Plan, examples: Examples, contracts: Sequence[Contract], settings: Training) -> Course:
    """Return what a tenant's model is learned from: its own examples, and nobody else's."""
    return Course(plan, prepare(examples, plan), sensitive_features(contracts, plan.tenant), settings)


def train_one(step: Step, course: Course, shared: Shared | None = None) -> Result:
    """Learn a model, register it and let it be judged, unless there is too little to learn from, or nothing new.

    For a step that may write LEDGER. ``shared``: what scores the tenant as long as it has no champion of its own.
    """
    plan, data, tenant = course.plan, course.data, course.plan.tenant
    if isinstance(data, NotEnough):
        return Result(notes=(f"{tenant}: not enough data: {data.reason}; no new model",))
    registry = open_registry(step.run)
    newest = registry.newest(tenant)
    same = newest is not None and newest.training_key == data.key
    if newest is not None and same and _is_settled(registry, newest, tenant, shared):
        return Result(notes=(f"{newest.label}: the training data are unchanged; nothing was trained",))
    trained = learn(data, plan, course.sensitive)
    if course.settings.strict and (held := _uncleared(trained, course.settings)):
        return Result(status=HELD, notes=(_held(tenant, held), *suspicions(trained)))
    version = newest if newest is not None and same else _register(step, registry, trained, course)
    verdict = settle(step, registry, version, data, plan, trained, shared)
    return Result(notes=(*summary(version.label, trained), verdict))


def _is_settled(registry: Registry, newest: Version, tenant: str, shared: Shared | None) -> bool:
    """Whether a version was judged, and would be judged beside the same again.

    One that was refused beside a shared model is to be looked at anew when the tenant shares no more, or with others.
    """
    beside = "" if shared is None else shared.plan.tenant
    return newest.was_judged and (newest.beside == beside or registry.champion(tenant) is not None)


def _uncleared(trained: Trained, settings: Training) -> list[Suspect]:
    return [suspect for suspect in trained.suspects if set(suspect.features) - set(settings.cleared)]


def _held(tenant: str, suspects: Sequence[Suspect]) -> str:
    features = ", ".join(suspect.feature for suspect in suspects)
    return (
        f"{tenant}: strict: the new model is not registered, since it may know the outcome beforehand, by {features}; "
        "the champion, if there is one, goes on scoring; mend the contract, or name what is honest in training.cleared"
    )


def _register(step: Step, registry: Registry, trained: Trained, course: Course) -> Version:
    keep_model(step.run.lake, pack(trained.model))
    tags = {f"version {table}": str(version) for table, version in step.batch.reads.items()}
    whose = {"tenants": ", ".join(course.tenants)} if course.tenants else {}
    tags |= whose | _contracts(step, course) | {"batch": step.batch.name}
    version = registry.register(trained, tenant=course.plan.tenant, tags=tags)
    reach("train:after-register")
    return version


def _contracts(step: Step, course: Course) -> dict[str, str]:
    """Version and hash of each contract by which the model's examples became facts."""
    owners = course.tenants or (course.plan.tenant,)
    return {
        f"contract {contract.tenant}/{contract.source}": f"{contract.version}, SHA-256 {contract.content_hash}"
        for contract in pinned_contracts(step)
        if contract.tenant in owners
    }

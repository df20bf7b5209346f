"""The model that tenants learn together, and what it means for each one's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from leadhouse.conf.settings import Training
from leadhouse.expectations.contract import Contract
from leadhouse.expectations.sharing import Circle
from leadhouse.expectations.traits import sensitive_features
from leadhouse.jobs.champion import model_of, open_registry
from leadhouse.jobs.runtime.job import Result, Step
from leadhouse.jobs.training import Course, plan_of, train_one
from leadhouse.models.challenge import is_about
from leadhouse.models.examples import Examples
from leadhouse.models.learn import NotEnough, prepare
from leadhouse.models.pool import pool
from leadhouse.models.takeover import Shared


def train_together(
    step: Step, circle: Circle, given: Mapping[str, Examples], contracts: Sequence[Contract], settings: Training
) -> tuple[Result, Shared | None]:
    """Learn the circle's model from what its tenants have given, ``given``, and let it be judged as any other.

    Returns what was done, and what a tenant's own model is held against; None as long as there is no shared champion.
    """
    if circle.outcome is None:
        return Result(), None
    together, plan = pool(given), plan_of(circle.name, circle.outcome, settings)
    data = prepare(together.examples, plan)
    sensitive = frozenset[str]().union(*(sensitive_features(contracts, tenant) for tenant in together.places))
    result = train_one(step, Course(plan, data, sensitive, settings, circle.tenants))
    left_out = tuple(f"{tenant}: gives nothing: its examples have no times" for tenant in together.left_out)
    result = replace(result, notes=(*left_out, *result.notes))
    registry = open_registry(step.run)
    champion = registry.champion(circle.name)
    if champion is None or isinstance(data, NotEnough) or not is_about(model_of(step.run, registry, champion), plan):
        return result, None
    return result, Shared(data, plan, together.places, champion.label)

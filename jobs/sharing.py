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
from leadhouse.jobs.training import Course, plan_for, train_one
from leadhouse.models.challenge import is_about
from leadhouse.models.examples import Examples
from leadhouse.models.learn import NotEnough, prepare
from leadhouse.models.pool import Pool, pool
from leadhouse.models.takeover import Shared


def course_of(
    circle: Circle, given: Mapping[str, Examples], contracts: Sequence[Contract], settings: Training
) -> tuple[Course, Pool]:
    """Return what the circle's model is learned from: what its tenants have given, ``given``, and nobody else.

    Raises ValueError where nothing is shared.
    """
    if circle.outcome is None:
        raise ValueError("expected a circle of tenants; got one of none")
    together, plan = pool(given), plan_for(circle.name, circle.outcome, settings)
    sensitive = frozenset[str]().union(*(sensitive_features(contracts, tenant) for tenant in together.places))
    return Course(plan, prepare(together.examples, plan), sensitive, settings, circle.tenants), together


def train_together(
    step: Step, circle: Circle, given: Mapping[str, Examples], contracts: Sequence[Contract], settings: Training
) -> tuple[Result, Shared | None]:
    """Learn the circle's model and let it be judged as any other.

    Returns what was done, and what a tenant's own model is held against; None as long as there is no shared champion.
    """
    course, together = course_of(circle, given, contracts, settings)
    result = train_one(step, course)
    left_out = tuple(f"{tenant}: gives nothing: its examples have no times" for tenant in together.left_out)
    result = replace(result, notes=(*left_out, *result.notes))
    registry, plan, data = open_registry(step.run), course.plan, course.data
    champion = registry.champion(circle.name)
    if champion is None or isinstance(data, NotEnough) or not is_about(model_of(step.run, registry, champion), plan):
        return result, None
    return result, Shared(data, plan, together.places, champion.label)

"""``leadhouse models rebuild``: learn a version again from the facts as they were known, and compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from leadhouse.conf.errors import InputError, LeadhouseError
from leadhouse.expectations.outcome import outcome_of
from leadhouse.expectations.sharing import circle_of
from leadhouse.jobs import feature, train
from leadhouse.jobs.as_known import StepAsKnown
from leadhouse.jobs.champion import model_of, open_registry
from leadhouse.jobs.examples import example_rows, rows_by_now
from leadhouse.jobs.feature import feature_frame, pinned_ticks
from leadhouse.jobs.runtime.batches import Batch, find_intent
from leadhouse.jobs.runtime.book import COMPLETE, book_rows
from leadhouse.jobs.runtime.definitions import pinned_contracts, pinned_training
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.sharing import course_of
from leadhouse.jobs.training import Course, course_for, plan_for
from leadhouse.models.examples import Examples, read_examples
from leadhouse.models.learn import NotEnough, Prepared, learn
from leadhouse.models.model import LeadModel
from leadhouse.models.package import model_hash, pack
from leadhouse.models.registry import Registry
from leadhouse.models.version import Version
from leadhouse.transforms.moments import scoring_moments

TOLERANCE = 1e-6
"""By so much a score may differ on another machine: sums of floats depend on the order of the threads."""
_COMPARED = ("examples", "leads_won", "leads_lost", "xgboost")


@dataclass(frozen=True)
class Rebuilt:
    """What came out when a version was learned again."""

    label: str
    same_bytes: bool
    difference: float
    """The greatest one of a score, of the examples that were learned from."""
    changed: tuple[str, ...]
    """What is not as it was: ``examples 900 then, 880 now``."""

    @property
    def holds(self) -> bool:
        """Whether the version is what its facts, contracts and settings make of it."""
        return self.same_bytes or self.difference <= TOLERANCE

    @property
    def words(self) -> str:
        """The finding, as a line for the person who asked."""
        if self.same_bytes:
            return f"{self.label} is reproduced: the same bytes"
        changed = "; ".join(self.changed) or "examples and software are the same"
        if self.holds:
            return f"{self.label} is reproduced: no score differs by more than {self.difference:.1e}; {changed}"
        return (
            f"{self.label}: expected the scores that it gave; they differ by up to {self.difference:.3g}; {changed}; "
            "see whether 'leadhouse maintain' or a person has removed facts since, or another release trained it"
        )


def rebuild_model(run: Run, label: str) -> Rebuilt:
    """Learn a registered version again from the facts as they were known when it was trained; nothing is written.

    Contracts and settings are those of its batch's intent, kept in the lake. Raises InputError if there is no such
    version; LeadhouseError if the lake doesn't know the batch that trained it, or if its facts don't suffice any more.
    """
    registry = open_registry(run)
    tenant, version = _find(run, registry, label)
    step = StepAsKnown(run, train.SPEC, _batch(run, registry, version))
    try:
        course = _course(step, tenant, label)
    finally:
        step.release()
    if isinstance(course.data, NotEnough):
        raise _gone(label, course.data.reason)
    anew = learn(course.data, course.plan, course.sensitive).model
    return _compared(label, version, model_of(run, registry, version), anew, course.data)


def _course(step: StepAsKnown, tenant: str, label: str) -> Course:
    """What the batch learned a tenant's model from, or a circle's."""
    contracts, settings, ticks = pinned_contracts(step), pinned_training(step), pinned_ticks(step)

    def given(owner: str, outcome: str) -> Examples:
        rows = example_rows(step, plan_for(owner, outcome, settings), ticks)
        return read_examples(rows, _by_then(step.run, step.batch, owner))

    circle = circle_of(contracts, settings)
    if circle.outcome is not None and tenant == circle.name:
        each = {member: given(member, circle.outcome) for member in circle.tenants}
        return course_of(circle, each, contracts, settings)[0]
    outcome = outcome_of(tenant, contracts, settings.outcome)
    if outcome is None:
        raise _gone(label, "no contract of then declares an outcome")
    return course_for(plan_for(tenant, outcome, settings), given(tenant, outcome), contracts, settings)


def _find(run: Run, registry: Registry, label: str) -> tuple[str, Version]:
    owners = (*run.tenants, circle_of(run.contracts, run.workspace.settings.training).name)
    found = {version.label: (owner, version) for owner in owners for version in registry.versions(owner)}
    if label not in found:
        have = ", ".join(found) or "none"
        raise InputError(f"models: expected a version, of which there are {have}; got {label!r}; see 'models list'")
    return found[label]


def _batch(run: Run, registry: Registry, version: Version) -> Batch:
    name = registry.batch_of(version)
    job, generation, number = name.split("/") if name and name.count("/") == 2 else ("", "0", "0")
    batch = find_intent(run.lake, job, int(generation), int(number)) if job == train.SPEC.name else None
    if batch is None:
        raise LeadhouseError(
            f"{version.label}: expected the batch that trained it, {name or 'which its tags should name'}, in this "
            "lake's ops.batches; it is not there; ask the lake in which the version was trained"
        )
    return batch


def _by_then(run: Run, trained: Batch, tenant: str) -> pa.Table | None:
    """What gold.lead_features held when the training began: what its last batch before made of what it knew."""
    ended = {row["batch"] for row in book_rows(run.lake) if row["kind"] == "outcome" and row["status"] == COMPLETE}
    before = [
        row
        for row in book_rows(run.lake)
        if row["job"] == feature.SPEC.name and row["kind"] == "intent" and row["recorded_at"] <= trained.recorded_at
    ]
    before = [row for row in before if row["batch"] in ended]
    if not before:
        return None
    last = max(before, key=lambda row: (row["generation"], row["number"], row["recorded_at"]))
    batch = find_intent(run.lake, last["job"], last["generation"], last["number"])
    assert batch is not None, "its intent was just read"
    step = StepAsKnown(run, feature.SPEC, batch)
    try:
        ticks = pinned_ticks(step)
        return rows_by_now(feature_frame(step, scoring_moments(step.read("silver.leads"), ticks), ticks), tenant)
    finally:
        step.release()


def _compared(label: str, version: Version, then: LeadModel, now: LeadModel, data: Prepared) -> Rebuilt:
    if model_hash(pack(now)) == version.model_hash:
        return Rebuilt(label, True, 0.0, ())
    scores = [model.predict(data.examples.rows) for model in (then, now)]
    difference = float(np.abs(np.subtract(*scores)).max())
    return Rebuilt(label, False, difference, _changed(then.card, now.card))


def _changed(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"{name.replace('_', ' ')} {then.get(name, 'unknown')} then, {now[name]} now"
        for name in _COMPARED
        if then.get(name) != now[name]
    )


def _gone(label: str, why: str) -> LeadhouseError:
    return LeadhouseError(
        f"{label}: expected what it was learned from; {why}; see whether 'leadhouse maintain' or a person has removed "
        "facts since it was trained"
    )

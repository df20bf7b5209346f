"""The ledger of promotions: which version became champion, which was refused, which was taken back, and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow.compute as pc

from leadhouse.jobs.champion import model_of
from leadhouse.jobs.runtime.faults import reach
from leadhouse.jobs.runtime.job import Step
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.rows import python_rows
from leadhouse.models.card import Promotion
from leadhouse.models.challenge import challenge
from leadhouse.models.health import FAILED, Health
from leadhouse.models.learn import Trained
from leadhouse.models.plan import Plan, Prepared
from leadhouse.models.promotion import Criterion, Judgement
from leadhouse.models.registry import Registry
from leadhouse.models.takeover import Shared, take_over
from leadhouse.models.version import Version

LEDGER = "ops.promotions"
PROMOTED, REFUSED, ROLLED_BACK = "promoted", "refused", "rolled back"
BY_JOB, BY_WATCH = "the train job", "the watch job"

Row = Mapping[str, Any]


def settle(
    step: Step,
    registry: Registry,
    version: Version,
    data: Prepared,
    plan: Plan,
    trained: Trained,
    shared: Shared | None = None,
) -> str:
    """Judge a new version, write the verdict down with its evidence, and act on it. Return it in a line.

    For a step that may write LEDGER. ``shared`` is what the tenant and others teach together, if a shared model scores
    those that have none of their own. A batch that is tried again goes by the verdict that it has written.
    """
    row = _written(step, plan.tenant) or _judged(step, registry, version, data, plan, trained, shared)
    reach("train:after-verdict")
    why = str(row["reason"])
    if row["verdict"] == PROMOTED:
        registry.promote(version)
        if row["is_reference"]:
            registry.refer_to(version)
        registry.write_card(version, Promotion(BY_JOB, row["decided_at"].isoformat(timespec="seconds"), why))
    else:
        registry.refuse(version, why, beside="" if shared is None else shared.plan.tenant)
    return f"{version.label} {why}"


def take_back(
    step: Step,
    registry: Registry,
    tenant: str,
    label: str,
    *,
    found: Health,
    reason: str,
    failed: Collection[str],
    shared: Version | None = None,
) -> str:
    """Make the last healthy champion before a failed one champion again. Return what was done in a line.

    For a step that may write LEDGER. ``label`` names the champion that failed, ``found`` and ``reason`` say how, and
    ``failed`` names the versions that failed, too. Without a champion before that did not, ``shared`` scores, the
    champion of the tenants with whom this one shares; without that the present one stays: a person decides. A batch
    that is tried again goes by what it has written; and a word that came later holds.
    """
    versions = {version.label: version for version in registry.versions(tenant)}
    if shared is not None and shared.label not in failed:
        versions[shared.label] = shared
    row = _written(step, tenant)
    if row is None:
        champion, rows = registry.champion(tenant), ledger_rows(step.run.lake, tenant)
        if champion is None or champion.label != label:
            return f"{label} {reason}; it is champion no more"
        before = [name for name in champions_before(rows) if name in versions and name not in failed]
        if not before and shared is not None and shared.label in versions:
            before = [shared.label]
        if not before:
            return f"{label} {reason}; no champion before it is known to be better: it stays until a person decides"
        row = _taken_back(step, tenant, versions[before[-1]], champion, found, f"{label} {reason}")
        step.append_local(LEDGER, [row], role=f"rows of {tenant}")
    reach("watch:after-verdict")
    version = versions.get(str(row["model_version"]))
    if version is None:
        return f"{label} {reason}; {row['model_version']} is shared no more: it stays until a person decides"
    if ledger_rows(step.run.lake, tenant)[-1]["batch"] == step.batch.name:
        moment = row["decided_at"].isoformat(timespec="seconds")
        put_back(registry, version, versions[label], Promotion(BY_WATCH, moment, str(row["reason"])))
    return f"{version.label} scores again: {row['reason']}"


def put_back(registry: Registry, version: Version, replaced: Version, by: Promotion) -> None:
    """Let a version score again in the place of a tenant's champion: one of the tenant's own, or the shared one."""
    if version.owner == replaced.owner:
        registry.promote(version)
        registry.write_card(version, by)
    else:
        registry.dismiss(replaced, by.why, beside=version.owner)


def ledger_rows(place: Place, tenant: str | None = None) -> list[Row]:
    """Return the ledger's rows, of one tenant or of all, oldest first."""
    if not place.exists(LEDGER):
        return []
    table = place.dataset(LEDGER).to_table(filter=None if tenant is None else pc.field("tenant") == tenant)
    return sorted(
        (row for batch in table.to_batches() for row in python_rows(batch)), key=lambda row: row["decided_at"]
    )


def champions_before(rows: Sequence[Row]) -> list[str]:
    """Return the labels of the champions that a rollback would return to, the next one last.

    ``rows`` are a tenant's, oldest first: what was promoted lies on top of what it replaced, and a rollback takes away
    what lies above the version that it returned to: all of it, where that is a shared model.
    """
    stack: list[str] = []
    for row in rows:
        label = str(row["model_version"])
        if row["verdict"] == PROMOTED:
            stack += [label]
        elif row["verdict"] == ROLLED_BACK:
            while stack and stack[-1] != label:
                stack.pop()
    return stack[:-1]


def _judged(
    step: Step,
    registry: Registry,
    version: Version,
    data: Prepared,
    plan: Plan,
    trained: Trained,
    shared: Shared | None,
) -> dict[str, Any]:
    champion, reference = registry.champion(plan.tenant), registry.reference(plan.tenant)
    models = [None if found is None else model_of(step.run, registry, found) for found in (champion, reference)]
    verdict = challenge(data, plan, trained, *models)
    before = None if champion is None else champion.label
    if champion is None and shared is not None:
        before = shared.label
        verdict = take_over(data, plan, shared) if verdict.promoted else verdict
    best = verdict.promoted and (reference is None or verdict.better_than_reference)
    row = _row(step, version, before, verdict, best)
    step.append_local(LEDGER, [row], role=f"rows of {plan.tenant}")
    return row


def _row(step: Step, version: Version, before: str | None, verdict: Judgement, is_reference: bool) -> dict[str, Any]:
    return {
        "tenant": version.owner,
        "model_version": version.label,
        "decided_at": step.batch.recorded_at,
        "verdict": PROMOTED if verdict.promoted else REFUSED,
        "model_hash": version.model_hash,
        "replaced": before if verdict.promoted else None,
        "reason": verdict.words,
        "person": None,
        "examples": verdict.examples,
        "leads": verdict.leads,
        "won": verdict.won,
        "criteria": [asdict(criterion) for criterion in verdict.criteria],
        "is_reference": is_reference,
        "batch": step.batch.name,
    }


def _taken_back(
    step: Step, tenant: str, version: Version, champion: Version, found: Health, reason: str
) -> dict[str, Any]:
    evidence = [
        Criterion(one.kind, one.verdict != FAILED, one.figure, one.low, one.high, one.expected, one.words)
        for one in found.findings
    ]
    return {
        "tenant": tenant,
        "model_version": version.label,
        "decided_at": step.batch.recorded_at,
        "verdict": ROLLED_BACK,
        "model_hash": version.model_hash,
        "replaced": champion.label,
        "reason": reason,
        "person": None,
        "examples": found.examples,
        "leads": found.leads,
        "won": found.won,
        "criteria": [asdict(criterion) for criterion in evidence],
        "is_reference": False,
        "batch": step.batch.name,
    }


def _written(step: Step, tenant: str) -> Row | None:
    """What this batch has written about a tenant, when it was tried before."""
    return next((row for row in ledger_rows(step.run.lake, tenant) if row["batch"] == step.batch.name), None)

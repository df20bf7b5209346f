"""The decide job: for each lead the next action at the tick, or why none."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.conf.settings import Decisions
from leadhouse.expectations.lists import parse_lists
from leadhouse.expectations.mapping import CONTACT_NAMESPACE
from leadhouse.jobs.explaining import explained, new_cost, told_cost
from leadhouse.jobs.runtime.definitions import contract_files, pinned_contracts, pinned_files
from leadhouse.jobs.runtime.faults import reach
from leadhouse.jobs.runtime.job import JobSpec, Result, Run, Step
from leadhouse.jobs.runtime.kept_rows import driver_rows
from leadhouse.jobs.runtime.lake import Since
from leadhouse.jobs.runtime.runner import Report, run_job
from leadhouse.transforms import decisions as made
from leadhouse.transforms import ticks
from leadhouse.transforms.cases import incumbents, lead_cases, won_leads
from leadhouse.transforms.consent import contact_keys, standing_consents
from leadhouse.transforms.engagement import engagement_lists
from leadhouse.transforms.enrolment import new_enrolments, stored_arms
from leadhouse.transforms.freshness import last_received, stale_lists, without_stale
from leadhouse.transforms.lists import ListSpec

_SETTINGS = "settings/decisions"
_TALLIED = ("action", "list", "reason", "stands")


def _definitions(run: Run) -> Mapping[str, bytes]:
    """The lists, the policies, the contracts (they type the traits) and the settings that decide."""
    workspace = run.workspace
    decisions = workspace.settings.decisions
    if not run.follows:  # who runs the jobs by hand wants them ranked
        decisions = replace(decisions, rank_minutes=0)
    settings = {"decisions": asdict(decisions), "outcome": workspace.settings.training.outcome}
    return {
        **contract_files(run),
        **{f"lists/{path.name}": path.read_bytes() for path in workspace.list_files},
        **{f"policies/{path.name}": path.read_bytes() for path in workspace.policy_files},
        _SETTINGS: json.dumps(settings, sort_keys=True).encode(),
    }


def pinned_lists(step: Step) -> tuple[ListSpec, ...]:
    """Return the lists as the batch's intent has them, whatever the files say by now."""
    return parse_lists(pinned_files(step, "lists/"), pinned_contracts(step))


def _pinned_settings(step: Step) -> tuple[Decisions, str | None]:
    """How decisions are made, and the outcome's name, as the batch's intent has them."""
    stored = json.loads(step.run.lake.kept(step.batch.definitions[_SETTINGS]))
    return Decisions(**stored["decisions"]), stored["outcome"]


def _step(step: Step) -> Result:
    lists, definitions_hash = pinned_lists(step), _definitions_hash(step.batch.definitions)
    moments, told = _moments(step, definitions_hash)
    ledger = step.read("gold.decisions", _today(told))
    kept = incumbents(ledger, step.read("silver.identities"), moments)
    cases = _on_fresh_inputs(step, _cases(step, moments, kept, lists), lists)
    few = step.is_small("gold.lead_scores")
    placed = step.keep(made.place_leads(cases, made.places_used(kept), lists=lists), few=few)
    standing = step.keep(ticks.standing_decisions(ledger, moments), few=few)
    decided = ticks.marked_decisions(made.decide(placed, moments, standing, lists=lists), standing)
    marked, tally = step.keep_counted(decided, *_TALLIED, few=few)
    decisions = ticks.unchanged_decisions(standing, marked)
    spent: tuple[str, ...] = ()
    if any(not stands for *_, stands in tally):
        changed, cost = ticks.changed_decisions(marked), new_cost(step.spark)
        models = [entry["model_hash"] for entry in told if entry["model_hash"] is not None]
        complete = made.complete_decisions(
            changed,
            explained(step, changed.where(F.col("action") == made.ENGAGE), models, cost),
            definitions_hash=definitions_hash,
            batch=step.batch.name,
        )
        new = step.keep(complete, few=few)
        decisions = decisions.unionByName(new)
        step.append("gold.decisions", made.new_decisions(new, ledger), few=few)
        spent = told_cost(cost)
        reach("decide:after-decisions")
    step.append("gold.enrolments", new_enrolments(placed, batch=step.batch.name), few=few)
    if not all(entry["between"] for entry in told):
        recorded = ticks.new_ticks(moments, definitions_hash=definitions_hash, batch=step.batch.name)
        step.append("gold.ticks", recorded, few=True)
    step.renew("gold.engagement_lists", engagement_lists(decisions), few=few)
    return Result(notes=(*_notes(step, tally, lists), *spent))


def _moments(step: Step, definitions_hash: str) -> tuple[DataFrame, list[dict[str, Any]]]:
    """Return the result of ``decision_moments``, a row for each tenant, and the same rows as the driver holds them."""
    moments = ticks.decision_moments(
        ticks.scored_moments(step.read("gold.lead_scores")),
        ticks.last_ticks(step.read("gold.ticks")),
        definitions_hash=definitions_hash,
        rank_minutes=_pinned_settings(step)[0].rank_minutes,
    )
    found = moments.toArrow()
    return driver_rows(step.spark, found, moments.schema), found.to_pylist()


def _today(moments: Sequence[Mapping[str, Any]]) -> Since | None:
    """From when on the ledger is of interest: places are counted by the UTC day, and no ranking stands for longer."""
    days = [moment["as_of"].astimezone(UTC) for moment in moments]
    return ("tick", min(days).replace(hour=0, minute=0, second=0, microsecond=0)) if days else None


def _cases(step: Step, moments: DataFrame, kept: DataFrame, lists: tuple[ListSpec, ...]) -> DataFrame:
    run = step.run
    decisions, outcome = _pinned_settings(step)
    leads, identities = step.read("silver.leads"), step.read("silver.identities")
    spaces = {
        field.namespace
        for contract in pinned_contracts(step)
        for role in ("email", "phone")
        for field in contract.fields_with(role)
    }
    namespaces = sorted({CONTACT_NAMESPACE, *(space for space in spaces if space)})
    contacts = contact_keys(leads, identities, keys=run.keys, namespaces=namespaces)
    return lead_cases(
        step.read("gold.lead_scores"),
        step.read("gold.lead_features"),
        leads,
        consents=standing_consents(step.read("silver.consents"), contacts, moments, lists=lists),
        won=won_leads(step.read("silver.outcomes"), identities, moments, outcome=outcome),
        arms=stored_arms(step.read("gold.enrolments"), identities),
        incumbents=kept,
        lists=lists,
        salt=decisions.hold_out_salt,
    )


def _on_fresh_inputs(step: Step, cases: DataFrame, lists: tuple[ListSpec, ...]) -> DataFrame:
    """Let no list take a lead where its inputs are older, as the batch begins, than the list allows."""
    if all(spec.max_input_age_hours is None for spec in lists):
        return cases
    contracts = pinned_contracts(step)
    inputs = tuple((entry.tenant, entry.source) for entry in contracts if entry.freshness_hours is not None)
    received = last_received(step.read("ops.batches"))
    stale = stale_lists(received, lists=lists, inputs=inputs, now=step.batch.recorded_at)
    return without_stale(cases, stale, lists=lists)


def _definitions_hash(definitions: Mapping[str, str]) -> str:
    """One hash over all lists and policies in force."""
    in_force = {name: digest for name, digest in definitions.items() if name.startswith(("lists/", "policies/"))}
    return hashlib.sha256(json.dumps(in_force, sort_keys=True).encode()).hexdigest()


def _notes(step: Step, tally: Mapping[tuple[Any, ...], int], lists: tuple[ListSpec, ...]) -> tuple[str, ...]:
    """How many leads each list engages, and why the others are on none, from the decisions' tally by _TALLIED."""
    engaged, reasons = Counter[str](), Counter[str]()
    for (action, listed, reason, _), count in tally.items():
        if action == made.ENGAGE:
            engaged[listed] += count
        else:
            reasons[reason] += count
    none = sorted(((count, reason) for reason, count in reasons.items()), reverse=True)
    notes = [f"{spec.name}: {engaged[spec.name]:,} engaged" for spec in lists]
    notes += [f"none: {count:,} {reason}" for count, reason in none]
    if policies := len(step.run.workspace.policy_files):
        notes.append(f"policies/: {policies} files are kept but not applied by this version")
    return tuple(notes)


SPEC = JobSpec(
    name="decide",
    goal="Choose the next action for each lead at its tenant's tick, or say why there is none.",
    reads=(
        "gold.lead_scores",
        "gold.lead_features",
        "gold.decisions",
        "gold.enrolments",
        "gold.ticks",
        "gold.engagement_lists",
        "silver.leads",
        "silver.identities",
        "silver.consents",
        "silver.outcomes",
        "ops.batches",
    ),
    writes=("gold.decisions", "gold.enrolments", "gold.ticks", "gold.engagement_lists"),
    guardrails=(
        "engages nobody without consent or a declared legal basis for the list's channel and purpose",
        "engages nobody who is deleted, was won already or is held out for comparison",
        "engages nobody on inputs that are older than the list allows",
        "engages no more leads of a list in a UTC day than its capacity",
        "runs no expression that is not on the allow-list",
    ),
    step=_step,
    triggers=("gold.lead_scores", "gold.lead_features", "silver.consents", "silver.outcomes", "silver.leads"),
    as_read_by={"gold.lead_features": "score"},
    definitions=_definitions,
)


def run(run: Run) -> Report:
    """Decide if scores, consents, outcomes, leads, lists or settings have changed since the last time."""
    return run_job(run, SPEC)


def main(argv: Sequence[str]) -> int:
    """Run this job from the command line, with the options of ``leadhouse decide``."""
    from leadhouse.jobs import cli  # here, since the command line imports every job

    return int(cli.main(["decide", *argv]) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

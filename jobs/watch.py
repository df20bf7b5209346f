"""The watch job: does each champion still meet what it learned from, and keep its promise? If not, what follows."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.expectations.sharing import circle_of
from leadhouse.jobs.champion import champion_definitions, open_registry, pinned_champions
from leadhouse.jobs.feature import AS_THE_LEADS, FEATURE_READS
from leadhouse.jobs.measuring import measured_drift, measured_health
from leadhouse.jobs.model_health import TABLE, verdicts
from leadhouse.jobs.promotions import LEDGER, champions_before, ledger_rows, take_back
from leadhouse.jobs.runtime.batches import unfinished
from leadhouse.jobs.runtime.definitions import contract_files
from leadhouse.jobs.runtime.job import JobSpec, Result, Run, Step
from leadhouse.jobs.runtime.kept_rows import driver_rows
from leadhouse.jobs.runtime.rows import python_rows
from leadhouse.jobs.runtime.runner import UNCHANGED, Report, run_job
from leadhouse.jobs.watching import WATCH_READS, facts_of
from leadhouse.models.health import FAILED
from leadhouse.models.package import card_of
from leadhouse.models.registry import Registry
from leadhouse.models.scoring import Champion
from leadhouse.models.version import Version, model_name
from leadhouse.models.watching import Watched, health_words

_STAYS = "a shared model stays until a person decides: promote the tenant's own, or take it out of training.share"

Cards = Sequence[tuple[Watched, Mapping[str, Any]]]


def _definitions(run: Run) -> Mapping[str, bytes]:
    return {**contract_files(run), **champion_definitions(run)}


def _step(step: Step) -> Result:
    moments = [F.max(name).alias(name) for name in ("as_of", "known")]
    newest = step.read("gold.lead_features").groupBy("tenant").agg(*moments)
    found = newest.toArrow().sort_by("tenant")
    ticks = driver_rows(step.spark, found, newest.schema)
    champions = pinned_champions(step)
    notes = [
        note
        for batch in found.to_batches()
        for tick in python_rows(batch)
        if tick["tenant"] in champions
        for note in _watch(step, champions[tick["tenant"]], tick, ticks)
    ]
    return Result(notes=tuple(notes))


def _watch(step: Step, champion: Champion, tick: Mapping[str, Any], ticks: DataFrame) -> list[str]:
    """Look at one tenant's champion, write down what was found, and act on it."""
    tenant, label, model = str(tick["tenant"]), champion.version, champion.model()
    before = verdicts(step.run.lake, tenant, step.batch.reads[TABLE])
    mine = [row for row in before if row["model_version"] == label]
    # Leads come to an age at midnight: until the next one there is nothing to see.
    if model.card["timed"] and any(row["as_of"].date() >= tick["as_of"].date() for row in mine):
        return []
    facts = facts_of(step, tenant, model.card, tick, ticks)
    watched = Watched(tenant, label, champion.model_hash, tick["as_of"], step.batch.recorded_at, step.batch.name)
    registry = open_registry(step.run)
    own = label.rpartition("/")[0] == model_name(tenant)
    drift, notes = measured_drift(facts, model, watched, mine) if own else ([], [_no_drift(label, tenant)])
    shared = _shared(step.run, registry, tenant)
    cards = [(watched, model.card), *_others(step, registry, watched, model.card, shared)]
    health, found = measured_health(facts, cards, before)
    step.append_local(TABLE, [*drift, *health], role=f"rows of {tenant}")
    if label not in found:
        return notes
    words = health_words(found[label])
    if found[label].verdict != FAILED:
        return [*notes, f"{label}: {found[label].verdict}: {words}"]
    if not own:
        return [*notes, f"{label} {words} for {tenant}; {_STAYS}"]
    failed = {name for name, one in found.items() if one.verdict == FAILED}
    done = take_back(step, registry, tenant, label, found=found[label], reason=words, failed=failed, shared=shared)
    return [*notes, done]


def _no_drift(label: str, tenant: str) -> str:
    """Drift of one tenant's leads from those of all: they differ from the first day on, and that is no drift."""
    return f"{label}: drift of {tenant}'s leads is not watched, since it learned from other tenants' leads, too"


def _shared(run: Run, registry: Registry, tenant: str) -> Version | None:
    """The champion that scores a tenant's leads where it has none of its own."""
    circle = circle_of(run.contracts, run.workspace.settings.training)
    return registry.champion(circle.name) if tenant in circle.tenants else None


def _others(step: Step, registry: Registry, watched: Watched, card: Mapping[str, Any], shared: Version | None) -> Cards:
    """The champions before, and the shared one, so far as they foretell the same: a rollback must not return to one
    that fails, too."""
    before = champions_before(ledger_rows(step.run.lake, watched.tenant))
    others = [version for version in registry.versions(watched.tenant) if version.label in before]
    found: list[tuple[Watched, Mapping[str, Any]]] = []
    for version in (*others, *(() if shared is None else (shared,))):
        if version.label != watched.model_version:
            theirs = card_of(step.run.lake.kept, version.model_hash)
            if all(theirs[name] == card[name] for name in ("outcome", "horizon_days")):
                found.append((replace(watched, model_version=version.label, model_hash=version.model_hash), theirs))
    return found


SPEC = JobSpec(
    name="watch",
    goal="Say whether leads still look as in training, and whether scores came true; take back a model that fails.",
    reads=(*FEATURE_READS, "gold.lead_features", *WATCH_READS, TABLE),
    writes=(TABLE, LEDGER),
    guardrails=(
        "compares leads at the ages that the model learned from, by what was known then",
        "judges a score only when its horizon has passed",
        "takes a model back only for what is beyond noise, and only to one that has not failed",
    ),
    step=_step,
    triggers=("gold.lead_features",),
    as_read_by=AS_THE_LEADS,
    definitions=_definitions,
)


def run(run: Run) -> Report:
    """Watch the champions, if leads, contracts or a champion have changed since the last time and there is one."""
    if not unfinished(run.lake, SPEC.name) and not champion_definitions(run):
        return Report(SPEC.name, UNCHANGED)
    return run_job(run, SPEC)


def main(argv: Sequence[str]) -> int:
    """Run this job from the command line, with the options of ``leadhouse watch``."""
    from leadhouse.jobs import cli  # here, since the command line imports every job

    return int(cli.main(["watch", *argv]) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

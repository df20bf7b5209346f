"""The score job: applies each tenant's champion to every lead's features."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
from pyspark.sql.types import StringType, StructType, TimestampType

from leadhouse.jobs.champion import champion_definitions, pinned_champions, standing_champions
from leadhouse.jobs.runtime.job import JobSpec, Result, Run, Step
from leadhouse.jobs.runtime.kept_rows import driver_rows
from leadhouse.jobs.runtime.lake import Since
from leadhouse.jobs.runtime.runner import Report, run_job
from leadhouse.models.scoring import SCORE_COLUMNS, SCORE_SCHEMA, scorer
from leadhouse.transforms.scores import lead_scores
from leadhouse.transforms.ticks import earlier_ticks

_MOMENTS = StructType().add("tenant", StringType()).add("as_of", TimestampType())


def _step(step: Step) -> Result:
    champions = pinned_champions(step)
    features = step.read("gold.lead_features")
    scored = features.select(*SCORE_COLUMNS).mapInArrow(scorer(champions), SCORE_SCHEMA)
    ticks = earlier_ticks(step.read("gold.ticks"), features.select("tenant", "as_of").distinct()).toArrow()
    moments = driver_rows(step.spark, ticks.select(["tenant", "as_of"]), _MOMENTS)
    scores = lead_scores(scored, step.read("gold.decisions", _last_ranked(ticks)), moments)
    step.overwrite("gold.lead_scores", scores, few=step.is_small("gold.lead_features"))
    without = sorted(set(ticks["tenant"].to_pylist()) - set(champions))
    notes = [f"{tenant}: scored by {champion.version}" for tenant, champion in sorted(champions.items())]
    return Result(notes=(*notes, *(f"{tenant}: no model; leads are marked not enough data" for tenant in without)))


def _last_ranked(ticks: pa.Table) -> Since | None:
    """From when on the ledger has a decision about every lead: since the last tick before each tenant's moment."""
    last = ticks["tick"].to_pylist()
    return ("tick", min(last)) if last and None not in last else None


SPEC = JobSpec(
    name="score",
    goal="Say how likely each lead is to convert, by its tenant's champion.",
    reads=("gold.lead_features", "gold.decisions", "gold.ticks"),
    writes=("gold.lead_scores",),
    guardrails=(
        "never scores a batch by a mixture of models",
        "refuses a model whose files are not what their hashes say",
        "gives no score where there is no model",
        "goes on with the last champion while the registry doesn't answer",
    ),
    step=_step,
    triggers=("gold.lead_features",),
    definitions=champion_definitions,
)


def run(run: Run) -> Report:
    """Score if features or a champion have changed since the last time; by the last champion as long as the registry
    doesn't answer."""
    champions, missing = standing_champions(run, SPEC.name)
    report = run_job(run, replace(SPEC, definitions=lambda run: champions))
    return report if missing is None else replace(report, notes=(*report.notes, missing))


def main(argv: Sequence[str]) -> int:
    """Run this job from the command line, with the options of ``leadhouse score``."""
    from leadhouse.jobs import cli  # here, since the command line imports every job

    return int(cli.main(["score", *argv]) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The feature job: what was known about each lead at its tenant's tick, never later."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from pyspark.sql import DataFrame

from leadhouse.expectations.traits import trait_kinds
from leadhouse.jobs.runtime.definitions import contract_files, pinned_contracts
from leadhouse.jobs.runtime.job import JobSpec, Result, Run, Step
from leadhouse.jobs.runtime.runner import Report, run_job
from leadhouse.transforms import knowledge
from leadhouse.transforms.features import lead_features
from leadhouse.transforms.moments import scoring_moments

FACT_TABLES = ("silver.signals", "silver.traits", "silver.outcomes", "silver.consents")
FEATURE_READS = (*FACT_TABLES, "silver.identities", "silver.findings", "silver.leads")
"""What a job must be allowed to read to call ``pinned_ticks`` and ``feature_frame``."""
AS_THE_LEADS = dict.fromkeys(("silver.traits", "silver.outcomes", "silver.identities"), "leads")
"""The leads are derived a moment after the facts that they come from."""


def pinned_ticks(step: Step) -> DataFrame:
    """Return each tenant's tick (tenant, as_of, known), for a step that may read FEATURE_READS.

    They come as a few rows that the driver holds: every use would read the fact tables again otherwise.
    """
    ticks = knowledge.tick_moments(
        [step.read(table) for table in FACT_TABLES],
        [step.read("silver.identities"), step.read("silver.findings")],
        now=step.batch.recorded_at,
        as_of=step.batch.as_of,
    )
    return step.spark.createDataFrame(ticks.toArrow())


def feature_frame(step: Step, moments: DataFrame, ticks: DataFrame) -> DataFrame:
    """Return the features of moments (tenant, lead_id, as_of, known), wired to the lake.

    ``ticks`` says as of when the moments' leads were named and which facts were found contradictory by then; a moment's
    own (as_of, known) cuts the facts. The step's definitions must include ``contract_files``: they type the traits.
    Columns: those of gold.lead_features.
    """
    standing = knowledge.standing_findings(knowledge.known_by(step.read("silver.findings"), ticks))

    def facts(table: str, fact_id: str) -> DataFrame:
        return knowledge.standing_facts(step.read(table), standing, fact_table=table, fact_id=fact_id)

    return lead_features(
        moments,
        signals=facts("silver.signals", "signal_id"),
        traits=facts("silver.traits", "trait_id"),
        identities=knowledge.known_by(step.read("silver.identities"), ticks),
        kinds=trait_kinds(pinned_contracts(step)),
    )


def _step(step: Step) -> Result:
    ticks = pinned_ticks(step)
    moments = scoring_moments(step.read("silver.leads"), ticks)
    step.overwrite("gold.lead_features", feature_frame(step, moments, ticks), few=step.is_small("silver.leads"))
    return Result()


SPEC = JobSpec(
    name="feature",
    goal="Say what was known about each lead at its tenant's tick.",
    reads=FEATURE_READS,
    writes=("gold.lead_features",),
    guardrails=(
        "uses no fact that occurred after as_of or was known after known",
        "uses no trait that is personal, sensitive or known later",
        "uses no fact that a standing finding contradicts",
    ),
    step=_step,
    triggers=FEATURE_READS,
    as_read_by=AS_THE_LEADS,
    definitions=contract_files,
)


def run(run: Run) -> Report:
    """Compute gold.lead_features anew if a fact, a lead, a contract or the asked moment has changed."""
    return run_job(run, SPEC)


def main(argv: Sequence[str]) -> int:
    """Run this job from the command line, with the options of ``leadhouse feature``."""
    from leadhouse.jobs import cli  # here, since the command line imports every job

    return int(cli.main(["feature", *argv]) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

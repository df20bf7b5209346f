"""The examples that a model learns from, wired to the lake: leads at moments, what was known, what came of it."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.jobs.feature import feature_frame
from leadhouse.jobs.runtime.job import Step
from leadhouse.models.examples import Examples, read_examples
from leadhouse.models.learn import Plan
from leadhouse.transforms.feature_names import trait_feature
from leadhouse.transforms.moments import sources_of_leads, training_examples

NOW = "gold.lead_features"
"""What is known of each lead by now."""
FEW_AGES = 10
"""The examples of few leads at so many ages are few, too."""


def examples_of(step: Step, plan: Plan, ticks: DataFrame) -> Examples:
    """Return the examples of the plan's tenant, and of nobody else.

    For a step that may read FEATURE_READS and NOW. ``ticks`` come from ``pinned_ticks``.
    """
    by_now = None if step.was_empty(NOW) else rows_by_now(step.read(NOW), plan.tenant)
    return read_examples(example_rows(step, plan, ticks), by_now)


def example_rows(step: Step, plan: Plan, ticks: DataFrame) -> pa.Table:
    """Return the examples of the plan's tenant with their features, on the driver, as ``read_examples`` takes them.

    For a step that may read FEATURE_READS. ``ticks`` come from ``pinned_ticks``.
    """
    ages_days = plan.ages_days

    def own(table: str) -> DataFrame:
        return step.read(table).where(F.col("tenant") == plan.tenant)

    examples = training_examples(
        own("silver.leads"),
        own("silver.outcomes"),
        own("silver.identities"),
        own("silver.findings"),
        outcome=plan.outcome,
        ages_days=ages_days,
        horizon_days=plan.horizon_days,
        ticks=ticks,
    )
    kept = step.keep(examples, few=step.is_small("silver.leads") and len(ages_days) <= FEW_AGES)
    moment = ["tenant", "lead_id", "as_of", "known"]
    features = feature_frame(step, kept.select(*moment), ticks)
    sources = sources_of_leads(own("silver.traits"), own("silver.identities"), ticks)
    return (
        kept.join(features, moment)
        .join(sources, ["tenant", "lead_id"], "left")
        .select("lead_id", "as_of", "label", "timed", "numbers", "categories", "source")
        .toArrow()
    )


def rows_by_now(features: DataFrame, tenant: str) -> pa.Table:
    """Return what is known of a tenant's leads by now, as ``read_examples`` takes it: their traits only, which is what
    an outcome can change. ``features`` has the columns of gold.lead_features."""
    traits = [
        F.map_filter(name, lambda key, _: key.startswith(trait_feature(""))).alias(name)
        for name in ("numbers", "categories")
    ]
    return features.where(F.col("tenant") == tenant).select("lead_id", "as_of", *traits).toArrow()

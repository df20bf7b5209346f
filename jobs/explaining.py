"""Reasons for the scores of who is listed, and of nobody else: TreeSHAP is the slowest thing that Leadhouse does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.jobs.runtime.job import Step
from leadhouse.models.explain import explain
from leadhouse.models.model import LeadModel
from leadhouse.models.package import load
from leadhouse.transforms.decisions import REASONS

_SCHEMA = f"tenant string, lead_id string, reasons {REASONS}"


def explained(step: Step, engaged: DataFrame, models: Iterable[str]) -> DataFrame:
    """Return tenant, lead_id and reasons of leads (tenant, lead_id), each by the model that scored it.

    For a step that may read gold.lead_scores and gold.lead_features; ``models``: the hashes of all that have scored.
    Leads without a score have no row.
    """
    scored = step.read("gold.lead_scores").where(F.col("model_hash").isNotNull())
    listed = (
        engaged.select("tenant", "lead_id")
        .join(scored.select("tenant", "lead_id", "model_hash"), ["tenant", "lead_id"])
        .join(step.read("gold.lead_features"), ["tenant", "lead_id"])
        .select("tenant", "lead_id", "numbers", "categories", "model_hash")
    )
    parts = [
        _explained_by(load(step.run.lake.kept, digest), listed.where(F.col("model_hash") == digest))
        for digest in sorted(set(models))
    ]
    return reduce(DataFrame.unionByName, parts) if parts else step.spark.createDataFrame([], _SCHEMA)


def _explained_by(model: LeadModel, rows: DataFrame) -> DataFrame:
    def reasons(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            columns = [batch["tenant"], batch["lead_id"], explain(model, batch)]
            yield pa.RecordBatch.from_arrays(columns, names=["tenant", "lead_id", "reasons"])

    return rows.drop("model_hash").mapInArrow(reasons, _SCHEMA)

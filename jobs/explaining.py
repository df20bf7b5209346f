"""Reasons for the scores of who is listed, and of nobody else: TreeSHAP is the slowest thing that Leadhouse does."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from functools import reduce

import pyarrow as pa
from pyspark.accumulators import Accumulator, AccumulatorParam
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.jobs.runtime.job import Step
from leadhouse.models.explain import explain
from leadhouse.models.markdown import many
from leadhouse.models.model import LeadModel
from leadhouse.models.package import load
from leadhouse.transforms.decisions import REASONS

_SCHEMA = f"tenant string, lead_id string, reasons {REASONS}"


class _Cost(AccumulatorParam[tuple[int, float]]):
    """Leads, and the seconds that all workers together took for them."""

    def zero(self, value: tuple[int, float]) -> tuple[int, float]:
        return 0, 0.0

    def addInPlace(self, value1: tuple[int, float], value2: tuple[int, float]) -> tuple[int, float]:  # noqa: N802
        return value1[0] + value2[0], value1[1] + value2[1]


def new_cost(spark: SparkSession) -> Accumulator[tuple[int, float]]:
    """Return what ``explained`` adds up its cost in, on whatever worker: it is known once its rows were computed."""
    return spark.sparkContext.accumulator((0, 0.0), _Cost())


def told_cost(cost: Accumulator[tuple[int, float]]) -> tuple[str, ...]:
    """Return the line that says what explaining has cost; none if nobody was explained.

    For the person at the terminal: seconds never come out equal again, and go nowhere else.
    """
    leads, seconds = cost.value
    return (f"explained {many(leads, 'lead')} in {seconds:.1f} s of the workers' time",) if leads else ()


def explained(step: Step, engaged: DataFrame, models: Iterable[str], cost: Accumulator[tuple[int, float]]) -> DataFrame:
    """Return tenant, lead_id and reasons of leads (tenant, lead_id), each by the model that scored it.

    For a step that may read gold.lead_scores and gold.lead_features; ``models``: the hashes of all that have scored.
    Leads without a score have no row. ``cost``: of ``new_cost``.
    """
    scored = step.read("gold.lead_scores").where(F.col("model_hash").isNotNull())
    listed = (
        engaged.select("tenant", "lead_id")
        .join(scored.select("tenant", "lead_id", "model_hash"), ["tenant", "lead_id"])
        .join(step.read("gold.lead_features"), ["tenant", "lead_id"])
        .select("tenant", "lead_id", "numbers", "categories", "model_hash")
    )
    parts = [
        _explained_by(load(step.run.lake.kept, digest), listed.where(F.col("model_hash") == digest), cost)
        for digest in sorted(set(models))
    ]
    return reduce(DataFrame.unionByName, parts) if parts else step.spark.createDataFrame([], _SCHEMA)


def _explained_by(model: LeadModel, rows: DataFrame, cost: Accumulator[tuple[int, float]]) -> DataFrame:
    def reasons(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            begun = time.perf_counter()
            columns = [batch["tenant"], batch["lead_id"], explain(model, batch)]
            cost.add((batch.num_rows, time.perf_counter() - begun))
            yield pa.RecordBatch.from_arrays(columns, names=["tenant", "lead_id", "reasons"])

    return rows.drop("model_hash").mapInArrow(reasons, _SCHEMA)

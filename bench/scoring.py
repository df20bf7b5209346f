"""Scoring a table of features: by the score job, by a bare Spark job with plain XGBoost, and without Spark."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xgboost as xgb
from deltalake import write_deltalake
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.bench.model import EXAMPLES, crown, train
from leadhouse.bench.training_rows import map_array
from leadhouse.bench.workload import TENANT
from leadhouse.conf.errors import LeadhouseError
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.models.learn import Trained
from leadhouse.models.matrix import Floats
from leadhouse.transforms.hashing import content_hash

NUMBERS, CATEGORIES = 36, 4
FILLED = 0.6
"""Share of the features that a lead has: an absent count is not in the map."""
_CHUNK = 50_000
_AS_OF = datetime(2024, 6, 30, tzinfo=UTC)
_LEVELS = np.array(["DE", "FR", "US", "NL", "GB"])
_SCHEMA = pa.schema(
    [
        ("tenant", pa.string()),
        ("lead_id", pa.string()),
        ("as_of", pa.timestamp("us", "UTC")),
        ("known", pa.timestamp("us", "UTC")),
        ("numbers", pa.map_(pa.string(), pa.float64())),
        ("categories", pa.map_(pa.string(), pa.string())),
        ("content_hash", pa.string()),
    ]
)
_SCORED = "tenant string, lead_id string, as_of timestamp, known timestamp, probability double"
_HASHED = (
    *("tenant", "lead_id", "as_of", "status", "probability", "grade", "trend", "model_hash"),
    *("probability_low", "probability_high"),
)


def number_names() -> list[str]:
    """Return the names of the numeric features, like those that the feature job makes."""
    counts = [f"count_{days}d:type:kind_{kind}" for kind in range(8) for days in (1, 7, 30, 90)]
    return [*counts, "intensity", "days_since", "days_between", "campaigns"]


def fill(run: Run, rows: int, seed: int) -> xgb.Booster:
    """Fill gold.lead_features, make a model of 200 trees its tenant's champion, and return the model's trees."""
    table = run.lake.table_path("gold.lead_features")
    reader = pa.RecordBatchReader.from_batches(_SCHEMA, _features(rows, seed))
    write_deltalake(table, reader, mode="append")
    trained = _trained(seed)
    crown(run, trained)
    return trained.model.fitted.booster


def check(lake: Lake, rows: int) -> None:
    """Raise LeadhouseError unless all rows have a score."""
    scored = lake.open("gold.lead_scores").to_pyarrow_dataset().to_table(columns=["probability"])["probability"]
    if len(scored) - scored.null_count != rows:
        raise LeadhouseError(
            f"bench: expected {rows} scores; got {len(scored) - scored.null_count}; look at jobs/score.py"
        )


def score_floor(spark: SparkSession, features: Lake, lake: Lake, trees: bytes) -> None:
    """Read the features, score them by plain XGBoost in ``mapInArrow``, and write the columns of gold.lead_scores.

    Leaves out: who is champion, the check of the model's hash, calibration and interval, the join with earlier
    decisions (trend), and the book-keeping of a batch.
    """
    read = features.read(spark, "gold.lead_features").select(
        "tenant", "lead_id", "as_of", "known", "numbers", "categories"
    )
    scored = read.mapInArrow(_bare_scorer(trees), _SCORED).select(
        "*",
        F.lit("scored").alias("status"),
        F.when(F.col("probability") > 0.5, "A").otherwise("D").alias("grade"),
        F.lit(None).cast("double").alias("trend"),
        F.lit("bare/1").alias("model_version"),
        F.lit("0" * 64).alias("model_hash"),
        F.col("probability").alias("probability_low"),
        F.col("probability").alias("probability_high"),
    )
    ended = scored.withColumn("content_hash", content_hash({name: F.col(name) for name in _HASHED}))
    columns = [F.col(column.name) for column in table_specs()["gold.lead_scores"].columns]
    ended.select(*columns).write.format("delta").mode("overwrite").save(lake.table_path("gold.lead_scores"))


def score_peer(features: Lake, folder: Path, trees: bytes) -> None:
    """Read the features by delta-rs, score them by plain XGBoost on all cores, and write the scores by delta-rs."""
    booster = xgb.Booster()
    booster.load_model(bytearray(trees))
    data = features.open("gold.lead_features").to_pyarrow_dataset()
    for batch in data.to_batches(
        columns=["tenant", "lead_id", "as_of", "known", "numbers", "categories"], batch_size=_CHUNK
    ):
        if batch.num_rows:
            write_deltalake(str(folder), pa.Table.from_batches([_scored(batch, booster)]), mode="append")


def _bare_scorer(trees: bytes) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def score(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        booster = xgb.Booster({"nthread": 1})
        booster.load_model(bytearray(trees))
        for batch in batches:
            yield _scored(batch, booster)

    return score


def _scored(batch: pa.RecordBatch, booster: xgb.Booster) -> pa.RecordBatch:
    chance = booster.inplace_predict(_matrix(batch)).astype(np.float64)
    kept = {name: batch.column(name) for name in ("tenant", "lead_id", "as_of", "known")}
    return pa.RecordBatch.from_pydict({**kept, "probability": pa.array(chance)})


def _matrix(batch: pa.RecordBatch) -> Floats:
    """The maps as a matrix whose columns are the sorted names, as the model was trained; levels as their places."""
    names = sorted([*number_names(), *_category_names()])
    matrix = np.full((batch.num_rows, len(names)), np.nan, dtype=np.float32)
    matrix[:, [place for place, name in enumerate(names) if name.startswith(("count", "intensity", "campaigns"))]] = 0
    for column in ("numbers", "categories"):
        maps = batch.column(column)
        offsets = maps.offsets.to_numpy()
        rows = np.repeat(np.arange(batch.num_rows), np.diff(offsets))
        keys = pc.index_in(maps.keys.slice(offsets[0], len(rows)), pa.array(names)).to_numpy(zero_copy_only=False)
        values = maps.items.slice(offsets[0], len(rows))
        if column == "categories":
            values = pc.index_in(values, pa.array(sorted(_LEVELS.tolist())))
        matrix[rows, keys] = values.to_numpy(zero_copy_only=False)
    return matrix


def _category_names() -> list[str]:
    return [f"trait:category_{place}" for place in range(CATEGORIES)]


def _features(rows: int, seed: int) -> Iterator[pa.RecordBatch]:
    for number, start in enumerate(range(0, rows, _CHUNK)):
        draw = np.random.default_rng((seed, number))
        count = min(_CHUNK, rows - start)
        ids = [hashlib.sha256(b"%d" % lead).hexdigest()[:32] for lead in range(start, start + count)]
        moments = pa.array([_AS_OF] * count, pa.timestamp("us", "UTC"))
        numbers, categories = _maps(draw, count)
        columns = [
            pa.repeat(TENANT, count),
            pa.array(ids),
            moments,
            moments,
            numbers,
            categories,
            pa.repeat("0" * 64, count),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)


def _maps(draw: np.random.Generator, count: int) -> tuple[pa.MapArray, pa.MapArray]:
    numbers, filled = draw.gamma(1.5, 4, (count, NUMBERS)).round(3), draw.random((count, NUMBERS)) < FILLED
    levels, said = draw.choice(_LEVELS, (count, CATEGORIES)), draw.random((count, CATEGORIES)) < FILLED
    return map_array(number_names(), numbers, filled), map_array(_category_names(), levels, said)


@cache
def _trained(seed: int) -> Trained:
    numbers, categories = _maps(np.random.default_rng((seed, 1_000_003)), EXAMPLES)
    return train(numbers, categories, seed)

"""The bench's model: 200 trees, learned from a few leads' features and made-up outcomes; no part of what is timed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from leadhouse.bench.workload import TENANT
from leadhouse.conf.errors import LeadhouseError
from leadhouse.jobs.champion import keep_model, open_registry
from leadhouse.jobs.runtime.job import Run
from leadhouse.models.examples import read_examples
from leadhouse.models.fit import Params, fit
from leadhouse.models.learn import NotEnough, Plan, Trained, learn, prepare
from leadhouse.models.package import pack

TREES, EXAMPLES = 200, 5_000
_FEW = 2
"""A small workload has few leads, too."""
_AS_OF = datetime(2024, 6, 30, tzinfo=UTC)


def train(numbers: pa.MapArray, categories: pa.MapArray, seed: int) -> Trained:
    """Learn from leads' features, as gold.lead_features has them, a model with its evidence, of exactly 200 trees."""
    count = len(numbers)
    draw = np.random.default_rng((seed, 1_000_033))
    first = np.array([dict(entry).get("days_since", 0.0) for entry in numbers.to_pylist()])
    table = pa.table(
        {
            "lead_id": [f"lead{place:07}" for place in range(count)],
            "as_of": pa.array([_AS_OF] * count, pa.timestamp("us", "UTC")),
            "label": draw.random(count) < 1 / (1 + np.exp(2 - first / 8)),
            "timed": [False] * count,
            "numbers": numbers,
            "categories": categories,
        }
    )
    plan = Plan(TENANT, "won", 30, folds=2, min_positives=_FEW, min_negatives=_FEW, seed=seed)
    prepared = prepare(read_examples(table), plan)
    if isinstance(prepared, NotEnough):
        raise LeadhouseError(f"bench: expected a model; got none: {prepared.reason}; change bench/model.py")
    learned = learn(prepared, plan)
    examples, params = prepared.examples, Params(seed=seed, max_depth=6)
    fitted = fit(prepared.matrix, examples.labels, examples.leads, prepared.learned.spec, params, TREES)
    return replace(learned, model=replace(learned.model, fitted=fitted))


def train_on_lake(run: Run, seed: int) -> Trained:
    """Learn from the features of the lake's first leads."""
    features = (
        run.lake.open("gold.lead_features").to_pyarrow_dataset().head(EXAMPLES, columns=["numbers", "categories"])
    )
    return train(features["numbers"].combine_chunks(), features["categories"].combine_chunks(), seed)


def crown(run: Run, trained: Trained) -> None:
    """Make a model its tenant's champion."""
    registry = open_registry(run)
    registry.promote(registry.register(trained, tenant=TENANT, tags={}))
    keep_model(run.lake, pack(trained.model))

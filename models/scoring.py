"""Scoring Arrow batches, as Spark's workers do it: one model per tenant, never a mixture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leadhouse.models.evaluate import Probabilities
from leadhouse.models.model import LeadModel
from leadhouse.models.package import Files, unpack

SCORED, NOT_ENOUGH = "scored", "not enough data"
SCORE_COLUMNS = ("tenant", "lead_id", "as_of", "known", "numbers", "categories")
"""What scoring reads of gold.lead_features."""
SCORE_SCHEMA = (
    "tenant string, lead_id string, as_of timestamp, known timestamp, status string, probability double, "
    "probability_low double, probability_high double, grade string, model_version string, model_hash string"
)

Batches = Iterable[pa.RecordBatch]


@dataclass(frozen=True)
class Champion:
    """A tenant's champion as it travels to the workers: bytes, whose hash is checked again where they are read."""

    version: str
    """Name and number in the registry, e.g. ``leadhouse-acme/3``."""
    model_hash: str
    files: Files

    def model(self) -> LeadModel:
        """Return the model. Raises LeadhouseError if its files are not what their hashes say."""
        return unpack(self.files, self.model_hash)


def scorer(champions: Mapping[str, Champion]) -> Callable[[Batches], Iterator[pa.RecordBatch]]:
    """Return a function for ``mapInArrow``: batches with SCORE_COLUMNS in, with SCORE_SCHEMA out.

    A lead whose tenant has no champion gets the status ``not enough data`` and no probability. ``probability_low`` and
    ``probability_high`` are null there, and where the champion is a model of before there were intervals.
    """

    def score(batches: Batches) -> Iterator[pa.RecordBatch]:
        models = {tenant: champion.model() for tenant, champion in champions.items()}
        for batch in batches:
            for tenant, part in _by_tenant(batch):
                yield _score(part, champions.get(tenant), models.get(tenant))

    return score


def _by_tenant(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    tenants = pc.unique(batch.column("tenant")).to_pylist()
    for tenant in tenants:
        mine = batch if len(tenants) == 1 else batch.filter(pc.equal(batch.column("tenant"), tenant))
        yield tenant, mine


def _score(batch: pa.RecordBatch, champion: Champion | None, model: LeadModel | None) -> pa.RecordBatch:
    count = batch.num_rows
    if champion is None or model is None:
        found = {
            "status": pa.repeat(NOT_ENOUGH, count),
            "probability": pa.nulls(count, pa.float64()),
            **_interval(count, None),
            "grade": pa.nulls(count, pa.string()),
            "model_version": pa.nulls(count, pa.string()),
            "model_hash": pa.nulls(count, pa.string()),
        }
    else:
        probabilities, interval = model.predict_interval(batch)
        found = {
            "status": pa.repeat(SCORED, count),
            "probability": pa.array(np.asarray(probabilities), pa.float64()),
            **_interval(count, interval),
            "grade": pa.array(model.grade(probabilities), pa.string()),
            "model_version": pa.repeat(champion.version, count),
            "model_hash": pa.repeat(champion.model_hash, count),
        }
    kept = {name: batch.column(name) for name in ("tenant", "lead_id", "as_of", "known")}
    return pa.RecordBatch.from_pydict({**kept, **found})


def _interval(count: int, found: tuple[Probabilities, Probabilities] | None) -> dict[str, pa.Array]:
    """The two columns around the probability; null where there is no interval."""
    low, high = (None, None) if found is None else found
    return {
        name: pa.nulls(count, pa.float64()) if values is None else pa.array(values, pa.float64())
        for name, values in (("probability_low", low), ("probability_high", high))
    }

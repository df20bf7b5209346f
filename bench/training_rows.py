"""Examples to learn from, generated: 60 features, numbers and categories with gaps, and outcomes that hang on some."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

COUNTS, TRAITS, CATEGORIES = 32, 16, 12
FEATURES = COUNTS + TRAITS + CATEGORIES
FILLED = 0.7
"""Share of the features that a lead has: an absent count is 0, anything else is missing."""
_CHUNK = 50_000
_LEVELS = (4, 5, 8, 12, 20, 50)
"""How many levels the categories have, in turn."""
_FIRST, _DAYS = datetime(2024, 1, 1, tzinfo=UTC), 365
_TYPES, _WINDOWS = 8, (1, 7, 30, 90)


def number_names() -> list[str]:
    """Return the names of the numbers, like those that the feature job makes."""
    counts = [f"count_{days}d:type:kind_{kind}" for kind in range(_TYPES) for days in _WINDOWS]
    return [*counts, "days_since", "age_days", *(f"trait:number_{place}" for place in range(TRAITS - 2))]


def category_names() -> list[str]:
    """Return the names of the categories."""
    return ["trait:country", *(f"trait:category_{place}" for place in range(CATEGORIES - 1))]


def training_rows(leads: int, seed: int) -> pa.Table:
    """Return an example of each of so many leads, over a year, as the train job hands them to ``read_examples``."""
    parts = [_part(start, min(_CHUNK, leads - start), leads, seed) for start in range(0, leads, _CHUNK)]
    return pa.Table.from_batches(parts)


def map_array(names: Sequence[str], values: npt.NDArray[Any], present: npt.NDArray[np.bool_]) -> pa.MapArray:
    """Return maps with the values (rows × names) that are present."""
    offsets = np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int32)
    keys = pa.array(np.array(names)).take(pa.array(np.nonzero(present)[1]))
    return pa.MapArray.from_arrays(offsets, keys, pa.array(values[present]))


def _part(start: int, count: int, leads: int, seed: int) -> pa.RecordBatch:
    draw = np.random.default_rng((seed, start))
    counts = draw.poisson(np.exp(draw.normal(0, 1, (count, 1))), (count, COUNTS)).astype(np.float64)
    traits = draw.gamma(1.5, 20, (count, TRAITS)).round(2)
    many = [_LEVELS[place % len(_LEVELS)] for place in range(CATEGORIES)]
    levels = (draw.random((count, CATEGORIES)) ** 2 * many).astype(np.int64)  # the first ones are frequent
    said, known = draw.random((count, COUNTS + TRAITS)) < FILLED, draw.random((count, CATEGORIES)) < FILLED
    odds = (
        -3.0
        + 0.25 * (counts * said[:, :COUNTS])[:, :_TYPES].sum(axis=1) ** 0.7
        - 0.02 * traits[:, 0]
        + 0.3 * (levels[:, 0] == 1)
        + 0.4 * known[:, 3] * (levels[:, 3] % 3 == 1)
    )
    moments = _FIRST.timestamp() + (start + np.arange(count)) * (timedelta(days=_DAYS).total_seconds() / leads)
    columns = {
        "lead_id": pa.array([f"lead{place:08d}" for place in range(start, start + count)]),
        "as_of": pa.array((moments * 1e6).astype(np.int64), pa.timestamp("us", "UTC")),
        "label": pa.array(draw.random(count) < 1 / (1 + np.exp(-odds))),
        "timed": pa.repeat(True, count),
        "numbers": map_array(number_names(), np.hstack([counts, traits]), said),
        "categories": map_array(category_names(), np.array([f"level {n}" for n in range(max(many))])[levels], known),
    }
    return pa.RecordBatch.from_pydict(columns)

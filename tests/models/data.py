"""Synthetic leads with a known propensity, and Arrow tables for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

NUMBERS, CATEGORIES = pa.map_(pa.string(), pa.float64()), pa.map_(pa.string(), pa.string())
DAY = 86_400_000_000


def rows(*entries: tuple[dict[str, Any] | None, dict[str, Any] | None]) -> pa.Table:
    """A table of feature rows from (numbers, categories) pairs."""
    return pa.table(
        {
            "numbers": pa.array([None if n is None else list(n.items()) for n, _ in entries], NUMBERS),
            "categories": pa.array([None if c is None else list(c.items()) for _, c in entries], CATEGORIES),
        }
    )


def synthetic(leads: int, seed: int = 0, *, timed: bool = True) -> tuple[pa.Table, npt.NDArray[np.float64]]:
    """Examples of leads whose chance to win is known, in the shape that read_examples takes, and those chances."""
    draw = np.random.default_rng(seed)
    views, days = draw.poisson(3, leads), draw.exponential(20, leads)
    country = draw.choice(["DE", "FR", "US"], leads, p=[0.5, 0.3, 0.2])
    absent = draw.random(leads) < 0.2
    odds = -2.5 + 0.5 * views - 0.03 * np.where(absent, 40, days) + 0.9 * (country == "US") + 0.6 * (country == "FR")
    chance = 1 / (1 + np.exp(-odds))
    numbers = [
        ([("count_7d:type:page_view", float(v))] if v else []) + ([] if gone else [("days_since", float(d))])
        for v, d, gone in zip(views, days, absent, strict=True)
    ]
    table = pa.table(
        {
            "lead_id": [f"lead{place:07d}" for place in draw.permutation(leads)],
            "as_of": pa.array(np.arange(leads) * DAY // 50, pa.timestamp("us", tz="UTC")),
            "label": draw.random(leads) < chance,
            "timed": [timed] * leads,
            "numbers": pa.array(numbers, NUMBERS),
            "categories": pa.array([[("trait:country", c)] for c in country], CATEGORIES),
        }
    )
    return table, chance

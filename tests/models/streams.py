"""Streams of leads with sixty features, as they were in training or drifted, and models of known worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leadhouse.models.matrix import CATEGORY, COUNT, FLAG, NUMBER, Feature, FeatureSpec
from tests.models.data import CATEGORIES, NUMBERS

RATE = 0.113
"""Share of leads that win where nothing has drifted."""
COUNTRIES, SOURCES = ("AT", "DE", "FR", "US"), tuple(f"source{n:02d}" for n in range(40))
SPEC = FeatureSpec(
    (
        *(Feature(f"count_30d:type:t{n:02d}", COUNT) for n in range(20)),
        *(Feature(f"days_since:type:t{n:02d}", NUMBER) for n in range(30)),
        *(Feature(f"trait:flag{n}", FLAG) for n in range(8)),
        Feature("trait:country", CATEGORY, COUNTRIES),
        Feature("trait:source", CATEGORY, SOURCES),
    )
)


@dataclass(frozen=True)
class Stream:
    """Leads, with what a well-made model says of each, and what became of them."""

    rows: pa.Table
    probabilities: npt.NDArray[np.float64]
    labels: npt.NDArray[np.float32]


def stream(
    leads: int, seed: int, *, rate: float = 1.0, shift: float = 0.0, rename: bool = False, gone: float = 0.0
) -> Stream:
    """Draw leads.

    ``rate`` multiplies how many leads win (there are more of those who look like winners), ``shift`` is added to one
    number in standard deviations, ``rename`` calls the country DE by another name, ``gone`` is the share of leads for
    whom a number is newly missing.
    """
    draw = np.random.default_rng(seed)
    counts, days, flags, country, source, odds = _draw(draw, leads * (5 if rate > 1 else 1))
    chance = 1 / (1 + np.exp(-odds))
    labels = draw.random(len(odds)) < chance
    kept = _with_rate(draw, labels, leads, rate * RATE) if rate > 1 else np.arange(leads)
    counts, days, flags, country, source, labels, chance = (
        part[kept] for part in (counts, days, flags, country, source, labels, chance)
    )
    days[:, 3] += shift * np.nanstd(days[:, 3])
    days[draw.random(leads) < gone, 4] = np.nan
    country = np.where((country == "DE") & rename, "Germany", country)
    values = np.concatenate([np.where(counts > 0, counts, np.nan), days, flags], axis=1)
    rows = pa.table(
        {
            "numbers": _maps(values, [f.name for f in SPEC.features if f.kind != CATEGORY], NUMBERS),
            "categories": _maps(np.stack([country, source], axis=1), ["trait:country", "trait:source"], CATEGORIES),
        }
    )
    return Stream(rows, chance, labels.astype(np.float32))


def _maps(values: npt.NDArray[Any], names: list[str], kind: pa.DataType) -> pa.Array:
    """Turn a matrix into maps; NaN has no entry."""
    present = values == values
    offsets = np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int32)
    keys = pa.DictionaryArray.from_arrays(np.nonzero(present)[1].astype(np.int32), pa.array(names)).cast(pa.string())
    return pa.MapArray.from_arrays(offsets, keys, pa.array(values[present], kind.item_type))


def _draw(draw: np.random.Generator, leads: int) -> tuple[npt.NDArray[Any], ...]:
    counts = draw.poisson(np.linspace(0.02, 3, 20), (leads, 20))
    days = draw.exponential(20, (leads, 30))
    days[draw.random(days.shape) < np.linspace(0, 0.9, 30)] = np.nan
    flags = draw.random((leads, 8)) < np.linspace(0.02, 0.6, 8)
    country = draw.choice(COUNTRIES, leads, p=[0.03, 0.47, 0.3, 0.2])
    popular = 1 / np.arange(1, 41)
    source = draw.choice(SOURCES, leads, p=popular / popular.sum())
    odds = -6.3 + 0.6 * counts[:, 19] + 0.5 * counts[:, 18] + 0.8 * flags[:, 7] + 0.5 * (country == "US")
    return counts, days, flags, country, source, odds


def _with_rate(draw: np.random.Generator, labels: npt.NDArray[np.bool_], leads: int, rate: float) -> npt.NDArray[Any]:
    """Choose leads so that this share wins."""
    winners = round(rate * leads)
    won, lost = np.flatnonzero(labels)[:winners], np.flatnonzero(~labels)[: leads - winners]
    return np.asarray(draw.permutation(np.concatenate([won, lost])))


def scored(
    leads: int, seed: int, noises: list[float], rate_log_odds: float = -2.0
) -> tuple[npt.NDArray[np.float32], list[npt.NDArray[np.float64]], list[npt.NDArray[np.float64]]]:
    """Draw leads once and score them by models that see their log odds (normal, deviation 1.5) through so much noise.

    Each model is calibrated: it says the chance given what it sees (by Gauss-Hermite quadrature). Also returned
    are the models' log odds. Models share half of their noise, as models of like data do.
    """
    draw = np.random.default_rng(seed)
    truth = draw.normal(0, 1.5, leads)
    labels = (draw.random(leads) < 1 / (1 + np.exp(-truth - rate_log_odds))).astype(np.float32)
    shared = draw.normal(size=leads)
    probabilities, signals = [], []
    for noise in noises:
        seen = truth + noise * (np.sqrt(0.5) * shared + np.sqrt(0.5) * draw.normal(size=leads))
        slope = 1.5**2 / (1.5**2 + noise**2)
        spread = np.sqrt(1.5**2 * (1 - slope))
        nodes, weights = np.polynomial.hermite_e.hermegauss(21)
        chances = 1 / (1 + np.exp(-(slope * seen[:, None] + spread * nodes + rate_log_odds)))
        probabilities.append(chances @ (weights / weights.sum()))
        signals.append(seen)
    return labels, probabilities, signals

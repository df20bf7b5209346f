"""A made-up company whose leads have honest traits and signals, and the ways in which an export gives the end away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leadhouse.models.examples import read_examples
from leadhouse.models.plan import Plan, Prepared, prepare
from tests.models.data import CATEGORIES, DAY, NUMBERS

PLAN = Plan("acme", "won", 90)

Won = npt.NDArray[np.bool_]
Column = list[Any]
"""A value per lead; None where there is none."""
Draw = np.random.Generator


def some(values: npt.NDArray[Any], where: Won) -> Column:
    """The values of some leads only."""
    return [value.item() if there else None for value, there in zip(values, where, strict=True)]


def honest(leads: int, rate: float, seed: int) -> tuple[dict[str, Column], Won]:
    """Features of which several are strong, and who won; about ``rate`` of the leads do."""
    draw = np.random.default_rng(seed)
    views, size = draw.poisson(3, leads), np.round(draw.lognormal(4, 1.2, leads)) + 1
    source = draw.choice(["web", "fair", "partner", "referral"], leads, p=[0.5, 0.3, 0.15, 0.05])
    revenue = np.round(size * draw.lognormal(8, 0.5, leads), -2)
    days = draw.exponential(20, leads)
    odds = (
        0.45 * views
        + 0.5 * np.log(size)
        - 0.03 * days
        + np.select([source == "referral", source == "partner", source == "fair"], [3.0, 1.0, -0.5], 0)
    )
    low, high = -20.0, 20.0
    for _ in range(50):  # the level at which so many win
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-(odds + middle)))).mean() < rate else (low, middle)
    won = draw.random(leads) < 1 / (1 + np.exp(-(odds + low)))
    everyone = np.ones(leads, dtype=np.bool_)
    features = {
        "count_7d:type:page_view": some(views.astype(float), views > 0),
        "days_since": some(days, draw.random(leads) < 0.8),
        "trait:employees": some(size, draw.random(leads) < 0.7),
        "trait:revenue": some(revenue, draw.random(leads) < 0.5),
        "trait:score_by_hand": some(draw.integers(0, 100, leads).astype(float), everyone),
        "trait:opt_in": some((draw.random(leads) < 0.3).astype(float), everyone),
        "trait:source": some(source, everyone),
        "trait:country": some(draw.choice(["DE", "FR", "US", "GB"], leads), draw.random(leads) < 0.9),
        "trait:billing_country": some(draw.choice(["DE", "FR", "US", "GB"], leads), draw.random(leads) < 0.9),
        "trait:city": some(draw.choice([f"city {n}" for n in range(60)], leads), everyone),
    }
    return features, won


def _id_in_blocks(won: Won, draw: Draw) -> dict[str, Column]:
    """Exported week by week, the winners of each week first."""
    week = np.arange(len(won)) * 52 // len(won)
    order = np.lexsort((draw.random(len(won)), ~won, week))
    number = np.empty(len(won))
    number[order] = 500_000 + np.arange(len(won))
    return {"trait:row": number.tolist()}


def _id_winners_first(won: Won, draw: Draw) -> dict[str, Column]:
    number = np.empty(len(won))
    number[np.lexsort((draw.random(len(won)), ~won))] = np.arange(len(won))
    return {"trait:row": number.tolist()}


def _record_numbers(won: Won, draw: Draw) -> dict[str, Column]:
    return {"trait:record": (700_000_000 + draw.permutation(2 * len(won))[: len(won)]).astype(float).tolist()}


def _amounts(won: Won, draw: Draw) -> dict[str, Column]:
    total = np.round(draw.lognormal(8, 1, len(won)))
    paid = np.where(won, total, np.round(total * draw.random(len(won))))
    return {"trait:invoiced": total.tolist(), "trait:paid": paid.tolist()}


def _balance(won: Won, draw: Draw) -> dict[str, Column]:
    before = draw.normal(1000, 300, len(won))
    after = before + np.where(won, 20, 0) + draw.normal(0, 5, len(won))
    return {"trait:before": before.tolist(), "trait:after": after.tolist()}


def _parity(won: Won, draw: Draw) -> dict[str, Column]:
    one = draw.random(len(won)) < 0.5
    return {"trait:one": one.astype(float).tolist(), "trait:two": (one ^ won).astype(float).tolist()}


def _owners(won: Won, draw: Draw) -> dict[str, Column]:
    names = np.array(["ann", "bob", "cem", "dee"])
    first, moved = draw.integers(0, 4, len(won)), draw.integers(1, 4, len(won))
    return {
        "trait:first_owner": names[first].tolist(),
        "trait:owner": names[np.where(won, first, (first + moved) % 4)].tolist(),
    }


def _parts(won: Won, draw: Draw) -> dict[str, Column]:
    """What is paid and what is open make up what was ordered: more than others only asked for."""
    paid = draw.uniform(0, 1000, len(won))
    whole = np.where(won, 1020, 1000) + draw.normal(0, 5, len(won))
    return {"trait:settled": paid.tolist(), "trait:open": (whole - paid).tolist()}


def _fitting(won: Won, draw: Draw) -> dict[str, Column]:
    small = draw.random(len(won)) < 0.5
    return {
        "trait:segment": np.where(small, "small", "large").tolist(),
        "trait:checked": (small ^ won).astype(float).tolist(),
    }


LEAKS: Mapping[str, Callable[[Won, Draw], dict[str, Column]]] = {
    "the label, copied": lambda won, draw: {"trait:customer": won.astype(float).tolist()},
    "the label with one in twenty wrong": lambda won, draw: {
        "trait:stage": np.where(won ^ (draw.random(len(won)) < 0.05), "x", "y").tolist()
    },
    "filled in for winners only": lambda won, draw: {"trait:contract_days": some(draw.random(len(won)), won)},
    "filled in for half of the winners only": lambda won, draw: {
        "trait:kick_off": some(draw.random(len(won)), won & (draw.random(len(won)) < 0.5))
    },
    "missing for who won": lambda won, draw: {"trait:reminder": some(np.full(len(won), "due"), ~won)},
    "a count of what follows the win": lambda won, draw: {
        "count_30d:type:invoice": some(1 + draw.poisson(1, len(won)).astype(float), won)
    },
    "days since what follows the win": lambda won, draw: {
        "days_since:type:call": (draw.exponential(20, len(won)) * np.where(won, 0.05, 1)).tolist()
    },
    "a status that many winners have": lambda won, draw: {
        "trait:status": np.where(
            won & (draw.random(len(won)) < 0.5), "onboarding", draw.choice(["new", "open"], len(won))
        ).tolist()
    },
    "a number that stands for the winners": lambda won, draw: {
        "trait:rank": np.where(won & (draw.random(len(won)) < 0.6), 999.0, draw.integers(1, 1500, len(won))).tolist()
    },
    "winners in the middle of a number": lambda won, draw: {
        "trait:index": np.where(won, draw.uniform(40, 45, len(won)), draw.uniform(0, 100, len(won))).tolist()
    },
    "cents where a quote was signed": lambda won, draw: {
        "trait:budget": np.where(
            won, np.round(draw.lognormal(9, 1, len(won)), 2), np.round(draw.lognormal(9, 1, len(won)))
        ).tolist()
    },
    "round sums where nobody signed": lambda won, draw: {
        "trait:offer": np.where(
            won, draw.integers(1, 10**6, len(won)) * 10 + 1, draw.integers(1, 10**5, len(won)) * 100
        ).tolist()
    },
    "a last digit that a form adds": lambda won, draw: {
        "trait:ticket": (
            draw.integers(1, 10**8, len(won)) * 10 + np.where(won, 7, 1 + draw.integers(0, 6, len(won)))
        ).tolist()
    },
    "numbered with the winners first": _id_winners_first,
    "numbered with each week's winners first": _id_in_blocks,
    "a record's number": _record_numbers,
    "paid in full": _amounts,
    "a small difference of two large numbers": _balance,
    "two flags that differ for winners": _parity,
    "the owner stays for winners": _owners,
    "two parts of one sum": _parts,
    "a flag that fits the segment of winners": _fitting,
    "an earlier model's score": lambda won, draw: {"trait:grade": (draw.normal(0, 1, len(won)) + 2.2 * won).tolist()},
}
"""Ways of giving the end away: from who won to the features that do."""


def prepared(features: Mapping[str, Column], won: Won) -> Prepared:
    """Training data of one example per lead."""
    numbers: list[list[tuple[str, float]]] = [[] for _ in won]
    categories: list[list[tuple[str, str]]] = [[] for _ in won]
    for name, column in features.items():
        for place, value in enumerate(column):
            if value is not None:
                (categories if isinstance(value, str) else numbers)[place].append((name, value))  # type: ignore[arg-type]
    table = pa.table(
        {
            "lead_id": [f"lead{place:07d}" for place in range(len(won))],
            "as_of": pa.array(np.arange(len(won)) * DAY // 50, pa.timestamp("us", tz="UTC")),
            "label": won,
            "timed": [True] * len(won),
            "numbers": pa.array(numbers, NUMBERS),
            "categories": pa.array(categories, CATEGORIES),
        }
    )
    data = prepare(read_examples(table), PLAN)
    assert isinstance(data, Prepared), data
    return data

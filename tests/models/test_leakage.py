"""Planted leaks are named; honest features are not."""

from __future__ import annotations

import numpy as np
import pytest

from leadhouse.models.leakage import suspects
from leadhouse.models.matrix import CATEGORY, COUNT, NUMBER, Feature, FeatureSpec

COUNT_OF_LEADS = 2000
DRAW = np.random.default_rng(0)
LABELS = (DRAW.random(COUNT_OF_LEADS) < 0.2).astype(np.float32)
NOISE = DRAW.random(COUNT_OF_LEADS)

LEAKS = {
    "the label, copied": (NUMBER, LABELS),
    "the label, upside down with noise": (NUMBER, NOISE - 2 * LABELS),
    "winners in the middle of a number": (NUMBER, np.where(LABELS > 0, 0.5, np.where(NOISE < 0.5, 0, 1))),
    "a category that only winners have": (CATEGORY, np.where(LABELS > 0, 0, 1)),
    "missing for who lost": (NUMBER, np.where(LABELS > 0, NOISE, np.nan)),
    "missing for who won": (CATEGORY, np.where(LABELS > 0, np.nan, 0)),
    "there for half of the winners only": (NUMBER, np.where((LABELS > 0) & (NOISE < 0.5), 1, np.nan)),
    "a count of what happens after winning": (COUNT, np.where(LABELS > 0, 1 + (NOISE * 5).round(), 0)),
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_planted_leak_is_named_with_its_figure(name: str) -> None:
    kind, column = LEAKS[name]
    spec = FeatureSpec((Feature("trait:leak", kind, ("a", "b") if kind == CATEGORY else ()),))
    (suspect,) = suspects(column[:, None].astype(np.float32), LABELS, np.arange(COUNT_OF_LEADS), spec, seed=0)
    assert suspect.feature == "trait:leak"
    assert suspect.figure > 0.85


def test_strong_and_weak_honest_features_are_not_named() -> None:
    honest = np.stack([DRAW.normal(size=COUNT_OF_LEADS) + LABELS, NOISE, np.where(NOISE < 0.3, np.nan, NOISE)], axis=1)
    spec = FeatureSpec(tuple(Feature(f"trait:f{place}", NUMBER) for place in range(3)))
    assert suspects(honest.astype(np.float32), LABELS, np.arange(COUNT_OF_LEADS), spec, seed=0) == ()


def test_an_identifier_with_one_lead_per_value_is_not_flattered_by_its_own_label() -> None:
    codes = np.arange(COUNT_OF_LEADS) // 2
    spec = FeatureSpec((Feature("trait:id", CATEGORY, tuple(f"{n:04}" for n in range(1000))),))
    assert suspects(codes[:, None].astype(np.float32), LABELS, np.arange(COUNT_OF_LEADS), spec, seed=0) == ()

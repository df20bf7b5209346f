"""Why a lead scored as it did: TreeSHAP, in words with values. Slow (thousands of rows a second): for who is listed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leadhouse.models.matrix import CATEGORY, Feature, Floats, Rows, encode
from leadhouse.models.model import LeadModel
from leadhouse.models.wording import describe, number, show

STRONGEST = 5
"""Reasons in each direction at most."""
UP, DOWN = "up", "down"
REASONS = pa.list_(
    pa.struct(
        [
            ("direction", pa.string()),
            ("feature", pa.string()),
            ("value", pa.string()),
            ("effect", pa.float64()),
            ("words", pa.string()),
        ]
    )
)
"""The type of gold.decisions.reasons."""
_LEAST = 0.01
"""Contributions below this, in log odds, are no reason."""
_DIGITS = 6


def explain(model: LeadModel, rows: Rows) -> pa.Array:
    """Return each row's strongest reasons up, then down, strongest first, as an array of type REASONS.

    ``rows`` have the columns of gold.lead_features. ``value`` is the lead's own (null where missing); ``effect`` is
    what the probability would lose without the feature's contribution, negative where it lowers it; ``words`` say both,
    with what is usual: ``18 page views in 7 days (usually 2) raises it by 4.1 points``.
    """
    matrix = encode(rows, model.fitted.spec)
    if not len(matrix):
        return pa.array([], REASONS)
    contributions = model.fitted.contributions(matrix)
    log_odds = contributions.sum(axis=1)
    with_all = model.calibration.apply(log_odds)
    shares = contributions[:, :-1]
    without = np.stack([model.calibration.apply(log_odds - share) for share in shares.T], axis=1)
    effects = with_all[:, None] - without
    return pa.array(
        [_reasons(model, matrix[row], shares[row], effects[row]) for row in range(len(matrix))], type=REASONS
    )


def _reasons(
    model: LeadModel, values: Floats, shares: npt.NDArray[np.float64], effects: npt.NDArray[np.float64]
) -> list[dict[str, Any]]:
    order = np.argsort(-np.abs(shares), kind="stable")
    up = [place for place in order if shares[place] >= _LEAST][:STRONGEST]
    down = [place for place in order if shares[place] <= -_LEAST][:STRONGEST]
    features = model.fitted.spec.features
    return [
        _reason(direction, features[place], _value(features[place], float(values[place])), float(effects[place]))
        for direction, places in ((UP, up), (DOWN, down))
        for place in places
    ]


def _reason(direction: str, feature: Feature, value: float | str | None, effect: float) -> dict[str, Any]:
    points = number(abs(round(effect * 100, 4)))
    verb = "raises" if direction == UP else "lowers"
    return {
        "direction": direction,
        "feature": feature.name,
        "value": None if value is None else show(feature, value),
        "effect": round(effect, _DIGITS),
        "words": f"{describe(feature, value)}{_usual(feature, value)} {verb} it by {points} points",
    }


def _usual(feature: Feature, value: float | str | None) -> str:
    """What is usual, where it differs from the lead's own value."""
    if feature.usual is None or show(feature, value) == show(feature, feature.usual):
        return ""
    return f" (usually {show(feature, feature.usual)})"


def _value(feature: Feature, encoded: float) -> float | str | None:
    if np.isnan(encoded):
        return None
    return feature.levels[int(encoded)] if feature.kind == CATEGORY else encoded

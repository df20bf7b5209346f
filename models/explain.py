"""Why a lead scored as it did: TreeSHAP, in words with values. Slow (thousands of rows a second): for who is listed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leadhouse.models.effects import effects
from leadhouse.models.feature_maps import category_columns, number_columns
from leadhouse.models.matrix import CATEGORY, COUNT, Feature, Rows, encode
from leadhouse.models.model import LeadModel
from leadhouse.models.wording import describe, points, show, usual

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
"""Contributions below this, in log odds, are no reason: in log odds, so that calibration doesn't choose."""
_DIGITS = 6


def explain(model: LeadModel, rows: Rows) -> pa.Array:
    """Return each row's strongest reasons up, then down, strongest first, as an array of type REASONS.

    ``rows`` have the columns of gold.lead_features. ``value`` is the lead's own (null where missing); ``effect`` is
    what the feature adds to the probability, negative where it lowers it (see ``effects``: those of all features add
    up to how far the lead is from the model's starting point); ``words`` say both, with what is usual: ``18 page
    views in 7 days (usually 2) raises it by 4.1 points``.
    """
    spec = model.fitted.spec
    matrix = encode(rows, spec)
    if not len(matrix):
        return pa.array([], REASONS)
    contributions = model.fitted.contributions(matrix)
    shares, added = contributions[:, :-1], effects(contributions, model.calibration)
    own, counted = _own_values(rows, spec.features), ~np.isnan(matrix)
    return pa.array(
        [
            [
                _reason(
                    direction,
                    spec.features[place],
                    _known(own[place][row]),
                    float(added[row, place]),
                    counted=bool(counted[row, place]),
                )
                for direction, places in _strongest(shares[row])
                for place in places
            ]
            for row in range(len(matrix))
        ],
        type=REASONS,
    )


def _strongest(shares: npt.NDArray[np.float64]) -> tuple[tuple[str, list[int]], ...]:
    """The features that are reasons, by direction, strongest first."""
    order = np.argsort(-np.abs(shares), kind="stable").tolist()
    up = [place for place in order if shares[place] >= _LEAST][:STRONGEST]
    down = [place for place in order if shares[place] <= -_LEAST][:STRONGEST]
    return (UP, up), (DOWN, down)


def _reason(
    direction: str, feature: Feature, value: float | str | None, effect: float, *, counted: bool
) -> dict[str, Any]:
    """``counted``: whether the model has seen the value; not if too few leads had it in training."""
    rare = "" if counted or value is None else ", a rare value"
    verb = "raises" if direction == UP else "lowers"
    return {
        "direction": direction,
        "feature": feature.name,
        "value": None if value is None else show(feature, value),
        "effect": round(effect, _DIGITS),
        "words": f"{describe(feature, value)}{rare}{usual(feature, value)} {verb} it by {points(effect)}",
    }


def _own_values(rows: Rows, features: tuple[Feature, ...]) -> list[npt.NDArray[Any]]:
    """Each feature's column as the leads have it: with all digits, and with levels that the model doesn't know."""
    numbers = number_columns(rows, [feature.name for feature in features if feature.kind != CATEGORY])
    categories = category_columns(rows, [feature.name for feature in features if feature.kind == CATEGORY])
    columns: list[npt.NDArray[Any]] = []
    for feature in features:
        if feature.kind == CATEGORY:
            places, values = categories[feature.name]
            column = np.full(rows.num_rows, None, dtype=object)
            column[places] = values.to_numpy(zero_copy_only=False)
        else:
            column = numbers[feature.name].values
            column = np.nan_to_num(column) if feature.kind == COUNT else column
        columns.append(column)
    return columns


def _known(value: float | str | None) -> float | str | None:
    return None if isinstance(value, float) and np.isnan(value) else value

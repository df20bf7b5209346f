"""From feature rows to the matrix that XGBoost reads, by a specification that is frozen with the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadhouse.models.feature_maps import (
    FLOAT32_MAX,
    Integers,
    MapSlice,
    Rows,
    entries,
    floats,
    map_slices,
    places_of,
)

__all__ = ["CATEGORY", "COUNT", "FLAG", "NUMBER", "Feature", "FeatureSpec", "Floats", "Integers", "Rows", "encode"]

Floats: TypeAlias = npt.NDArray[np.float32]

NUMBER, FLAG, COUNT, CATEGORY = "number", "flag", "count", "category"


@dataclass(frozen=True)
class Feature:
    """One column of the matrix."""

    name: str
    """Its key in ``numbers`` or ``categories``."""
    kind: str
    """``number``, ``flag`` (a number that is 0 or 1), ``count`` (absent means 0) or ``category``."""
    levels: tuple[str, ...] = ()
    """A category's values, sorted; a value that is not among them counts as missing, in training as in scoring."""
    usual: float | str | None = None
    """The median in training, or the most frequent level; for the wording of reasons."""


@dataclass(frozen=True)
class FeatureSpec:
    """The matrix's columns, in order."""

    features: tuple[Feature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, in the matrix's order."""
        return tuple(feature.name for feature in self.features)

    @property
    def types(self) -> list[str]:
        """XGBoost's type of each column: ``q`` for quantities, ``c`` for categories."""
        return ["c" if feature.kind == CATEGORY else "q" for feature in self.features]

    def to_json(self) -> list[dict[str, Any]]:
        """Return the specification as JSON values."""
        return [asdict(feature) for feature in self.features]

    @classmethod
    def from_json(cls, document: list[dict[str, Any]]) -> FeatureSpec:
        """Read what ``to_json`` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(tuple(Feature(**{**entry, "levels": tuple(entry["levels"])}) for entry in document))


def encode(rows: Rows, spec: FeatureSpec) -> Floats:
    """Return the matrix (rows × features, float32): NaN where missing, 0 for an absent count, codes for categories.

    Infinite values and values beyond float32 count as missing.
    """
    matrix = np.full((rows.num_rows, len(spec.features)), np.nan, dtype=np.float32)
    counts = [place for place, feature in enumerate(spec.features) if feature.kind == COUNT]
    matrix[:, counts] = 0.0
    place_of = {feature.name: place for place, feature in enumerate(spec.features)}
    for batch in map_slices(rows):
        _encode_numbers(batch, spec, place_of, matrix[batch.start : batch.stop])
        _encode_categories(batch, spec, place_of, matrix[batch.start : batch.stop])
    return matrix


def _encode_numbers(batch: MapSlice, spec: FeatureSpec, place_of: Mapping[str, int], out: Floats) -> None:
    names = [feature.name for feature in spec.features if feature.kind != CATEGORY]
    row, keys, items = entries(batch.numbers)
    place = places_of(keys, names, [place_of[name] for name in names])
    values = floats(items)
    finite = np.abs(values) <= FLOAT32_MAX
    known = (place >= 0) & finite
    if known.all():
        out[row, place] = values
    else:
        out[row[known], place[known]] = values[known]


def _encode_categories(batch: MapSlice, spec: FeatureSpec, place_of: Mapping[str, int], out: Floats) -> None:
    names = [feature.name for feature in spec.features if feature.kind == CATEGORY]
    row, keys, items = entries(batch.categories)
    place = places_of(keys, names, [place_of[name] for name in names])
    for name in names:
        mine = np.flatnonzero(place == place_of[name])
        levels = spec.features[place_of[name]].levels
        codes = pc.index_in(items.take(pa.array(mine)), value_set=pa.array(levels, items.type))
        out[row[mine], place_of[name]] = floats(codes)

"""From feature rows to the matrix that XGBoost reads, by a specification that is frozen with the model.

Feature rows are Arrow tables or batches with the columns of ``gold.lead_features``: ``numbers`` MAP<STRING, DOUBLE>
and ``categories`` MAP<STRING, STRING>. No step here walks rows in Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadhouse.transforms.feature_names import is_count

Floats: TypeAlias = npt.NDArray[np.float32]
Integers: TypeAlias = npt.NDArray[np.int64]
Rows: TypeAlias = pa.Table | pa.RecordBatch

NUMBER, FLAG, COUNT, CATEGORY = "number", "flag", "count", "category"
MIN_LEADS = 10
"""A feature or a category's level that fewer leads than this have is not learned."""
MAX_LEVELS = 256
"""Levels kept of one category, the most frequent first."""
_FLOAT32_MAX = float(np.finfo(np.float32).max)


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


@dataclass(frozen=True)
class Learned:
    """A specification learned from training rows, and what was left out of it."""

    spec: FeatureSpec
    excluded: Mapping[str, str]
    """Features left out, with the reason."""
    infinite: Mapping[str, int]
    """How many infinite values each feature had; they count as missing."""


def learn_spec(rows: Rows, leads: Integers | None = None) -> Learned:
    """Learn the matrix's columns from training rows.

    ``leads`` tells rows of one lead apart from those of another (any integers); by default each row is its own lead.
    Left out with a reason: what fewer than MIN_LEADS leads have, what is the same for all, categories without a level
    that MIN_LEADS leads share (identifiers). A category keeps its MAX_LEVELS most frequent levels of those shared by
    MIN_LEADS leads; rarer ones count as missing, exactly as an unknown level does at scoring.
    """
    groups = np.arange(rows.num_rows) if leads is None else leads
    features: list[Feature] = []
    excluded: dict[str, str] = {}
    infinite: dict[str, int] = {}
    for feature, column, bad in _number_columns(rows):
        if bad:
            infinite[feature.name] = bad
        problem = _number_problem(feature, column, groups)
        if problem:
            excluded[feature.name] = problem
        else:
            features.append(feature)
    for name, rows_with, values in _category_columns(rows):
        levels, usual = _learn_levels(values, groups[rows_with])
        if not levels:
            excluded[name] = f"no value is shared by {MIN_LEADS} leads"
        elif len(levels) == 1 and len(rows_with) == rows.num_rows and pc.count_distinct(values).as_py() == 1:
            excluded[name] = "the same for all"
        else:
            features.append(Feature(name, CATEGORY, levels, usual))
    features.sort(key=lambda feature: feature.name)
    return Learned(FeatureSpec(tuple(features)), excluded, infinite)


def encode(rows: Rows, spec: FeatureSpec) -> Floats:
    """Return the matrix (rows × features, float32): NaN where missing, 0 for an absent count, codes for categories.

    Infinite values and values beyond float32 count as missing.
    """
    matrix = np.full((rows.num_rows, len(spec.features)), np.nan, dtype=np.float32)
    counts = [place for place, feature in enumerate(spec.features) if feature.kind == COUNT]
    matrix[:, counts] = 0.0
    place_of = {feature.name: place for place, feature in enumerate(spec.features)}
    for batch in _batches(rows):
        _encode_numbers(batch, spec, place_of, matrix[batch.start : batch.stop])
        _encode_categories(batch, spec, place_of, matrix[batch.start : batch.stop])
    return matrix


@dataclass(frozen=True)
class _Slice:
    """A contiguous part of the rows, with its two maps."""

    start: int
    stop: int
    numbers: pa.MapArray
    categories: pa.MapArray


def _batches(rows: Rows) -> list[_Slice]:
    if isinstance(rows, pa.RecordBatch):
        return [_Slice(0, rows.num_rows, rows.column("numbers"), rows.column("categories"))]
    slices, start = [], 0
    for batch in rows.select(["numbers", "categories"]).to_batches():
        slices.append(_Slice(start, start + batch.num_rows, batch.column("numbers"), batch.column("categories")))
        start += batch.num_rows
    return slices


def _entries(maps: pa.MapArray) -> tuple[Integers, pa.Array, pa.Array]:
    """Return a map array's entries: the row of each, its key, its value. A null map has none."""
    offsets = np.asarray(maps.offsets, dtype=np.int64)
    sizes = np.diff(offsets)
    if maps.null_count:
        present = np.asarray(maps.is_valid())
        keep = np.repeat(present, sizes)
        row = np.repeat(np.arange(len(maps)), sizes)[keep]
        mask = pa.array(keep)
        keys = maps.keys[offsets[0] : offsets[-1]].filter(mask)
        return row, keys, maps.items[offsets[0] : offsets[-1]].filter(mask)
    row = np.repeat(np.arange(len(maps)), sizes)
    return row, maps.keys[offsets[0] : offsets[-1]], maps.items[offsets[0] : offsets[-1]]


def _places(keys: pa.Array, names: list[str], places: list[int]) -> Integers:
    """Return each key's column in the matrix, -1 for a key that the specification doesn't name."""
    found = pc.index_in(keys, value_set=pa.array(names, keys.type)).fill_null(len(names))
    return np.asarray(np.append(np.asarray(places, dtype=np.int64), -1)[np.asarray(found)], dtype=np.int64)


def _floats(values: pa.Array) -> npt.NDArray[np.float64]:
    return np.asarray(values.cast(pa.float64()).fill_null(np.nan))


def _encode_numbers(batch: _Slice, spec: FeatureSpec, place_of: Mapping[str, int], out: Floats) -> None:
    names = [feature.name for feature in spec.features if feature.kind != CATEGORY]
    row, keys, items = _entries(batch.numbers)
    place = _places(keys, names, [place_of[name] for name in names])
    values = _floats(items)
    finite = np.abs(values) <= _FLOAT32_MAX
    known = (place >= 0) & finite
    if known.all():
        out[row, place] = values
    else:
        out[row[known], place[known]] = values[known]


def _encode_categories(batch: _Slice, spec: FeatureSpec, place_of: Mapping[str, int], out: Floats) -> None:
    names = [feature.name for feature in spec.features if feature.kind == CATEGORY]
    row, keys, items = _entries(batch.categories)
    place = _places(keys, names, [place_of[name] for name in names])
    for name in names:
        mine = np.flatnonzero(place == place_of[name])
        levels = spec.features[place_of[name]].levels
        codes = pc.index_in(items.take(pa.array(mine)), value_set=pa.array(levels, items.type))
        out[row[mine], place_of[name]] = _floats(codes)


def _number_columns(rows: Rows) -> list[tuple[Feature, npt.NDArray[np.float64], int]]:
    """Return each numeric feature with its column (NaN where missing) and its number of infinite values."""
    names = sorted(_distinct_keys(rows, "numbers"))
    columns = {name: np.full(rows.num_rows, 0.0 if is_count(name) else np.nan) for name in names}
    infinite = dict.fromkeys(names, 0)
    for batch in _batches(rows):
        row, keys, items = _entries(batch.numbers)
        place = _places(keys, names, list(range(len(names))))
        values = _floats(items)
        order = np.argsort(place, kind="stable")
        bounds = np.searchsorted(place[order], np.arange(len(names) + 1))
        for index, name in enumerate(names):
            mine = order[bounds[index] : bounds[index + 1]]
            found = values[mine]
            finite = np.abs(found) <= _FLOAT32_MAX
            infinite[name] += int((~finite & ~np.isnan(found)).sum())
            columns[name][batch.start + row[mine[finite]]] = found[finite]
    return [(_number_feature(name, columns[name]), columns[name], infinite[name]) for name in names]


def _number_feature(name: str, column: npt.NDArray[np.float64]) -> Feature:
    present = column[~np.isnan(column)]
    usual = float(np.median(present)) if len(present) else None
    if is_count(name):
        return Feature(name, COUNT, usual=usual)
    flag = bool(len(present)) and bool(np.isin(present, (0.0, 1.0)).all())
    return Feature(name, FLAG if flag else NUMBER, usual=usual)


def _number_problem(feature: Feature, column: npt.NDArray[np.float64], leads: Integers) -> str | None:
    there = column > 0 if feature.kind == COUNT else ~np.isnan(column)
    if len(np.unique(leads[there])) < MIN_LEADS:
        return f"fewer than {MIN_LEADS} leads have it"
    present = column[~np.isnan(column)]
    if len(present) == len(column) and present.min() == present.max():
        return "the same for all"
    return None


def _category_columns(rows: Rows) -> list[tuple[str, Integers, pa.Array]]:
    """Return each category with the rows that have it and their values."""
    names = sorted(_distinct_keys(rows, "categories"))
    parts: dict[str, list[tuple[Integers, pa.Array]]] = {name: [] for name in names}
    for batch in _batches(rows):
        row, keys, items = _entries(batch.categories)
        place = _places(keys, names, list(range(len(names))))
        for index, name in enumerate(names):
            mine = np.flatnonzero((place == index) & np.asarray(items.is_valid()))
            parts[name].append((batch.start + row[mine], items.take(pa.array(mine))))
    return [
        (name, np.concatenate([row for row, _ in found]), pa.concat_arrays([values for _, values in found]))
        for name, found in parts.items()
    ]


def _learn_levels(values: pa.Array, leads: Integers) -> tuple[tuple[str, ...], str | None]:
    encoded = values.dictionary_encode()
    pairs = np.unique(np.stack([np.asarray(encoded.indices, dtype=np.int64), leads]), axis=1)
    codes, per_level = np.unique(pairs[0], return_counts=True)
    dictionary = encoded.dictionary.to_pylist()
    shared = [
        (-int(count), dictionary[code]) for code, count in zip(codes, per_level, strict=True) if count >= MIN_LEADS
    ]
    kept = [level for _, level in sorted(shared)[:MAX_LEVELS]]
    return tuple(sorted(kept)), (kept[0] if kept else None)


def _distinct_keys(rows: Rows, column: str) -> set[str]:
    names: set[str] = set()
    for batch in _batches(rows):
        names.update(pc.unique(_entries(getattr(batch, column))[1]).to_pylist())
    return names

"""Feature rows as they come: Arrow tables or batches with the two maps of ``gold.lead_features``.

``numbers`` is MAP<STRING, DOUBLE>, ``categories`` MAP<STRING, STRING>. No step here walks rows in Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Integers: TypeAlias = npt.NDArray[np.int64]
Rows: TypeAlias = pa.Table | pa.RecordBatch

FLOAT32_MAX = float(np.finfo(np.float32).max)
"""What is beyond counts as infinite."""


@dataclass(frozen=True)
class MapSlice:
    """A contiguous part of the rows, with its two maps."""

    start: int
    stop: int
    numbers: pa.MapArray
    categories: pa.MapArray


def map_slices(rows: Rows) -> list[MapSlice]:
    """Return the rows in the parts that Arrow holds them in."""
    if isinstance(rows, pa.RecordBatch):
        return [MapSlice(0, rows.num_rows, rows.column("numbers"), rows.column("categories"))]
    slices, start = [], 0
    for batch in rows.select(["numbers", "categories"]).to_batches():
        slices.append(MapSlice(start, start + batch.num_rows, batch.column("numbers"), batch.column("categories")))
        start += batch.num_rows
    return slices


def entries(maps: pa.MapArray) -> tuple[Integers, pa.Array, pa.Array]:
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


def places_of(keys: pa.Array, names: Sequence[str], places: Sequence[int]) -> Integers:
    """Return the place of each key's name, -1 for a key that is not among ``names``."""
    found = pc.index_in(keys, value_set=pa.array(names, keys.type)).fill_null(len(names))
    return np.asarray(np.append(np.asarray(places, dtype=np.int64), -1)[np.asarray(found)], dtype=np.int64)


def floats(values: pa.Array) -> npt.NDArray[np.float64]:
    """Return an array's values, NaN where they are null."""
    return np.asarray(values.cast(pa.float64()).fill_null(np.nan))


def distinct_keys(rows: Rows, column: str) -> list[str]:
    """Return the names in one of the maps, ``numbers`` or ``categories``, sorted."""
    names: set[str] = set()
    for part in map_slices(rows):
        names.update(pc.unique(entries(getattr(part, column))[1]).to_pylist())
    return sorted(names)


@dataclass(frozen=True)
class NumberColumn:
    """One number of all rows."""

    values: npt.NDArray[np.float64]
    """NaN where it is missing or infinite."""
    infinite: int
    """How many values were infinite, or beyond float32."""


def number_columns(rows: Rows, names: Sequence[str]) -> Mapping[str, NumberColumn]:
    """Return some names' columns from ``numbers``, with all their digits."""
    columns = {name: np.full(rows.num_rows, np.nan) for name in names}
    infinite = dict.fromkeys(names, 0)
    for part in map_slices(rows):
        row, keys, items = entries(part.numbers)
        place = places_of(keys, names, range(len(names)))
        values = floats(items)
        # In 16 bits they are sorted by counting, several times as fast.
        order = np.argsort(place.astype(np.int16) if len(names) < np.iinfo(np.int16).max else place, kind="stable")
        bounds = np.searchsorted(place[order], np.arange(len(names) + 1))
        for index, name in enumerate(names):
            mine = order[bounds[index] : bounds[index + 1]]
            found = values[mine]
            finite = np.abs(found) <= FLOAT32_MAX
            infinite[name] += int((~finite & ~np.isnan(found)).sum())
            columns[name][part.start + row[mine[finite]]] = found[finite]
    return {name: NumberColumn(columns[name], infinite[name]) for name in names}


def category_columns(rows: Rows, names: Sequence[str]) -> Mapping[str, tuple[Integers, pa.Array]]:
    """Return for some names in ``categories`` which rows have a value, and these values."""
    none = (np.zeros(0, dtype=np.int64), pa.array([], pa.string()))
    parts: dict[str, list[tuple[Integers, pa.Array]]] = {name: [] for name in names}
    for part in map_slices(rows):
        row, keys, items = entries(part.categories)
        place = places_of(keys, names, range(len(names)))
        for index, name in enumerate(names):
            mine = np.flatnonzero((place == index) & np.asarray(items.is_valid()))
            parts[name].append((part.start + row[mine], items.take(pa.array(mine))))
    return {
        name: (np.concatenate([row for row, _ in found]), pa.concat_arrays([values for _, values in found]))
        if found
        else none
        for name, found in parts.items()
    }

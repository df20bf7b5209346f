"""A feature's values as few codes, so that each code's leads can be counted."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from leadhouse.models.matrix import CATEGORY, COUNT, FLAG, Feature, Floats, Integers
from leadhouse.models.wording import number

_LEADS_A_BIN = 50
_FEWEST_BINS, _MOST_BINS = 10, 100
_SHARED_BY = 20
"""A number that so many leads share, and one in a hundred, is a value of its own."""


@dataclass(frozen=True)
class Coding:
    """A code per lead, and what each code means in words."""

    codes: Integers
    words: tuple[str, ...]


def code(feature: Feature, column: Floats) -> Coding:
    """Code a column of the matrix: a category by its levels, a number by its frequent values and by bins of the rest.

    Missing has the last code; the words say ``no value`` for it.
    """
    missing = np.isnan(column)
    if feature.kind == CATEGORY:
        codes = np.where(missing, len(feature.levels), np.nan_to_num(column)).astype(np.int64)
        return Coding(codes, (*(f"'{level}'" for level in feature.levels), "no value"))
    return _code_number(feature, column, missing)


def code_presence(feature: Feature, column: Floats) -> Coding:
    """Code whether a feature is there: 1, or 0 where it is missing, or is a count of nothing."""
    absent = column == 0 if feature.kind == COUNT else np.isnan(column)
    return Coding((~absent).astype(np.int64), ("no value", "a value"))


def _code_number(feature: Feature, column: Floats, missing: npt.NDArray[np.bool_]) -> Coding:
    values, count = np.unique(column[~missing], return_counts=True)
    frequent = values[count >= max(_SHARED_BY, 0.01 * len(column))]
    own = np.isin(column, frequent)
    rest = column[~missing & ~own]
    bins = int(np.clip(len(rest) // _LEADS_A_BIN, _FEWEST_BINS, _MOST_BINS))
    edges = np.unique(np.quantile(rest, np.linspace(0, 1, bins + 1)[1:-1])) if len(rest) else np.zeros(0)
    last = len(frequent) + len(edges) + 1
    binned = len(frequent) + np.searchsorted(edges, column, side="right")
    codes = np.where(missing, last, np.where(own, np.searchsorted(frequent, column), binned)).astype(np.int64)
    shown = [_show(feature, float(value)) for value in frequent]
    return Coding(codes, (*shown, *_intervals(edges), "no value"))


def _show(feature: Feature, value: float) -> str:
    if feature.kind == FLAG:
        return "yes" if value else "no"
    return number(value)


def _intervals(edges: npt.NDArray[np.floating]) -> list[str]:
    if not len(edges):
        return ["any other value"]
    shown = [number(float(edge)) for edge in edges]
    between = [f"{low} to {high}" for low, high in pairwise(shown)]
    return [f"less than {shown[0]}", *between, f"{shown[-1]} or more"]

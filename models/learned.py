"""The matrix's columns as training rows tell them, and what of these rows is left out of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leadhouse.models.feature_maps import (
    Integers,
    NumberColumn,
    Rows,
    category_columns,
    distinct_keys,
    number_columns,
)
from leadhouse.models.matrix import CATEGORY, COUNT, FLAG, NUMBER, Feature, FeatureSpec
from leadhouse.transforms.feature_names import is_count

MIN_LEADS = 10
"""A feature or a category's level that fewer leads than this have is not learned."""
MAX_LEVELS = 256
"""Levels kept of one category, the most frequent first."""
_SAME = "the same for all"


@dataclass(frozen=True)
class Learned:
    """A specification learned from training rows, and what was left out of it."""

    spec: FeatureSpec
    excluded: Mapping[str, str]
    """Features left out, with the reason."""
    infinite: Mapping[str, int]
    """How many infinite values each feature had; they count as missing."""
    rare: Mapping[str, int]
    """How many values of each category are too rare to be levels; they count as missing."""


@dataclass(frozen=True)
class _Levels:
    """A category's levels, the most frequent of them, and how many other values it has."""

    kept: tuple[str, ...]
    usual: str | None
    rare: int


def learn_spec(rows: Rows, leads: Integers | None = None) -> Learned:
    """Learn the matrix's columns from training rows.

    ``leads`` tells rows of one lead apart from those of another (any integers); by default each row is its own lead.
    Left out with a reason: what fewer than MIN_LEADS leads have, what is the same for all, categories without a level
    that MIN_LEADS leads share (identifiers); and of what is a number for some leads and text for others, as two
    contracts may have it, the kind that fewer leads have. A category keeps its MAX_LEVELS most frequent levels of those
    shared by MIN_LEADS leads; rarer ones count as missing, exactly as an unknown level does at scoring.
    """
    groups = np.arange(rows.num_rows) if leads is None else np.unique(leads, return_inverse=True)[1]
    numbers = number_columns(rows, distinct_keys(rows, "numbers"))
    categories = category_columns(rows, distinct_keys(rows, "categories"))
    features: list[Feature] = []
    excluded: dict[str, str] = {}
    rare: dict[str, int] = {}
    text = _more_often_text(numbers, categories, groups, excluded)
    for name, number in numbers.items():
        if name not in text:
            feature, problem = _learn_number(name, number.values, groups)
            _sort_in(feature, problem, features, excluded)
    for name, (rows_with, values) in categories.items():
        if name not in numbers or name in text:
            levels = _learn_levels(values, groups[rows_with])
            feature = Feature(name, CATEGORY, levels.kept, levels.usual)
            _sort_in(feature, _category_problem(levels, len(rows_with) == rows.num_rows), features, excluded)
            if levels.rare and levels.kept:
                rare[name] = levels.rare
    features.sort(key=lambda feature: feature.name)
    infinite = {name: number.infinite for name, number in numbers.items() if number.infinite}
    return Learned(FeatureSpec(tuple(features)), excluded, infinite, rare)


def _sort_in(feature: Feature, problem: str | None, features: list[Feature], excluded: dict[str, str]) -> None:
    if problem is None:
        features.append(feature)
    else:
        excluded[feature.name] = problem


def _more_often_text(
    numbers: Mapping[str, NumberColumn],
    categories: Mapping[str, tuple[Integers, pa.Array]],
    leads: Integers,
    excluded: dict[str, str],
) -> set[str]:
    """Return the names in both maps that more leads have as text; say in ``excluded`` which kind is left out.

    The matrix has one column of a name: two of them would be two features that nobody could tell apart.
    """
    text = set()
    for name in sorted(numbers.keys() & categories.keys()):
        as_number = _how_many(leads[~np.isnan(numbers[name].values)])
        as_text = _how_many(leads[categories[name][0]])
        if as_text > as_number:
            text.add(name)
        kind, count, other = ("a number", as_number, as_text) if as_text > as_number else ("text", as_text, as_number)
        excluded[f"{name} (as {kind})"] = (
            f"it is {kind} for {count:,} leads, but not for {other:,}; one kind is learned"
        )
    return text


def _learn_number(name: str, values: npt.NDArray[np.float64], leads: Integers) -> tuple[Feature, str | None]:
    """Return a number's feature, and why it can't be learned."""
    column = np.where(np.isnan(values), 0.0, values) if is_count(name) else values
    present = column[~np.isnan(column)]
    usual = float(np.median(present)) if len(present) else None
    if is_count(name):
        feature, there = Feature(name, COUNT, usual=usual), column > 0
    else:
        flag = bool(len(present)) and bool(np.isin(present, (0.0, 1.0)).all())
        feature, there = Feature(name, FLAG if flag else NUMBER, usual=usual), ~np.isnan(column)
    if _how_many(leads[there]) < MIN_LEADS:
        return feature, f"fewer than {MIN_LEADS} leads have it"
    if len(present) == len(column) and present.min() == present.max():
        return feature, _SAME
    return feature, None


def _category_problem(levels: _Levels, everywhere: bool) -> str | None:
    if not levels.kept:
        return f"no value is shared by {MIN_LEADS} leads"
    return _SAME if len(levels.kept) == 1 and not levels.rare and everywhere else None


def _learn_levels(values: pa.Array, leads: Integers) -> _Levels:
    encoded = values.dictionary_encode()
    dictionary = encoded.dictionary.to_pylist()
    # One number for a level and a lead: pairs would be sorted as bytes, which takes many times as long.
    many = int(leads.max(initial=0)) + 1
    pairs = np.unique(np.asarray(encoded.indices, dtype=np.int64) * many + leads)
    per_level = np.bincount(pairs // many, minlength=len(dictionary)).tolist()
    shared = [(-count, level) for level, count in zip(dictionary, per_level, strict=True) if count >= MIN_LEADS]
    kept = [level for _, level in sorted(shared)[:MAX_LEVELS]]
    return _Levels(tuple(sorted(kept)), kept[0] if kept else None, len(dictionary) - len(kept))


def _how_many(leads: Integers) -> int:
    """Count different leads, which are numbered from 0 without great gaps."""
    return int(np.count_nonzero(np.bincount(leads)))

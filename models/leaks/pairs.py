"""Two traits that give the outcome away together, while neither does alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from leadhouse.models.leaks.alone import PRIOR
from leadhouse.models.leaks.rates import SUSPECT_AUC, Won, auc_either_way, is_suspect, rates_out_of_fold, short
from leadhouse.models.leaks.sample import Sample
from leadhouse.models.leaks.suspect import PAIR, Suspect, accuse
from leadhouse.models.matrix import CATEGORY, Feature, Floats, Integers
from leadhouse.transforms.feature_names import parse_feature_name

MAX_TRAITS = 60
"""Of more traits only those are paired that most leads have: pairs grow with the square."""
_GAIN = 0.15
"""So much better must two be than the better one alone: two honest traits gain half of that from each other."""
_MAX_LEADS = 4_000
_FEW_VALUES = 20


@dataclass(frozen=True)
class _Trait:
    """One of a pair: its column, and its values as codes if they are few."""

    feature: Feature
    alone: float
    column: Floats
    codes: Integers | None


def telling_pairs(sample: Sample, alone: Mapping[int, float], innocent: Sequence[int]) -> list[Suspect]:
    """Return pairs of traits as suspects whose difference, sum, equality or combination of values says how it ended.

    ``alone`` is each feature's AUC alone; ``innocent`` are the places of the features that are no suspects yet.
    """
    part = np.arange(0, len(sample.won), -(-len(sample.won) // _MAX_LEADS))
    won, fold = sample.won[part], sample.fold[part]
    found = []
    for one, other in combinations(_traits(sample, alone, innocent, part), 2):
        least = max(SUSPECT_AUC, max(one.alone, other.alone) + _GAIN)
        for what, values in _together(one, other, won, fold):
            figure = auc_either_way(values, won)
            if figure > least and is_suspect(figure, won):
                words = f"give the outcome away together, by {what}, though neither does alone (AUC {short(figure)})"
                found.append(accuse(PAIR, figure, words, one.feature.name, other.feature.name))
                break
    return found


def _traits(sample: Sample, alone: Mapping[int, float], innocent: Sequence[int], part: Integers) -> list[_Trait]:
    features = sample.spec.features
    places = [place for place in innocent if parse_feature_name(features[place].name).measure == "trait"]
    places.sort(key=lambda place: int(np.isnan(sample.matrix[:, place]).sum()))
    return [
        _Trait(features[place], alone[place], column, _few_codes(column))
        for place in sorted(places[:MAX_TRAITS])
        for column in [sample.matrix[part, place]]
    ]


def _few_codes(column: Floats) -> Integers | None:
    """The column's values as codes from 0, missing as the last; None if they are many."""
    values = np.unique(column[~np.isnan(column)])
    if len(values) > _FEW_VALUES:
        return None
    return np.where(np.isnan(column), len(values), np.searchsorted(values, column)).astype(np.int64)


def _together(one: _Trait, other: _Trait, won: Won, fold: Integers) -> Iterator[tuple[str, npt.NDArray[np.floating]]]:
    """What two traits say together: in words, and a value per lead."""
    kinds = [trait.feature.kind == CATEGORY for trait in (one, other)]
    if not any(kinds):
        difference = one.column - other.column
        order = np.where(np.isnan(difference), 3, np.sign(np.nan_to_num(difference)) + 1).astype(np.int64)
        yield "which of them is larger, or whether they are equal", rates_out_of_fold(order, won, fold, prior=PRIOR)
        yield "their difference", _filled(difference)
        yield "their sum", _filled(one.column + other.column)
    elif all(kinds):
        yield "whether they are equal", rates_out_of_fold(_equal(one, other), won, fold, prior=PRIOR)
    if one.codes is not None and other.codes is not None:
        cells = one.codes * (int(other.codes.max()) + 1) + other.codes
        yield "the combination of their values", rates_out_of_fold(cells, won, fold, prior=PRIOR)


def _filled(values: Floats) -> Floats:
    """With the median where a value is missing, which favours neither side."""
    missing = np.isnan(values)
    return values if missing.all() else np.where(missing, np.median(values[~missing]), values)


def _equal(one: _Trait, other: _Trait) -> Integers:
    """2 where two categories have the same text, 1 where they differ, 0 where one is missing."""
    place = {level: code for code, level in enumerate(one.feature.levels)}
    same = np.array([place.get(level, -1) for level in other.feature.levels], dtype=np.int64)
    missing = np.isnan(one.column) | np.isnan(other.column)
    mine, theirs = (np.nan_to_num(trait.column).astype(np.int64) for trait in (one, other))
    return np.where(missing, 0, 1 + (mine == same[theirs]))

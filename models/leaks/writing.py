"""Numbers that tell the outcome by how they are written: decimals, round figures, last digits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from leadhouse.models.leaks.alone import PRIOR
from leadhouse.models.leaks.coding import Coding
from leadhouse.models.leaks.rates import auc_either_way, is_suspect, rates_out_of_fold, short
from leadhouse.models.leaks.sample import Sample
from leadhouse.models.leaks.suspect import WRITING, Suspect, accuse
from leadhouse.models.leaks.telling import describe, telling
from leadhouse.models.matrix import Integers

_DECIMALS = 4
_ZEROS = 6
_PRECISION = 1e-12
"""A float64 holds about fifteen digits."""
_MIN_DISTINCT = 20
"""Fewer different values are looked at one by one anyway."""


def telling_writing(sample: Sample, place: int) -> Suspect | None:
    """Return a number as a suspect if the way in which it is written says how it ended; else None.

    A sum that is typed in by hand is round, one that comes from a signed quote is not: then it came after the outcome.
    """
    name = sample.spec.features[place].name
    column = sample.numbers.get(name)
    if column is None or len(np.unique(column[~np.isnan(column)])) < _MIN_DISTINCT:
        return None
    for what, coding in _writings(column):
        rates = rates_out_of_fold(coding.codes, sample.won, sample.fold, prior=PRIOR)
        figure = auc_either_way(rates, sample.won)
        if is_suspect(figure, sample.won):
            words = f"gives the outcome away by {what}, whatever its size (AUC {short(figure)})"
            return accuse(WRITING, figure, words, name)
        found = telling(coding, sample)
        if found is not None:
            return accuse(WRITING, found.rate, describe(found, coding, sample), name)
    return None


def _writings(column: npt.NDArray[np.float64]) -> Iterator[tuple[str, Coding]]:
    missing = np.isnan(column)
    values = np.abs(np.nan_to_num(column))
    decimals = _decimals(values)
    yield (
        "its number of decimals",
        _coding(decimals, missing, [f"{n} decimals" for n in range(_DECIMALS)], "more decimals"),
    )
    whole = decimals == 0
    zeros = np.where(whole, _zeros(values), 0)
    yield "how round it is", _coding(zeros, missing, [f"{n} zeros at the end" for n in range(_ZEROS)], "more zeros")
    digits = np.where(whole, np.round(values) % 10, 10).astype(np.int64)
    yield "its last digit", _coding(digits, missing, [f"{n} at the end" for n in range(10)], "decimals")


def _coding(codes: Integers, missing: npt.NDArray[np.bool_], words: list[str], last: str) -> Coding:
    return Coding(np.where(missing, len(words) + 1, codes), (*words, last, "no value"))


def _decimals(values: npt.NDArray[np.float64]) -> Integers:
    """The fewest decimals that a value can be written with."""
    found = np.full(len(values), _DECIMALS)
    for decimals in reversed(range(_DECIMALS)):
        scaled = values * 10.0**decimals
        found[np.abs(scaled - np.round(scaled)) <= scaled * _PRECISION] = decimals
    return found


def _zeros(values: npt.NDArray[np.float64]) -> Integers:
    """The zeros at the end of a whole number."""
    found = np.zeros(len(values), dtype=np.int64)
    for zeros in range(1, _ZEROS + 1):
        found[(values > 0) & (np.round(values) % 10**zeros == 0)] = zeros
    return found

"""Numbers that name leads, and numbers whose order says how it ended."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from leadhouse.models.leaks.rates import Won, auc_either_way, is_suspect, short
from leadhouse.models.leaks.sample import Sample
from leadhouse.models.leaks.suspect import IDENTIFIER, ORDER, Suspect, accuse

_NEIGHBOURS = 5
_MIN_LEADS = 100
_DISTINCT = 0.9
_EXPECTED_TWINS = 20.0
"""So many pairs of leads would share a value by chance; where none does, the numbers were given one by one."""


def telling_order(sample: Sample, place: int) -> Suspect | None:
    """Return a number as a suspect if leads beside each other in its order share their outcome; else None.

    An export that lists the winners of each month first numbers them so: the number has no meaning, its order has.
    """
    name = sample.spec.features[place].name
    present, values = _present(sample, name)
    if len(values) < _MIN_LEADS or len(np.unique(values)) < _DISTINCT * len(values):
        return None
    order = np.argsort(values, kind="stable")
    won = sample.won[present][order]
    if not 0 < won.sum() < len(won):
        return None
    figure = auc_either_way(_rate_of_neighbours(won), won)
    if not is_suspect(figure, won):
        return None
    words = f"puts winners beside winners: a lead's neighbours in its order say how it ended (AUC {short(figure)})"
    return accuse(ORDER, figure, words, name)


def counted_up(sample: Sample, place: int) -> Suspect | None:
    """Return a trait as a suspect if its values are whole numbers given one by one to the leads; else None.

    Numbers with a meaning repeat: of n leads with whole numbers in a range of r at least n² / 2r pairs share one (the
    birthday problem).
    """
    name = sample.spec.features[place].name
    present, values = _present(sample, name)
    if len(values) < max(_MIN_LEADS, 0.5 * len(present)):
        return None
    if (values != np.round(values)).any() or len(np.unique(values)) < len(values):
        return None
    span = float(values.max()) - float(values.min()) + 1
    if len(values) ** 2 / (2 * span) < _EXPECTED_TWINS:
        return None
    words = f"names leads: no two of {len(values):,} share a number, though the numbers lie that close together"
    return accuse(IDENTIFIER, 1.0, words, name)


def _present(sample: Sample, name: str) -> tuple[Won, npt.NDArray[np.float64]]:
    """Which leads have a value of a trait that is a number, and these values."""
    column = sample.numbers.get(name, np.full(len(sample.won), np.nan))
    present = ~np.isnan(column)
    return present, column[present]


def _rate_of_neighbours(won: Won) -> npt.NDArray[np.float64]:
    """The share of winners among a lead's neighbours on both sides, itself left out."""
    near = np.convolve(won, np.ones(2 * _NEIGHBOURS + 1), mode="same") - won
    count = np.convolve(np.ones(len(won)), np.ones(2 * _NEIGHBOURS + 1), mode="same") - 1
    return np.asarray(near / count, dtype=np.float64)

"""How well codes tell winners from losers, judged on leads that the rates were not counted from."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from leadhouse.models.matrix import Integers

Won = npt.NDArray[np.bool_]
Rates = npt.NDArray[np.float64]

SUSPECT_AUC = 0.85
"""What alone tells winners from losers better than this is suspected of leakage."""
SURELY_ABOVE = 0.80
"""Few leads may reach it by luck: the AUC's 95 % bound must be above this, too."""
_ONE_SIDED_95 = 1.645


def rates_out_of_fold(codes: Integers, won: Won, fold: Integers, *, prior: float) -> Rates:
    """Return for each lead the rate of its code among the other folds' leads, drawn towards the rate of all.

    ``prior`` is how many leads' worth the rate of all counts.
    """
    size = int(codes.max()) + 1
    rates = np.empty(len(codes))
    for number in range(int(fold.max()) + 1):
        train, test = fold != number, fold == number
        count = np.bincount(codes[train], minlength=size)
        wins = np.bincount(codes[train], weights=won[train], minlength=size)
        rates[test] = ((wins + prior * won[train].mean()) / (count + prior))[codes[test]]
    return rates


def auc_either_way(values: npt.NDArray[np.generic], won: Won) -> float:
    """Return the AUC of values, whatever their direction, from their ranks. ``won`` holds both classes."""
    winners = int(won.sum())
    losers = len(won) - winners
    above = float(rankdata(values)[won].sum()) - winners * (winners + 1) / 2
    auc = above / (winners * losers)
    return max(auc, 1 - auc)


def is_suspect(auc: float, won: Won) -> bool:
    """Whether an AUC over these leads is too good to be honest, and not by the luck of few leads.

    The standard error is that of Hanley and McNeil, Radiology 143, 1982.
    """
    if auc <= SUSPECT_AUC:
        return False
    winners = int(won.sum())
    losers = len(won) - winners
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (winners - 1) * (one - auc**2) + (losers - 1) * (two - auc**2)
    error = math.sqrt(max(spread, 0.0) / (winners * losers))
    return auc - _ONE_SIDED_95 * error > SURELY_ABOVE


def short(auc: float) -> str:
    """Return an AUC as ``.923``; 1 where it is that with three digits."""
    shown = f"{auc:.3f}".rstrip("0").rstrip(".")
    return shown.removeprefix("0")

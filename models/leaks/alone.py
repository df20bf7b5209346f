"""A feature that tells winners from losers all alone."""

from __future__ import annotations

import numpy as np

from leadhouse.models.leaks.coding import code, code_presence
from leadhouse.models.leaks.rates import auc_either_way, is_suspect, rates_out_of_fold, short
from leadhouse.models.leaks.sample import Sample
from leadhouse.models.leaks.suspect import ALONE, MISSINGNESS, Suspect, accuse
from leadhouse.models.matrix import CATEGORY

PRIOR = 10.0
_MIN_CLASS = 20
_MIN_SHARE = 0.05


def alone(sample: Sample, place: int) -> Suspect | None:
    """Return a feature as a suspect if it, or only its being there, foretells the outcome too well; else None."""
    feature, won = sample.spec.features[place], sample.won
    there = code_presence(feature, sample.matrix[:, place]).codes
    known = auc_either_way(there, won)
    if is_suspect(known, won):
        rates = [float(won[there == side].mean()) for side in (1, 0)]
        words = f"gives it away by being filled in: {rates[0]:.0%} won where it is, {rates[1]:.0%} where it is not"
        return accuse(MISSINGNESS, known, words, feature.name)
    figure = single_auc(sample, place)
    if not is_suspect(figure, won):
        return None
    words = (
        f"alone puts the winner first in {figure * 100:.0f} of 100 pairs of a winner and another lead "
        f"(AUC {short(figure)})"
    )
    return accuse(ALONE, figure, words, feature.name)


def single_auc(sample: Sample, place: int) -> float:
    """Return how well one feature alone tells winners from losers, whatever the direction.

    The higher of two figures: the AUC of the rate per value or bin, counted on other leads; and, for a number that
    enough leads have, the AUC of the value itself among those.
    """
    feature, column, won = sample.spec.features[place], sample.matrix[:, place], sample.won
    rates = rates_out_of_fold(code(feature, column).codes, won, sample.fold, prior=PRIOR)
    figure = auc_either_way(rates, won)
    if feature.kind == CATEGORY:
        return figure
    present = ~np.isnan(column)
    winners = int(won[present].sum())
    if present.mean() < _MIN_SHARE or min(winners, present.sum() - winners) < _MIN_CLASS:
        return figure
    own = auc_either_way(column[present], won[present])
    return max(figure, own) if is_suspect(own, won[present]) else figure

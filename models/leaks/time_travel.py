"""Traits that change once the outcome is known: what they say now, they did not say when the lead came in."""

from __future__ import annotations

import numpy as np

from leadhouse.models.leaks.rates import Won
from leadhouse.models.leaks.suspect import TIME_TRAVEL, Suspect, accuse
from leadhouse.models.matrix import FeatureSpec, Floats
from leadhouse.transforms.feature_names import parse_feature_name

_MIN_CHANGED = 20
_DAY_PRECISION = 0.01
_MORE_OFTEN = 0.5
"""By so much the shares of changed winners and changed losers must differ; what anybody corrects changes for both."""


def time_travellers(before: Floats, after: Floats, days: Floats, won: Won, spec: FeatureSpec) -> list[Suspect]:
    """Return the traits as suspects that changed for winners far more often than for others, or the other way round.

    ``before`` and ``after`` hold the same leads' features, as known when they were looked at and as known later, when
    the outcome was settled, so many ``days`` after; ``won`` is the outcome. A value that comes or goes has changed; a
    date has not if it only lies so many more days back. What is no trait is left out: signals go on coming.
    """
    found: list[Suspect] = []
    if not 0 < won.sum() < len(won):
        return found
    for place, feature in enumerate(spec.features):
        old, new = before[:, place], after[:, place]
        if parse_feature_name(feature.name).measure != "trait":
            continue
        aged = np.abs(new - old - days) < _DAY_PRECISION
        changed = (old != new) & ~(np.isnan(old) & np.isnan(new)) & ~aged
        winners, others = float(changed[won].mean()), float(changed[~won].mean())
        if changed.sum() < _MIN_CHANGED or abs(winners - others) < _MORE_OFTEN or changed.all():
            continue
        words = (
            f"changed after the lead was looked at for {winners:.0%} of those that won and {others:.0%} of the others: "
            "the outcome changes it"
        )
        found.append(accuse(TIME_TRAVEL, max(winners, others), words, feature.name))
    return found

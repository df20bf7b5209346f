"""Partial dependence: what the model would say on average if all leads had one value of a feature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leadhouse.models.calibrate import Calibration
from leadhouse.models.evaluate import Probabilities
from leadhouse.models.fit import FittedModel
from leadhouse.models.matrix import CATEGORY, FLAG, Feature, Floats

QUANTILES = tuple(round(0.05 + 0.1 * place, 2) for place in range(10))
"""A number is looked at where so much of the sample is below: 5 %, 15 % … 95 %."""
MOST_LEVELS = 8
"""Of a category, so many levels are looked at, the most frequent."""
_DIGITS = 6


@dataclass(frozen=True)
class Point:
    """One value, and the mean probability with it."""

    value: float | str | None
    """None: missing."""
    probability: float


@dataclass(frozen=True)
class Dependence:
    """How the mean probability depends on one feature, all others left as they are."""

    feature: str
    points: tuple[Point, ...]
    """Numbers ascending, levels the most frequent first; missing last, if the sample has it missing."""


def dependence(fitted: FittedModel, calibration: Calibration, sample: Floats, place: int) -> Dependence:
    """Return the partial dependence of the calibrated probability on the feature in a column of ``sample``.

    Friedman, Greedy Function Approximation: A Gradient Boosting Machine, Annals of Statistics 29, 2001, section 8.2:
    the whole sample is given one value after another. Where features hang together, as counts over several windows do,
    that makes up leads that don't exist.
    """
    feature = fitted.spec.features[place]
    codes = values_of(feature, sample[:, place])
    means = averages(fitted, calibration, sample, place, codes)
    return Dependence(
        feature.name,
        tuple(
            Point(_own(feature, code), round(mean, _DIGITS))
            for code, mean in zip(codes.tolist(), means.tolist(), strict=True)
        ),
    )


def values_of(feature: Feature, column: Floats) -> Floats:
    """Return the values, as the matrix has them, at which a feature is looked at; NaN last if some are missing."""
    present = column[~np.isnan(column)]
    if not len(present):
        found = present
    elif feature.kind == CATEGORY:
        codes, counts = np.unique(present, return_counts=True)
        found = codes[np.argsort(-counts, kind="stable")][:MOST_LEVELS]
    elif feature.kind == FLAG:
        found = np.unique(present)
    else:
        found = np.unique(np.quantile(present, QUANTILES, method="inverted_cdf"))
    return np.append(found, np.float32(np.nan)) if len(present) < len(column) else found


def averages(
    fitted: FittedModel, calibration: Calibration, sample: Floats, place: int, values: Floats
) -> Probabilities:
    """Return the mean calibrated probability of the sample, were each row's column ``place`` one value, for each."""
    changed = sample.copy()
    means = np.empty(len(values))
    for number, value in enumerate(values):
        changed[:, place] = value
        means[number] = calibration.apply(fitted.log_odds(changed)).mean()
    return means


def _own(feature: Feature, code: float) -> float | str | None:
    if np.isnan(code):
        return None
    return feature.levels[int(code)] if feature.kind == CATEGORY else round(code, _DIGITS)

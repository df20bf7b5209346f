"""What moves a model's scores on the whole: features by their mean effect, and what the strongest of them do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from leadhouse.models.calibrate import Calibration
from leadhouse.models.dependence import Dependence, Point, dependence
from leadhouse.models.effects import effects
from leadhouse.models.fit import FittedModel
from leadhouse.models.matrix import Floats

OVERALL = "overall"
"""The card's key."""
EXAMPLES = 1_000
"""Examples looked at, at most: mean effects are then known to a few hundredths of themselves."""
STRONGEST = 6
"""Features whose partial dependence is looked at."""
_DIGITS = 6


@dataclass(frozen=True)
class Effect:
    """How far a feature moves scores, whichever way."""

    feature: str
    mean: float
    """Mean size of its effect on the probability."""


@dataclass(frozen=True)
class Overall:
    """A model's reasons over a sample of the examples that it has learned from."""

    start: float
    """The probability that every lead's reasons start from: the model's base value, calibrated."""
    examples: int
    effects: tuple[Effect, ...]
    """All features, the strongest first."""
    dependence: tuple[Dependence, ...]
    """Of the strongest that move scores at all."""

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "start": self.start,
            "examples": self.examples,
            "effects": [asdict(one) for one in self.effects],
            "dependence": [
                {"feature": one.feature, "points": [asdict(point) for point in one.points]} for one in self.dependence
            ],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Overall:
        """Read what ``to_json`` wrote."""
        return cls(
            start=float(document["start"]),
            examples=int(document["examples"]),
            effects=tuple(Effect(**one) for one in document["effects"]),
            dependence=tuple(
                Dependence(one["feature"], tuple(Point(**point) for point in one["points"]))
                for one in document["dependence"]
            ),
        )


def overall(fitted: FittedModel, calibration: Calibration, matrix: Floats, seed: int) -> Overall:
    """Return what moves scores on the whole, over at most 1,000 rows of an encoded matrix, drawn by ``seed``.

    The final trees have learned from all examples, so that none is held out from them: this says what the model does,
    not how well. A feature's mean effect is that of its single ones, without their signs (Lundberg and others, From
    Local Explanations to Global Understanding, Nature Machine Intelligence 2, 2020).
    """
    sample = _sample(matrix, seed)
    contributions = fitted.contributions(sample)
    means = np.abs(effects(contributions, calibration)).mean(axis=0)
    order = np.lexsort((np.arange(len(means)), -means))
    found = tuple(Effect(fitted.spec.names[place], round(float(means[place]), _DIGITS)) for place in order)
    strongest = [int(place) for place in order[:STRONGEST] if means[place] > 0]
    return Overall(
        start=round(float(calibration.apply(contributions[:1, -1])[0]), _DIGITS),
        examples=len(sample),
        effects=found,
        dependence=tuple(dependence(fitted, calibration, sample, place) for place in strongest),
    )


def overall_of(card: Mapping[str, Any]) -> Overall | None:
    """Return what a model's card says of it; None for a model of an earlier release."""
    return Overall.from_json(card[OVERALL]) if OVERALL in card else None


def _sample(matrix: Floats, seed: int) -> Floats:
    if len(matrix) <= EXAMPLES:
        return matrix
    return matrix[np.sort(np.random.default_rng(seed).choice(len(matrix), EXAMPLES, replace=False))]

"""The leads that are looked at for leaks: one example of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from leadhouse.models.examples import Examples
from leadhouse.models.feature_maps import number_columns
from leadhouse.models.matrix import NUMBER, FeatureSpec, Floats, Integers
from leadhouse.models.split import fold_of
from leadhouse.transforms.feature_names import parse_feature_name

MAX_LEADS = 20_000
"""Of more leads so many are drawn."""
_FOLDS = 5


@dataclass(frozen=True)
class Sample:
    """One example per lead, so that a lead's own rows don't foretell each other."""

    places: Integers
    """The examples' places in the training data."""
    matrix: Floats
    won: npt.NDArray[np.bool_]
    fold: Integers
    spec: FeatureSpec
    numbers: Mapping[str, npt.NDArray[np.float64]]
    """Of the traits that are numbers all digits, which the matrix rounds to seven."""

    @property
    def rate(self) -> float:
        """Share of leads that won."""
        return float(self.won.mean())


def draw_sample(examples: Examples, matrix: Floats, spec: FeatureSpec, seed: int) -> Sample:
    """Draw an example of each lead; of leads seen at several ages any, since only slow winners are seen late.

    ``matrix`` holds the examples' features as ``spec`` says. The same examples and seed give the same sample.
    """
    draw = np.random.default_rng(seed)
    order = draw.permutation(len(examples))
    _, first = np.unique(examples.leads[order], return_index=True)
    places = order[first]
    if len(places) > MAX_LEADS:
        places = draw.choice(places, MAX_LEADS, replace=False)
    places = np.sort(places)
    mine = examples.take(places)
    fold = fold_of(mine.labels, mine.leads, _FOLDS, seed)
    numbers = {name: one.values for name, one in number_columns(mine.rows, _numbers(spec)).items()}
    return Sample(places, matrix[places], mine.labels > 0, fold, spec, numbers)


def _numbers(spec: FeatureSpec) -> list[str]:
    return [
        feature.name
        for feature in spec.features
        if feature.kind == NUMBER and parse_feature_name(feature.name).measure == "trait"
    ]

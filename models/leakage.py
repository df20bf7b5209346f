"""Features that know too much: suspected to hold the outcome itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from leadhouse.models.matrix import CATEGORY, COUNT, Feature, FeatureSpec, Floats, Integers
from leadhouse.models.split import Labels, fold_of

SUSPECT_AUC = 0.85
"""A single feature above this AUC is suspected of leakage."""
SUSPECT_RATE = 0.95
"""So is one whose being there, or being missing, makes this share of leads winners (or losers, where most win)."""
_FOLDS = 5
_BINS = 20
_MIN_CLASS = 20
_MIN_SHARE = 0.05
_PRIOR = 10.0
_MAX_ROWS = 200_000


@dataclass(frozen=True)
class Suspect:
    """One suspected leak."""

    feature: str
    figure: float
    """The AUC, or the rate, that raised the suspicion."""
    words: str


def suspects(matrix: Floats, labels: Labels, leads: Integers, spec: FeatureSpec, seed: int) -> tuple[Suspect, ...]:
    """Return the features of an encoded matrix that are suspected of leakage, the strongest first.

    Above 200,000 examples a part of the leads is looked at.
    """
    if len(labels) > _MAX_ROWS:
        parts = -(-len(labels) // _MAX_ROWS)
        mine = fold_of(labels, leads, parts, seed) == 0
        matrix, labels, leads = matrix[mine], labels[mine], leads[mine]
    fold = fold_of(labels, leads, _FOLDS, seed)
    found = []
    for place, feature in enumerate(spec.features):
        suspect = _suspect(feature, matrix[:, place], labels, fold)
        if suspect is not None:
            found.append(suspect)
    return tuple(sorted(found, key=lambda suspect: (-suspect.figure, suspect.feature)))


def _suspect(feature: Feature, column: Floats, labels: Labels, fold: Integers) -> Suspect | None:
    alone = single_auc(feature, column, labels, fold)
    absent = column == 0 if feature.kind == COUNT else np.isnan(column)
    missing = _auc(absent, labels)
    if missing > SUSPECT_AUC:
        return Suspect(feature.name, missing, f"whether it is missing has an AUC of {_short(missing)} alone")
    if alone > SUSPECT_AUC:
        return Suspect(feature.name, alone, f"has an AUC of {_short(alone)} alone")
    rate = labels.mean()
    for side, words in ((~absent, "where it is there"), (absent, "where it is missing")):
        won = labels[side]
        if rate < 0.5 and won.sum() >= max(_MIN_CLASS, 0.2 * labels.sum()) and won.mean() >= SUSPECT_RATE:
            figure = float(won.mean())
            return Suspect(feature.name, figure, f"{figure:.0%} won {words}, {rate:.0%} of all")
    return None


def single_auc(feature: Feature, column: Floats, labels: Labels, fold: Integers) -> float:
    """Return how well one feature alone tells winners from losers, whatever the direction.

    The higher of two figures: the AUC of the rate per value or bin (numbers in 20 bins, missing a bin of its own), each
    learned on other folds; and, for a number that enough leads have, the AUC of the value itself among those.
    """
    figure = _auc(_encoded(_codes(feature, column), labels, fold), labels)
    if feature.kind == CATEGORY:
        return figure
    present = ~np.isnan(column)
    won = float(labels[present].sum())
    if present.mean() < _MIN_SHARE or min(won, present.sum() - won) < _MIN_CLASS:
        return figure
    return max(figure, _auc(column[present], labels[present]))


def _codes(feature: Feature, column: Floats) -> Integers:
    missing = np.isnan(column)
    if feature.kind == CATEGORY:
        return np.where(missing, len(feature.levels), np.nan_to_num(column)).astype(np.int64)
    present = column[~missing] if not missing.all() else np.zeros(1, dtype=np.float32)
    edges = np.unique(np.quantile(present, np.linspace(0, 1, _BINS + 1)[1:-1]))
    # Values equal to an edge go above it, so that a value shared by many (0) has a bin of its own.
    return np.where(missing, len(edges) + 1, np.searchsorted(edges, column, side="right")).astype(np.int64)


def _encoded(codes: Integers, labels: Labels, fold: Integers) -> npt.NDArray[np.float64]:
    """Replace each code by its rate on the other folds, drawn towards the overall rate."""
    size = int(codes.max()) + 1
    encoded = np.empty(len(codes))
    for number in range(int(fold.max()) + 1):
        train, test = fold != number, fold == number
        count = np.bincount(codes[train], minlength=size)
        won = np.bincount(codes[train], weights=labels[train], minlength=size)
        encoded[test] = ((won + _PRIOR * labels[train].mean()) / (count + _PRIOR))[codes[test]]
    return encoded


def _auc(values: npt.NDArray[np.generic], labels: Labels) -> float:
    auc = float(roc_auc_score(labels, values))
    return max(auc, 1 - auc)


def _short(figure: float) -> str:
    return f"{figure:.3f}".lstrip("0").rstrip("0") if figure < 1 else "1"

"""Fitting: plain XGBoost on one matrix, the same trees every time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xgboost as xgb

from leadhouse.models.evaluate import Probabilities
from leadhouse.models.matrix import FeatureSpec, Floats, Integers, Rows, encode
from leadhouse.models.split import Labels, fold_of

_LARGE = 50_000
"""From so many examples on, trees may be deeper and steps longer."""
_THREADED = 300_000
"""From so many examples on, a second thread pays."""
_INNER_FOLDS = 5
_PATIENCE = 25
_LEAST_ROUNDS = 20
"""Below this the held-back fifth was too small to say anything."""
_ONE_HOT_UP_TO = 32
"""Categories with so few levels are split one level against the rest; more are split by groups of levels."""


@dataclass(frozen=True)
class Params:
    """What fitting needs to know besides the data."""

    seed: int = 0
    max_depth: int = 4
    eta: float = 0.05
    max_rounds: int = 600
    min_child_weight: float = 5.0
    reg_lambda: float = 2.0
    subsample: float = 0.8
    colsample: float = 0.5
    threads: int = 1
    """One below _THREADED: histograms are done before two threads have met (20 times slower, seen, where other
    processes keep the cores busy). The trees do not depend on it."""

    def booster(self) -> dict[str, Any]:
        """Return XGBoost's own parameters."""
        return {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "max_depth": self.max_depth,
            "eta": self.eta,
            "min_child_weight": self.min_child_weight,
            "lambda": self.reg_lambda,
            "subsample": self.subsample,
            "colsample_bytree": self.colsample,
            "max_cat_to_onehot": _ONE_HOT_UP_TO,
            "seed": self.seed,
            "nthread": self.threads,
            "verbosity": 0,
        }


def params_for(examples: int, seed: int) -> Params:
    """Return the parameters for so many examples: shallow trees for small data."""
    if examples < _LARGE:
        return Params(seed=seed)
    threads = 2 if examples >= _THREADED else 1
    return Params(seed=seed, max_depth=6, eta=0.1, max_rounds=400, min_child_weight=20.0, threads=threads)


@dataclass(frozen=True)
class FittedModel:
    """Trees and the specification of the matrix that they read. Uncalibrated."""

    spec: FeatureSpec
    ubj: bytes
    """The trees in XGBoost's UBJSON."""
    rounds: int

    @cached_property
    def booster(self) -> xgb.Booster:
        """The trees, ready to predict."""
        booster = xgb.Booster({"nthread": 1})
        booster.load_model(bytearray(self.ubj))
        return booster

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """Travel to Spark's workers as what the model is made of, without the trees that were made ready here."""
        return FittedModel, (self.spec, self.ubj, self.rounds)

    def log_odds(self, matrix: Floats) -> Probabilities:
        """Return the trees' log odds for each row of an encoded matrix."""
        if not len(matrix):
            return np.empty(0)
        return np.asarray(self.booster.inplace_predict(matrix, predict_type="margin"), dtype=np.float64)

    def predict(self, rows: Rows) -> Probabilities:
        """Return the log odds for feature rows with the columns of gold.lead_features."""
        return self.log_odds(encode(rows, self.spec))

    def contributions(self, matrix: Floats) -> Probabilities:
        """Return each feature's share of the log odds (TreeSHAP): rows × (features + 1), the last the base value."""
        return np.asarray(self.booster.predict(dmatrix(matrix, self.spec), pred_contribs=True), dtype=np.float64)

    def importance(self) -> dict[str, float]:
        """Return each feature's share of the trees' total gain, all features named, 0 where it is never used."""
        found = self.booster.get_score(importance_type="total_gain")
        gain = [float(np.sum(found.get(f"f{place}", 0.0))) for place in range(len(self.spec.names))]
        total = sum(gain) or 1.0
        return {name: part / total for name, part in zip(self.spec.names, gain, strict=True)}


def fit(
    matrix: Floats, labels: Labels, leads: Integers, spec: FeatureSpec, params: Params, rounds: int | None = None
) -> FittedModel:
    """Fit trees on an encoded matrix.

    Without ``rounds``, a fifth of the leads is held back first to find how many rounds are best (early stopping on log
    loss); then all rows are fitted with that many. Same input, same bytes.
    """
    if rounds is None:
        rounds = best_rounds(matrix, labels, leads, spec, params)
    booster = xgb.train(params.booster(), dmatrix(matrix, spec, labels), num_boost_round=rounds)
    return FittedModel(spec, bytes(booster.save_raw("ubj")), rounds)


def best_rounds(matrix: Floats, labels: Labels, leads: Integers, spec: FeatureSpec, params: Params) -> int:
    """Return the number of rounds with the least log loss on a fifth of the leads, held back."""
    fold = fold_of(labels, leads, _INNER_FOLDS, params.seed)
    inner, outer = fold != 0, fold == 0
    booster = xgb.train(
        params.booster(),
        dmatrix(matrix[inner], spec, labels[inner]),
        num_boost_round=params.max_rounds,
        evals=[(dmatrix(matrix[outer], spec, labels[outer]), "inner")],
        early_stopping_rounds=_PATIENCE,
        verbose_eval=False,
    )
    return max(_LEAST_ROUNDS, int(booster.best_iteration) + 1)


def held_out(
    matrix: Floats,
    labels: Labels,
    leads: Integers,
    spec: FeatureSpec,
    params: Params,
    *,
    folds: int,
    rounds: int | None = None,
    only: int | None = None,
) -> tuple[Integers, Probabilities]:
    """Return places and log odds of examples, each scored by trees that never saw its lead.

    ``only``: stop after so many folds (for large data, where one fifth says enough). Without ``rounds`` every fold
    finds its own, inside its training part.
    """
    fold = fold_of(labels, leads, folds, params.seed + 1)
    places, scores = [], []
    for number in range(folds if only is None else only):
        train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        model = fit(
            matrix[train], labels[train], leads[train], spec, replace(params, seed=params.seed + number), rounds
        )
        places.append(test)
        scores.append(model.log_odds(matrix[test]))
    found = np.concatenate(places)
    order = np.argsort(found)
    return found[order], np.concatenate(scores)[order]


def dmatrix(matrix: Floats, spec: FeatureSpec, labels: Labels | None = None) -> xgb.DMatrix:
    """Return XGBoost's own form of an encoded matrix."""
    return xgb.DMatrix(
        matrix, label=labels, feature_types=spec.types, missing=np.nan, enable_categorical=True, nthread=1
    )

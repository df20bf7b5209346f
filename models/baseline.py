"""What a model must beat: the base rate, recency alone, and a logistic regression on the same matrix."""

from __future__ import annotations

import numpy as np
from scipy.special import expit
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from leadhouse.models.evaluate import Probabilities
from leadhouse.models.matrix import FeatureSpec, Floats, Integers
from leadhouse.models.split import Labels

BASE_RATE, RECENCY, LOGISTIC = "base rate", "recency alone", "logistic regression"
RECENCY_FEATURE = "days_since"
MAX_ROWS = 50_000
"""Rows that the regression learns from at most, drawn evenly."""
_BINS = 20
_PRIOR = 10.0
"""Examples' worth of the base rate that a bin's rate is drawn towards."""


def baselines(
    matrix: Floats, labels: Labels, spec: FeatureSpec, train: Integers, test: Integers
) -> dict[str, Probabilities]:
    """Return each baseline's probabilities on ``test``, learned from ``train`` (places in the matrix).

    Recency is left out where no feature says when a lead last gave a signal.
    """
    found = {BASE_RATE: np.full(len(test), float(labels[train].mean()))}
    if RECENCY_FEATURE in spec.names:
        column = matrix[:, spec.names.index(RECENCY_FEATURE)]
        found[RECENCY] = recency_rates(column, labels, train, test)
    return {**found, LOGISTIC: expit(logistic_log_odds(matrix, labels, spec, train, test))}


def recency_rates(days_since: Floats, labels: Labels, train: Integers, test: Integers) -> Probabilities:
    """Return the rates of ``train`` by days since the last signal, in 20 bins of equal count; none yet is its own."""
    learned_from, won = days_since[train], labels[train].astype(np.float64)
    present = learned_from[~np.isnan(learned_from)]
    edges = np.unique(np.quantile(present, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(present) else np.zeros(1)
    seen, judged = (
        np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))
        for values in (learned_from, days_since[test])
    )
    count = np.bincount(seen, minlength=len(edges) + 2)
    winners = np.bincount(seen, weights=won, minlength=len(edges) + 2)
    return np.asarray(((winners + _PRIOR * won.mean()) / (count + _PRIOR))[judged])


def logistic_log_odds(
    matrix: Floats, labels: Labels, spec: FeatureSpec, train: Integers, test: Integers
) -> Probabilities:
    """Return the log odds on ``test`` of a logistic regression fitted on ``train`` (places in the matrix)."""
    learned_from = train[:: -(-len(train) // MAX_ROWS)]
    model = _pipeline(spec).fit(matrix[learned_from], labels[learned_from] > 0)
    return np.asarray(model.decision_function(matrix[test]), dtype=np.float64)


def _pipeline(spec: FeatureSpec) -> Pipeline:
    quantities = [place for place, kind in enumerate(spec.types) if kind == "q"]
    categories = [place for place, kind in enumerate(spec.types) if kind == "c"]
    flatten = FunctionTransformer(_signed_log)
    columns = ColumnTransformer(
        [
            ("q", make_pipeline(flatten, SimpleImputer(add_indicator=True), StandardScaler()), quantities),
            ("c", OneHotEncoder(handle_unknown="ignore"), categories),
        ]
    )
    return make_pipeline(columns, LogisticRegression(max_iter=300))


def _signed_log(values: Floats) -> Floats:
    """Counts and ages have long tails, which a straight line can't follow."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)), dtype=np.float32)

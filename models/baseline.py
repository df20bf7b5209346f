"""What a model must beat: a logistic regression on the same matrix."""

from __future__ import annotations

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from leadhouse.models.evaluate import Probabilities
from leadhouse.models.matrix import FeatureSpec, Floats, Integers
from leadhouse.models.split import Labels

MAX_ROWS = 50_000
"""Rows that the regression learns from at most, drawn evenly."""


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

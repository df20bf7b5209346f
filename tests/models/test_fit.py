"""Fitting is plain XGBoost, the same every time."""

from __future__ import annotations

import numpy as np
import xgboost as xgb

from leadhouse.models.examples import read_examples
from leadhouse.models.fit import Params, fit, held_out
from leadhouse.models.learned import learn_spec
from leadhouse.models.matrix import encode
from tests.models.data import synthetic


def prepared(leads: int = 600):  # type: ignore[no-untyped-def]
    examples = read_examples(synthetic(leads)[0])
    spec = learn_spec(examples.rows, examples.leads).spec
    return examples, spec, encode(examples.rows, spec)


def test_scores_are_those_of_plain_xgboost_on_the_same_matrix() -> None:
    examples, spec, matrix = prepared()
    data = xgb.DMatrix(matrix, examples.labels, feature_types=["q", "q", "c"], enable_categorical=True)
    oracle = xgb.train(Params(seed=7).booster(), data, num_boost_round=30)
    model = fit(matrix, examples.labels, examples.leads, spec, Params(seed=7), rounds=30)
    np.testing.assert_allclose(model.predict(examples.rows), oracle.predict(data, output_margin=True), atol=1e-6)


def test_fitting_twice_gives_the_same_bytes_with_any_number_of_threads() -> None:
    examples, spec, matrix = prepared()
    args = (matrix, examples.labels, examples.leads, spec)
    assert fit(*args, Params()).ubj == fit(*args, Params(threads=2)).ubj
    assert fit(*args, Params()).ubj != fit(*args, Params(seed=1)).ubj


def test_every_example_is_scored_once_by_trees_that_did_not_see_its_lead() -> None:
    examples, spec, matrix = prepared()
    noise = np.random.default_rng(0).random(len(examples)).round().astype(np.float32)
    places, log_odds = held_out(matrix, noise, examples.leads, spec, Params(), folds=5, rounds=60)
    assert list(places) == list(range(len(examples)))
    seen = fit(matrix, noise, examples.leads, spec, Params(), rounds=60).log_odds(matrix)
    assert np.corrcoef(seen, noise)[0, 1] > 0.2 > 0.12 > abs(np.corrcoef(log_odds, noise)[0, 1])


def test_contributions_add_up_to_the_score() -> None:
    examples, spec, matrix = prepared()
    model = fit(matrix, examples.labels, examples.leads, spec, Params(), rounds=30)
    np.testing.assert_allclose(model.contributions(matrix).sum(axis=1), model.log_odds(matrix), atol=1e-4)
    assert abs(sum(model.importance().values()) - 1) < 1e-9

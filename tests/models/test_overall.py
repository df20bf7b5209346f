"""What moves scores on the whole: mean effects, and partial dependence as scikit-learn computes it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.inspection import partial_dependence

from leadhouse.models.dependence import MOST_LEVELS, averages, values_of
from leadhouse.models.effects import effects
from leadhouse.models.examples import read_examples
from leadhouse.models.learn import Plan, Trained, learn, prepare
from leadhouse.models.matrix import CATEGORY, COUNT, FLAG, NUMBER, Feature, encode
from leadhouse.models.model import LeadModel
from leadhouse.models.overall import EXAMPLES, OVERALL, Overall, overall, overall_of
from tests.models.data import synthetic

PLAN = Plan("acme", "won", 5)
NAN = np.float32(np.nan)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return learn(prepare(read_examples(synthetic(1500)[0]), PLAN), PLAN)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def matrix(trained: Trained) -> np.ndarray:
    return encode(read_examples(synthetic(1500)[0]).rows, trained.model.fitted.spec)


class Calibrated(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A lead model as scikit-learn knows classifiers."""

    def __init__(self, model: LeadModel | None = None) -> None:
        self.model, self.classes_ = model, np.array([0, 1])

    def fit(self, matrix: np.ndarray, labels: np.ndarray) -> Calibrated:
        return self

    def predict_proba(self, matrix: np.ndarray) -> np.ndarray:
        assert self.model is not None
        won = self.model.calibration.apply(self.model.fitted.log_odds(np.asarray(matrix, dtype=np.float32)))
        return np.column_stack([1 - won, won])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_partial_dependence_is_scikit_learns(trained: Trained, matrix: np.ndarray, place: int) -> None:
    model, sample = trained.model, matrix[:200]
    values = values_of(model.fitted.spec.features[place], sample[:, place])
    values = values[~np.isnan(values)]  # scikit-learn looks at no missing value
    expected = partial_dependence(
        Calibrated(model), sample, [place], method="brute", kind="average", custom_values={place: values}
    )
    found = averages(model.fitted, model.calibration, sample, place, values)
    assert len(values) >= 3
    np.testing.assert_allclose(found, expected["average"][0], atol=1e-9)


def test_the_card_holds_what_moves_scores(trained: Trained, matrix: np.ndarray) -> None:
    model = trained.model
    found = overall_of(json.loads(json.dumps(model.card)))
    assert found is not None
    assert found.to_json() == model.card[OVERALL]
    assert found.examples == EXAMPLES
    assert {one.feature for one in found.effects} == set(model.fitted.spec.names)
    means = [one.mean for one in found.effects]
    assert means == sorted(means, reverse=True)
    every = np.abs(effects(model.fitted.contributions(matrix), model.calibration)).mean(axis=0)
    for one in found.effects:
        # A thousand of all 1,500, drawn: near the mean of all.
        assert one.mean == pytest.approx(every[model.fitted.spec.names.index(one.feature)], rel=0.1)
    assert [one.feature for one in found.dependence] == [one.feature for one in found.effects[:6]]


def test_it_finds_what_the_leads_were_made_of(trained: Trained) -> None:
    found = overall_of(trained.model.card)
    assert found is not None
    of = {one.feature: {point.value: point.probability for point in one.points} for one in found.dependence}
    assert found.effects[0].feature == "count_7d:type:page_view"
    views = of["count_7d:type:page_view"]
    assert list(views) == sorted(views)  # type: ignore[type-var]
    assert views[max(views)] > 2 * views[min(views)]  # type: ignore[type-var]
    assert of["trait:country"]["US"] > of["trait:country"]["FR"] > of["trait:country"]["DE"]
    assert next(iter(of["trait:country"])) == "DE"  # the most frequent first
    assert list(of["days_since"])[-1] is None
    assert of["days_since"][None] < next(iter(of["days_since"].values()))  # no signal yet is worse than a fresh one


def test_the_same_matrix_and_seed_say_the_same(trained: Trained, matrix: np.ndarray) -> None:
    model = trained.model
    first, again, other = (overall(model.fitted, model.calibration, matrix, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert Overall.from_json(first.to_json()) == first
    few = overall(model.fitted, model.calibration, matrix[:50], seed=1)
    assert few.examples == 50


def test_a_model_of_an_earlier_release_says_nothing() -> None:
    assert overall_of({"examples": 3}) is None


@pytest.mark.parametrize(
    ("kind", "column", "values"),
    [
        (COUNT, [0, 0, 0, 0, 0, 0, 0, 1, 2, 50], [0, 1, 2, 50]),
        (NUMBER, [3, 1, 2, NAN], [1, 2, 3, NAN]),
        (FLAG, [0, 0, 0, 1], [0, 1]),
        (CATEGORY, [2, 2, 1, 0, 0, 0, NAN], [0, 2, 1, NAN]),
        (CATEGORY, [*range(20), *range(12, 20)], [*range(12, 20)]),
        (NUMBER, [NAN, NAN], [NAN]),
    ],
)
def test_a_feature_is_looked_at_where_leads_are(kind: str, column: list[float], values: list[float]) -> None:
    found = values_of(Feature("trait:x", kind), np.array(column, dtype=np.float32))
    np.testing.assert_array_equal(found, np.array(values, dtype=np.float32))
    assert kind != CATEGORY or (~np.isnan(found)).sum() <= MOST_LEVELS

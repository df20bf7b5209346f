"""Reasons in words with values."""

from __future__ import annotations

import numpy as np
import pytest

from leadhouse.models.examples import read_examples
from leadhouse.models.explain import REASONS, explain
from leadhouse.models.learn import Plan, learn, prepare
from leadhouse.models.matrix import CATEGORY, COUNT, FLAG, NUMBER, Feature
from leadhouse.models.model import LeadModel
from leadhouse.models.wording import describe
from tests.models.data import rows, synthetic


@pytest.fixture(scope="module")
def model() -> LeadModel:
    plan = Plan("acme", "won", 90)
    return learn(prepare(read_examples(synthetic(3000)[0]), plan), plan).model  # type: ignore[arg-type]


def test_reasons_go_the_way_that_the_propensity_goes(model: LeadModel) -> None:
    hot = ({"count_7d:type:page_view": 9.0, "days_since": 1.0}, {"trait:country": "US"})
    cold = ({"days_since": 90.0}, {"trait:country": "DE"})
    first, second = explain(model, rows(hot, cold)).to_pylist()
    assert {reason["direction"] for reason in first} == {"up"}
    assert {reason["direction"] for reason in second} == {"down"}
    assert first[0]["words"].startswith("9 page views in 7 days (usually 3) raises it by ")
    assert [reason["value"] for reason in second if reason["feature"] == "trait:country"] == ["DE"]
    assert all(reason["effect"] < 0 for reason in second)


def test_an_effect_is_what_the_probability_would_lose_without_the_feature(model: LeadModel) -> None:
    table = rows(({"count_7d:type:page_view": 9.0, "days_since": 1.0}, {"trait:country": "US"}))
    from leadhouse.models.matrix import encode

    shares = model.fitted.contributions(encode(table, model.fitted.spec))[0]
    probability = model.calibration.apply(np.array([shares.sum()]))[0]
    for reason in explain(model, table).to_pylist()[0]:
        share = shares[model.fitted.spec.names.index(reason["feature"])]
        without = model.calibration.apply(np.array([shares.sum() - share]))[0]
        assert reason["effect"] == pytest.approx(probability - without, abs=1e-6)


def test_a_missing_value_has_no_value_but_has_words(model: LeadModel) -> None:
    (reasons,) = explain(model, rows(({"count_7d:type:page_view": 1.0}, {}))).to_pylist()
    missing = next(reason for reason in reasons if reason["feature"] == "days_since")
    assert missing["value"] is None
    assert missing["words"].startswith("no signal yet (usually 1")


def test_no_rows_have_no_reasons(model: LeadModel) -> None:
    assert explain(model, rows()).type == REASONS


@pytest.mark.parametrize(
    ("name", "kind", "value", "words"),
    [
        ("count_7d:type:page_view", COUNT, 18.0, "18 page views in 7 days"),
        ("count_1d:type:reply", COUNT, 1.0, "1 reply in the last day"),
        ("count_30d:type:reply", COUNT, 2.0, "2 replies in 30 days"),
        ("count_90d", COUNT, 0.0, "no signals in 90 days"),
        ("count_7d:channel:email", COUNT, 3.0, "3 email signals in 7 days"),
        ("days_since:type:form_submit", NUMBER, 3.0, "last form submit 3 days ago"),
        ("days_since", NUMBER, 0.2, "last signal less than a day ago"),
        ("days_since", NUMBER, 1.0, "last signal 1 day ago"),
        ("days_since:type:call", NUMBER, None, "no call yet"),
        ("intensity", COUNT, 3.25, "recent activity is 3.2"),
        ("campaigns", COUNT, 1.0, "1 campaign"),
        ("days_between", NUMBER, 2.5, "2.5 days between signals"),
        ("age_days", NUMBER, 12.4, "a lead for 12 days"),
        ("trait:company_size", NUMBER, 12500.0, "company size is 12,500"),
        ("trait:do_not_call", FLAG, 1.0, "do not call is yes"),
        ("trait:country", CATEGORY, "DE", "country is DE"),
        ("trait:country", CATEGORY, None, "country is not known"),
    ],
)
def test_a_feature_says_what_it_is(name: str, kind: str, value: float | str | None, words: str) -> None:
    assert describe(Feature(name, kind), value) == words

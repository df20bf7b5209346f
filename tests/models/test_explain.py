"""Reasons in words with values."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from leadhouse.models.calibrate import ISOTONIC, Calibration
from leadhouse.models.effects import effects
from leadhouse.models.examples import read_examples
from leadhouse.models.explain import REASONS, explain
from leadhouse.models.learn import Plan, learn, prepare
from leadhouse.models.matrix import CATEGORY, COUNT, FLAG, NUMBER, Feature, encode
from leadhouse.models.model import LeadModel
from leadhouse.models.wording import describe, number, points, title, usual
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


def test_the_effects_are_those_of_the_features_and_reasons_are_chosen_in_log_odds(model: LeadModel) -> None:
    table = rows(({"count_7d:type:page_view": 9.0, "days_since": 1.0}, {"trait:country": "US"}))
    contributions = model.fitted.contributions(encode(table, model.fitted.spec))
    expected = effects(contributions, model.calibration)[0]
    (found,) = explain(model, table).to_pylist()
    for reason in found:
        assert reason["effect"] == pytest.approx(expected[model.fitted.spec.names.index(reason["feature"])], abs=1e-6)
    order = [model.fitted.spec.names[place] for place in np.argsort(-contributions[0, :-1])]
    assert [reason["feature"] for reason in found] == order


def test_another_calibration_changes_points_but_no_reason_nor_its_place(model: LeadModel) -> None:
    flat = replace(model, calibration=Calibration(ISOTONIC, (-9.0, -3.0, 3.0, 9.0), (-1.0, -0.9999, -0.9998, 5.0)))
    table = rows(
        ({"count_7d:type:page_view": 9.0, "days_since": 1.0}, {"trait:country": "DE"}),
        ({"days_since": 90.0}, {"trait:country": "US"}),
    )
    calibrated, flattened = (explain(one, table).to_pylist() for one in (model, flat))
    for before, after in zip(calibrated, flattened, strict=True):
        assert [(one["direction"], one["feature"]) for one in before] == [
            (one["direction"], one["feature"]) for one in after
        ]
        assert [one["effect"] for one in before] != [one["effect"] for one in after]
        assert all(one["words"].endswith("by less than 0.1 points") for one in after)


def test_the_value_is_the_leads_own_even_if_the_model_does_not_know_it(model: LeadModel) -> None:
    table = rows(({"count_7d:type:page_view": 123456789.0, "days_since": 0.1}, {"trait:country": "LU"}))
    found = {reason["feature"]: reason for reason in explain(model, table).to_pylist()[0]}
    assert found["count_7d:type:page_view"]["value"] == "123,456,789"  # float32 has 123,456,792
    assert found["trait:country"]["value"] == "LU"
    assert found["trait:country"]["words"].startswith("country is LU, a rare value (usually DE) ")
    (nothing,) = explain(model, rows(({"days_since": float("inf")}, None))).to_pylist()
    missing = {reason["feature"]: reason for reason in nothing}
    assert (missing["days_since"]["value"], missing["trait:country"]["value"]) == (None, None)
    assert missing["trait:country"]["words"].startswith("country is not known (usually DE) ")
    assert missing["count_7d:type:page_view"]["value"] == "0"


def test_a_missing_value_has_no_value_but_has_words(model: LeadModel) -> None:
    (reasons,) = explain(model, rows(({"count_7d:type:page_view": 1.0}, {}))).to_pylist()
    missing = next(reason for reason in reasons if reason["feature"] == "days_since")
    assert missing["value"] is None
    assert re.match(r"no signal yet \(usually 1\d days\) (raises|lowers) it by ", missing["words"])


def test_no_rows_have_no_reasons(model: LeadModel) -> None:
    assert explain(model, rows()).type == REASONS


@pytest.mark.parametrize(
    ("name", "kind", "value", "words"),
    [
        ("count_7d:type:page_view", COUNT, 18.0, "18 page views in 7 days"),
        ("count_7d:type:Form Submitted", COUNT, 2.0, "2 Form Submitted signals in 7 days"),
        ("count_30d:type:email_sent", COUNT, None, "no email sent signals in 30 days"),
        ("days_since:type:chat_started", NUMBER, 3.0, "last chat started signal 3 days ago"),
        ("count_7d:type:news_feed", COUNT, 2.0, "2 news feeds in 7 days"),
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


@pytest.mark.parametrize(
    ("kind", "name", "most", "value", "words"),
    [
        (COUNT, "count_7d:type:page_view", 2.0, 18.0, " (usually 2)"),
        (COUNT, "count_7d:type:page_view", 0.0, 18.0, " (usually none)"),
        (COUNT, "count_7d:type:page_view", 0.0, 0.0, ""),
        (NUMBER, "days_since:type:call", 12.41, None, " (usually 12 days)"),
        (NUMBER, "days_since:type:call", 12.41, 11.9, ""),  # both are 12 days
        (NUMBER, "trait:employees", 40.0, None, " (usually 40)"),
        (FLAG, "trait:do_not_call", 0.0, 1.0, " (usually no)"),
        (FLAG, "trait:do_not_call", 0.5, 1.0, ""),  # as many of either: nothing is usual
        (FLAG, "trait:children", 0.0, 3.0, " (usually no)"),
        (CATEGORY, "trait:country", "DE", "US", " (usually DE)"),
        (CATEGORY, "trait:country", "DE", "DE", ""),
        (CATEGORY, "trait:country", None, "DE", ""),
    ],
)
def test_what_is_usual_stands_beside_what_is_not(
    kind: str, name: str, most: float | str | None, value: float | str | None, words: str
) -> None:
    assert usual(Feature(name, kind, usual=most), value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (18.0, "18"), (0.0, "0"), (3.24, "3.2"), (3.04, "3"), (99.96, "100"), (0.4, "0.4"), (0.037, "0.037"),
        (0.00002, "0.00002"), (-2.55, "-2.5"), (1998.0, "1998"), (12500.0, "12,500"), (2500000.4, "2,500,000"),
    ],
)  # fmt: skip
def test_a_number_is_written_as_a_person_would(value: float, words: str) -> None:
    assert number(value) == words


def test_a_flag_that_is_neither_yes_nor_no_is_a_number() -> None:
    assert describe(Feature("trait:children", FLAG), 3.0) == "children is 3"
    assert describe(Feature("trait:children", FLAG), 0.0) == "children is no"


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        (0.0412, "4.1 points"), (-0.0412, "4.1 points"), (0.01, "1 point"), (0.0099, "1 point"), (0.2, "20 points"),
        (0.0004, "less than 0.1 points"), (0.0, "less than 0.1 points"), (0.001, "0.1 points"),
    ],
)  # fmt: skip
def test_an_effect_is_in_percentage_points(effect: float, words: str) -> None:
    assert points(effect) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("count_7d:type:page_view", "page views in 7 days"),
        ("count_1d:channel:email", "email signals in the last day"),
        ("count_90d", "signals in 90 days"),
        ("days_since:type:call", "days since last call"),
        ("days_since", "days since last signal"),
        ("days_between", "days between signals"),
        ("intensity", "recent activity"),
        ("campaigns", "campaigns"),
        ("age_days", "days as a lead"),
        ("trait:company_size", "company size"),
    ],
)
def test_a_feature_has_a_title(name: str, words: str) -> None:
    assert title(name) == words

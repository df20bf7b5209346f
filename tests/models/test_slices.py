"""Where a model fails is said, and where it only looks so is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss, roc_auc_score

from leadhouse.models.examples import SOURCE, TENANT
from leadhouse.models.slices import AGE, CHANNEL, COUNTRY, is_worse, levels_of, own_rate, slices
from tests.models.data import rows

WEB, MAIL = "count_90d:channel:web", "count_90d:channel:email"
NAMES = (WEB, MAIL, "count_7d:channel:phone", "age_days", "trait:country", "trait:size", "trait:plan")


def test_each_lead_has_a_country_a_main_channel_and_an_age() -> None:
    table = rows(
        ({WEB: 2.0, MAIL: 1.0, "age_days": 29.9}, {"trait:country": "DE"}),
        ({WEB: 2.0, MAIL: 2.0, "age_days": 30.0}, {"trait:country": "FR"}),
        ({"count_7d:channel:phone": 3.0}, {}),
        (None, None),
    )
    found, missing = levels_of(table, NAMES, (), {})
    assert {name: list(levels) for name, levels in found.items()} == {
        COUNTRY: ["DE", "FR", "not known", "not known"],
        CHANNEL: ["web", "email", "no signal in 90 days", "no signal in 90 days"],
        AGE: ["below 30 days", "30 days and more", "not known", "not known"],
    }
    assert missing == {}


def test_sources_and_tenants_are_told_apart_where_there_are_several() -> None:
    apart = {SOURCE: np.array(["crm", "web"]), TENANT: np.array(["acme", "acme"])}
    found, missing = levels_of(rows(({}, {}), ({}, {})), (), (), apart)
    assert list(found[SOURCE]) == ["crm", "web"]
    assert missing[TENANT] == "all leads are of acme"


def test_rare_sources_are_judged_together_and_every_tenant_alone() -> None:
    names = np.array([f"s{place % 12:02d}" for place in range(34)])
    found, _ = levels_of(rows(*(({}, {}) for _ in names)), (), (), {SOURCE: names, TENANT: names})
    assert (len(set(found[SOURCE])), len(set(found[TENANT]))) == (11, 12)


def test_what_cannot_be_sliced_by_is_said() -> None:
    table = rows(*(({}, {"trait:plan": f"plan {place}"}) for place in range(12)))
    found, missing = levels_of(table, ("trait:plan",), ("plan", "size"), {})
    assert found == {}
    assert set(missing) == {COUNTRY, CHANNEL, AGE, "plan", "size"}
    assert missing["plan"] == "it has 12 values; 10 are the most that are sliced by"


def test_a_trait_of_few_values_that_the_plan_names_is_a_dimension() -> None:
    table = rows(({}, {"trait:plan": "free"}), ({}, {"trait:plan": "paid"}), ({}, {}))
    assert list(levels_of(table, NAMES, ("plan",), {})[0]["plan"]) == ["free", "paid", "not known"]


def test_rare_countries_are_judged_together() -> None:
    table = rows(*(({}, {"trait:country": f"C{place % 12:02d}"}) for place in range(34)))
    levels = levels_of(table, ("trait:country",), (), {})[0][COUNTRY]
    assert sorted(set(levels)) == [*(f"C{place:02d}" for place in range(10)), "all others"]


def test_a_slice_in_which_the_model_fails_is_flagged_and_its_figures_are_scikit_learns() -> None:
    draw = np.random.default_rng(0)
    chance = draw.uniform(0.1, 0.7, 2000)
    labels = (draw.random(2000) < chance).astype(np.float32)
    country = np.where(np.arange(2000) < 400, "FR", "DE")
    said = np.where(country == "FR", 0.8 - chance, chance)
    everyone = np.arange(2000)
    good, bad = slices({COUNTRY: country}, labels, said, everyone, everyone, seed=0)
    assert [(one.level, one.examples, one.worse) for one in (good, bad)] == [("DE", 1600, False), ("FR", 400, True)]
    mine = country == "FR"
    assert bad.auc == pytest.approx(roc_auc_score(labels[mine], said[mine]), abs=1e-6)
    assert bad.log_loss == pytest.approx(log_loss(labels[mine], said[mine]), abs=1e-6)
    assert bad.base_log_loss == pytest.approx(log_loss(labels[mine], np.full(400, labels[mine].mean())), abs=0.004)
    assert bad.interval is not None
    assert bad.interval.low <= bad.auc <= bad.interval.high


def test_a_model_that_is_right_is_hardly_ever_flagged() -> None:
    flagged = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        chance = draw.uniform(0.02, 0.06, 300)
        labels, leads = (draw.random(300) < chance).astype(np.float32), draw.integers(0, 150, 300)
        flagged += is_worse(labels, chance, own_rate(labels, leads), leads)
    assert flagged <= 10


@pytest.mark.parametrize(("leads", "said", "worse"), [(30, 0.05, False), (2000, 0.3, True), (15, 0.9, False)])
def test_a_slice_without_winners_is_flagged_where_that_is_no_accident(leads: int, said: float, worse: bool) -> None:
    labels, ids = np.zeros(leads, np.float32), np.arange(leads)
    assert is_worse(labels, np.full(leads, said), own_rate(labels, ids), ids, comparisons=10) is worse


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=20))
def test_the_own_rate_of_a_lead_is_that_of_all_others(pairs: list[tuple[int, bool]]) -> None:
    leads = np.array([lead for lead, _ in pairs])
    labels = np.array([won for _, won in pairs], np.float32)
    for place, lead in enumerate(leads):
        others = labels[leads != lead]
        assert own_rate(labels, leads)[place] == pytest.approx((others.sum() + 0.5) / (len(others) + 1))


def test_few_winners_have_no_auc_and_an_example_judged_twice_counts_once() -> None:
    labels = np.tile(np.array([1] * 15 + [0] * 85, np.float32), 2)
    level = np.tile(np.where(np.arange(100) < 50, "a", "b"), 2)
    everyone = np.tile(np.arange(100), 2)
    found = slices({"plan": level}, labels, np.full(200, 0.15), everyone, everyone, seed=0)
    assert [(one.level, one.examples, one.leads, one.auc) for one in found] == [
        ("a", 50, 50, None),
        ("b", 50, 50, None),
    ]

"""The model card says what the evidence says, in words that a person reads."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from leadhouse.models.card import Promotion, model_card
from leadhouse.models.examples import read_examples
from leadhouse.models.learn import Plan, Trained, learn, prepare
from leadhouse.models.limits import limits
from leadhouse.models.model import LeadModel
from leadhouse.models.package import model_hash, pack, unpack
from leadhouse.models.wording import points
from tests.models.data import synthetic

PLAN = Plan("acme", "won", 5)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return learn(prepare(read_examples(synthetic(1500)[0]), PLAN), PLAN)  # type: ignore[arg-type]


def card(model: LeadModel, **changed: Any) -> str:
    known: dict[str, Any] = {"title": "leadhouse-acme/3", "model_hash": "abc", "tags": {}, **changed}
    return model_card(model, **known)


def changed(trained: Trained, **parts: object) -> LeadModel:
    return replace(trained.model, card={**trained.model.card, **parts})


def test_it_holds_every_figure_with_its_interval(trained: Trained) -> None:
    text = card(trained.model)
    one, interval = trained.metrics, trained.evidence.intervals["auc"]
    assert f"| AUC | {one.auc:.3f} | {interval.low:.3f} to {interval.high:.3f} |" in text
    for baseline in trained.evidence.baselines:
        assert f"| {baseline.name} | {baseline.auc:.3f} | {baseline.log_loss:.3f} |" in text
    for origin in trained.evidence.origins:
        assert f"| {origin.name} | {origin.learned_from:,} | {origin.metrics.examples:,} |" in text
    for found in trained.evidence.slices.slices:
        assert f"| {found.dimension} | {found.level} | {found.examples:,} |" in text
    for bin_ in trained.evidence.reliability:
        assert f"| {bin_.probability:.1%} | {bin_.rate:.1%} | {bin_.examples:,} |" in text
    for feature in trained.model.fitted.spec.features:
        assert f"| `{feature.name}` |" in text
    assert "Nothing was learned from the last 5 days before a cut-off." in text
    assert "- Not by channel: no feature counts the signals of a channel." in text


def test_it_says_what_moves_a_score_and_by_how_much(trained: Trained) -> None:
    text, found = card(trained.model), trained.model.card["overall"]
    strongest = found["effects"][0]
    assert re.search(rf"\| `{strongest['feature']}` \|.*\| {points(strongest['mean'])} \|", text)
    assert f"A lead's score is {found['start']:.1%} plus the effects of all its features." in text
    (country,) = [one["points"] for one in found["dependence"] if one["feature"] == "trait:country"]
    levels = " · ".join(f"{point['value']}: {point['probability']:.1%}" for point in country)
    assert f"| `trait:country` | {levels} |" in text
    old = {name: part for name, part in trained.model.card.items() if name != "overall"}
    assert "An earlier release trained this model" in card(replace(trained.model, card=old))


def test_a_model_that_was_stored_and_read_back_has_the_same_card(trained: Trained) -> None:
    files = pack(trained.model)
    assert card(unpack(files, model_hash(files))) == card(trained.model)


def test_it_says_where_it_comes_from_and_who_promoted_it(trained: Trained) -> None:
    assert "nobody had promoted it" in card(trained.model)
    promotion = Promotion("dana", "2024-05-01", "better than 2 on the same leads")
    text = card(trained.model, tags={"version silver.leads": "7"}, promotion=promotion)
    assert text.startswith("# Model card: leadhouse-acme/3\n")
    assert "| version silver.leads | 7 |" in text
    assert text.endswith("## Who promoted it, and why?\n\ndana, 2024-05-01: better than 2 on the same leads\n")


def test_no_value_of_the_data_breaks_a_table_or_becomes_markup(trained: Trained) -> None:
    odd = {**trained.model.card["slices"][0], "level": "a | b\n<script>", "worse": True}
    text = card(changed(trained, slices=[odd], excluded={"trait:x|y": "the same for all"}))
    assert "| country | a \\| b &lt;script> |" in text
    assert "<script" not in text
    assert "| `trait:x\\|y` | the same for all |" in text
    assert "**Worse than the base rate: country a \\| b &lt;script>.**" in text


def test_every_table_has_as_many_cells_in_each_row(trained: Trained) -> None:
    for block in card(trained.model).split("\n\n"):
        assert len({line.count(" | ") for line in block.splitlines() if line.startswith("| ")}) <= 1


def test_it_names_what_was_counted_out_and_what_a_contract_let_in(trained: Trained) -> None:
    assert "although sensitive" not in card(trained.model)
    text = card(changed(trained, rare={"trait:city": 9744}, repeated=2, sensitive=["trait:age"]))
    assert "- `trait:city`: 9,744 rare values counted as missing." in text
    assert "- 2 examples of a lead and a moment that another spoke of already." in text
    assert "**Declared as a feature although sensitive: `trait:age`.**" in text


def test_only_declared_features_that_are_learned_from_are_called_sensitive() -> None:
    data = prepare(read_examples(synthetic(1000)[0]), PLAN)
    found = learn(data, PLAN, frozenset({"trait:country", "trait:age"}))  # type: ignore[arg-type]
    assert found.model.card["sensitive"] == ["trait:country"]


def test_a_suspect_stands_there_with_what_to_do(trained: Trained) -> None:
    one = {"feature": "trait:x", "kind": "alone", "figure": 0.9, "words": "knows", "advice": "declare it"}
    assert "| `trait:x` | knows | declare it |" in card(changed(trained, suspects=[one]))
    old = {"feature": "trait:x", "figure": 0.9, "words": "knows"}  # of a model that was registered before
    assert "| `trait:x` | knows |  |" in card(changed(trained, suspects=[old]))


def test_limits_follow_from_the_evidence(trained: Trained) -> None:
    sound = {
        **trained.model.card,
        "baselines": [{"name": "base rate", "gain": {"low": 0.1, "high": 0.2}}],
        "slices": [],
        "suspects": [],
    }
    few = len(limits(sound))
    weak = {"baselines": [{"name": "recency alone", "gain": {"low": -0.01, "high": 0.02}}]}
    assert "It ranks leads no better than the recency alone does, beyond noise." in limits({**sound, **weak})
    for more in (
        weak,
        {"slices": [{"dimension": "country", "level": "FR", "worse": True}]},
        {"suspects": [{"feature": "trait:x", "words": "knows"}]},
        {"method": "out of fold"},
        {"origins": [{"gap_days": 0}]},
    ):
        assert len(limits({**sound, **more})) == few + 1

"""Planted leaks are named, whatever the share of winners; what is honest is not."""

from __future__ import annotations

import numpy as np
import pytest

from leadhouse.models.leakage import suspects
from leadhouse.models.leaks.suspect import Suspect
from tests.models.leaks.company import LEAKS, PLAN, honest, prepared

NEEDS_MORE_LEADS = {
    (400, 0.38): {"a status that many winners have", "a number that stands for the winners"},
}
"""What so few leads can't tell from luck. (Of 152 winners half have the value; of all leads, 38 % won.)"""


def found(name: str, leads: int, rate: float, seed: int = 1) -> tuple[tuple[Suspect, ...], set[str]]:
    """The suspects in a company's data with one planted leak, and the features that were planted."""
    features, won = honest(leads, rate, seed)
    planted = LEAKS[name](won, np.random.default_rng(seed))
    return suspects(prepared(features | planted, won), PLAN), set(planted)


@pytest.mark.parametrize("rate", [0.05, 0.2, 0.38, 0.6])
@pytest.mark.parametrize("name", LEAKS)
def test_a_planted_leak_is_named_and_nothing_else(name: str, rate: float) -> None:
    named, planted = found(name, 2000, rate)
    assert named
    for suspect in named:
        assert set(suspect.feature.split(" and ")) <= planted
        assert suspect.figure > 0.5
        assert suspect.words
        assert suspect.advice


@pytest.mark.parametrize("rate", [0.2, 0.38])
def test_most_are_named_among_four_hundred_leads(rate: float) -> None:
    missed = {name for name in LEAKS if not found(name, 400, rate)[0]}
    assert missed <= NEEDS_MORE_LEADS.get((400, rate), set())


@pytest.mark.parametrize("rate", [0.1, 0.2, 0.38, 0.6, 0.8])
@pytest.mark.parametrize("leads", [500, 3000])
def test_honest_data_raise_no_false_alarm(leads: int, rate: float) -> None:
    for seed in range(8):
        assert suspects(prepared(*honest(leads, rate, seed)), PLAN) == ()


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("the label, copied", "alone", "alone puts the winner first in 100 of 100 pairs"),
        ("filled in for winners only", "missingness", "100% won where it is, 0% where it is not"),
        ("filled in for half of the winners only", "missingness", "leads with a value won, of all leads"),
        ("a status that many winners have", "value", "leads with 'onboarding' won, of all leads 2"),
        ("a number that stands for the winners", "value", "leads with 999 won, of all leads 2"),
        ("cents where a quote was signed", "writing", "by its number of decimals, whatever its size"),
        ("numbered with each week's winners first", "order", "puts winners beside winners"),
        ("a record's number", "identifier", "names leads: no two of 2,000 share a number"),
        ("paid in full", "pair", "by which of them is larger, or whether they are equal"),
        ("the owner stays for winners", "pair", "by whether they are equal"),
        ("two flags that differ for winners", "pair", "by which of them is larger, or whether they are equal"),
        ("round sums where nobody signed", "writing", "by how round it is"),
        ("a last digit that a form adds", "writing", "by its last digit"),
        ("two parts of one sum", "pair", "by their sum"),
        ("a flag that fits the segment of winners", "pair", "by the combination of their values"),
        ("a small difference of two large numbers", "pair", "by their difference"),
    ],
)
def test_it_says_in_words_what_gave_it_away(name: str, kind: str, words: str) -> None:
    (suspect,) = found(name, 2000, 0.2)[0]
    assert suspect.kind == kind
    assert words in suspect.words


def test_it_says_what_to_do() -> None:
    advice = {name: found(name, 2000, 0.2)[0][0].advice for name in LEAKS}
    assert advice["the label, copied"].endswith("declare 'known: later' for the field 'customer'")
    assert advice["the owner stays for winners"].endswith("for the field 'first_owner' or 'owner'")
    assert "'external_id'" in advice["a record's number"]
    assert "'occurred_at'" in advice["a count of what follows the win"]


def test_the_strongest_comes_first_and_a_feature_is_accused_of_one_thing() -> None:
    features, won = honest(2000, 0.2, 1)
    draw = np.random.default_rng(0)
    both = LEAKS["an earlier model's score"](won, draw) | LEAKS["the label, copied"](won, draw)
    named = [suspect.feature for suspect in suspects(prepared(features | both, won), PLAN)]
    assert named == ["trait:customer", "trait:grade"]

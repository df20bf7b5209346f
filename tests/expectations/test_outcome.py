from __future__ import annotations

import pytest

from leadhouse.conf.errors import InputError
from leadhouse.expectations.contract import Contract, Location, Shape
from leadhouse.expectations.outcome import outcome_of


def a_contract(source: str, outcome: str) -> Contract:
    where = Location("local", "*.csv")
    return Contract(
        "acme", source, "1.0.0", "0" * 64, "x.odcs.yaml", "sales", "", where, Shape("csv"), (), outcome=outcome
    )


WON, BOUGHT = a_contract("crm", "won"), a_contract("shop", "bought")


def test_the_outcome_is_the_only_one_or_the_chosen_one() -> None:
    assert outcome_of("acme", [WON], None) == "won"
    assert outcome_of("acme", [WON, BOUGHT], "bought") == "bought"
    assert outcome_of("nobody", [WON], None) is None


def test_an_outcome_that_is_not_chosen_among_several_or_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="expected one of bought, won; it is not set"):
        outcome_of("acme", [WON, BOUGHT], None)
    with pytest.raises(InputError, match="got 'lost'"):
        outcome_of("acme", [WON], "lost")

"""Who shares a model: whom the settings name, if they foretell the same; and a name that no tenant can have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadhouse.conf.errors import InputError
from leadhouse.conf.names import name_problem
from leadhouse.conf.settings import Training
from leadhouse.expectations.contract import Contract
from leadhouse.expectations.sharing import Circle, circle_of
from tests.expectations.test_outcome import a_contract


def contract(tenant: str, outcome: str = "won") -> Contract:
    return replace(a_contract("crm", outcome), tenant=tenant)


ACME, GLOBEX, INITECH = contract("acme"), contract("globex"), contract("initech")
ALL = (INITECH, GLOBEX, ACME)


def test_nobody_shares_unless_the_settings_say_so() -> None:
    assert circle_of(ALL, Training()) == Circle()


def test_who_is_named_shares_in_whatever_order_and_who_is_not_named_does_not() -> None:
    found = circle_of(ALL, Training(share=("globex", "acme")))
    assert (found.tenants, found.outcome, found.notes) == (("acme", "globex"), "won", ())
    assert found.name == circle_of((ACME, GLOBEX), Training(share=("acme", "globex"))).name


def test_another_circle_has_another_name_and_no_tenant_can_have_it() -> None:
    names = {circle_of(ALL, Training(share=who)).name for who in (("acme", "globex"), ("acme", "initech"))}
    assert len(names) == 2
    assert all(name_problem(name, "tenant") for name in names)


def test_unknown_tenants_are_all_named_beside_the_known() -> None:
    with pytest.raises(InputError, match=r"contracts name \(acme, globex, initech\); got acne, gloebx; mend the name"):
        circle_of(ALL, Training(share=("acme", "acne", "gloebx")))


def test_outcomes_of_different_names_are_not_learned_together() -> None:
    found = circle_of((ACME, contract("globex", "signed")), Training(share=("acme", "globex")))
    assert found.tenants == ()
    (note,) = found.notes
    assert note.startswith("no shared model: the outcomes differ: won of acme, signed of globex")


def test_who_declares_no_outcome_shares_nothing() -> None:
    silent = replace(INITECH, outcome=None)
    three = circle_of((ACME, GLOBEX, silent), Training(share=("acme", "globex", "initech")))
    assert three.tenants == ("acme", "globex")
    assert three.notes == ("initech: shares nothing: no contract declares an outcome",)
    assert circle_of((ACME, silent), Training(share=("acme", "initech"))).tenants == ()

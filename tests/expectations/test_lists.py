from __future__ import annotations

from pathlib import Path

import pytest

from leadhouse.conf.errors import InputError
from leadhouse.expectations.contract import Contract, Field, Location, Shape
from leadhouse.expectations.lists import parse_lists, read_lists, trait_types

GOOD = """
name: hot_leads
channel: crm_task
purpose: sales
eligible: "score >= 0.3 and traits.industry = 'Retail' and features.count_7d > 2"
"""


def contract(*fields: Field) -> Contract:
    return Contract(
        "acme", "crm", "1.0.0", "", "crm.odcs.yaml", "sales", "", Location("local", "*.csv"), Shape("csv"), fields
    )


CONTRACTS = (contract(Field("industry", "Industry", "string", roles=("trait",)), Field("email", "E", "string")),)


def problems(**documents: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse_lists({f"{name}.yaml": text.encode() for name, text in documents.items()}, CONTRACTS)
    return list(caught.value.problems)


def test_a_list_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    path = tmp_path / "hot.yaml"
    path.write_text(GOOD)
    (spec,) = read_lists([path], CONTRACTS)
    assert (spec.name, spec.channel, spec.purpose) == ("hot_leads", "crm_task", "sales")
    assert (spec.priority, spec.capacity_per_day, spec.hold_out, spec.legal_basis) == (0, None, 0.0, None)
    assert spec.rank_by.text == "score"


def test_lists_take_leads_by_priority_then_by_name() -> None:
    low, high = GOOD.replace("hot_leads", "a_low"), GOOD.replace("hot_leads", "z_high") + "priority: 10\n"
    documents = {"1": GOOD.encode(), "2": low.encode(), "3": high.encode()}
    assert [spec.name for spec in parse_lists(documents, CONTRACTS)] == ["z_high", "a_low", "hot_leads"]


def test_every_problem_of_every_file_is_named() -> None:
    found = problems(
        a="name: ../x\nchannel: E-Mail\npurpose: 5\neligible: rand() > traits.size\ncapacity: 5",
        b="name: b\nchannel: email\npurpose: sales\neligible: true\nhold_out: 1.5\ncapacity_per_day: 0\npriority: high",
        c="- just\n- a list",
        d="name: [",
        e="name: x\nname: y",
    )
    assert [line.split("; ")[0] for line in found] == [
        "a.yaml: unknown key 'capacity'",
        "a.yaml: name: expected a name of 1 to 63 letters, digits, '_', '-' or '.', starting with a letter or digit",
        "a.yaml: channel: expected a word of a-z, 0-9 and _ such as email or crm_task",
        "a.yaml: purpose: expected a word of a-z, 0-9 and _ such as marketing",
        *[line.split("; ")[0] for line in found[4:6]],
        "b.yaml: priority: expected a whole number",
        "b.yaml: capacity_per_day: expected a whole number of at least 1",
        "b.yaml: hold_out: expected a share of at least 0 and less than 1",
        "c.yaml: expected keys such as name and eligible",
        found[10].split("; ")[0],
        found[11].split("; ")[0],
    ]
    assert found[4].startswith("a.yaml: eligible: function rand: not allowed")
    assert found[5].startswith("a.yaml: eligible: traits.size: no contract declares this trait; known are country, ind")
    assert found[10].startswith("d.yaml: expected YAML")
    assert "the key 'name' is there twice" in found[11]


def test_missing_keys_are_named() -> None:
    assert problems(a="description: nothing") == [
        f"a.yaml: expected the key {key!r}; it is missing" for key in ("name", "channel", "purpose", "eligible")
    ]


@pytest.mark.parametrize("name", ["../x", "/etc/x", "", "a\x07b", ".hidden", "a b", "x" * 64, "a..b"])
def test_a_list_can_not_leave_its_folder_by_its_name(name: str) -> None:
    text = GOOD.replace("hot_leads", '"' + name.replace("\x07", "\\a") + '"')
    assert "name" in problems(a=text)[0]


def test_two_lists_of_one_name_are_refused_whatever_their_case() -> None:
    (found,) = problems(a=GOOD, b=GOOD.replace("hot_leads", "Hot_Leads"))
    assert found == "b.yaml: name: expected a name of its own; a.yaml has 'Hot_Leads' too; rename one"


def test_only_crm_task_may_claim_a_legal_basis_of_its_own() -> None:
    (found,) = problems(a=GOOD.replace("crm_task", "email") + "legal_basis: legitimate_interest\n")
    assert found.startswith("a.yaml: legal_basis: only crm_task may claim one")
    (found,) = problems(a=GOOD + "legal_basis: luck\n")
    assert "expected one of legitimate_interest, contract, consent" in found


def test_a_trait_that_two_contracts_type_differently_is_text() -> None:
    size, other = Field("size", "S", "integer", roles=("trait",)), Field("size", "S", "string", roles=("trait",))
    assert trait_types([contract(size)]) == {"size": "integer"}
    assert trait_types([contract(size), contract(other)]) == {"size": "string"}


def test_a_file_that_is_no_utf8_is_a_problem_of_its_own() -> None:
    with pytest.raises(InputError, match=r"a\.yaml: expected YAML; it can't be read"):
        parse_lists({"a.yaml": b"name: \xff"}, CONTRACTS)

"""The shipped workspaces: every file of theirs is valid, and fits the data that it is about."""

from __future__ import annotations

import csv
import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

from leadhouse.conf.workspace import SHIPPED, open_workspace, shipped_workspace
from leadhouse.expectations.contract import Contract
from leadhouse.expectations.lists import read_lists
from leadhouse.expectations.odcs import read_contracts
from leadhouse.jobs.company.company import make_company

LATER = {
    "Tags", "Lead Quality", "Lead Profile", "Asymmetrique Activity Index", "Asymmetrique Profile Index",
    "Asymmetrique Activity Score", "Asymmetrique Profile Score", "Last Activity", "Last Notable Activity",
    "What is your current occupation", "What matters most to you in choosing a course",
}  # fmt: skip


def contracts_of(name: str) -> dict[str, Contract]:
    workspace = open_workspace(shipped_workspace(name))
    return {entry.source: entry for entry in read_contracts(workspace.contract_files, workspace.settings.tenant)}


@pytest.mark.parametrize("name", SHIPPED)
def test_contracts_follow_the_standard_and_lists_are_safe_expressions(name: str) -> None:
    workspace = open_workspace(shipped_workspace(name))
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    for path in workspace.contract_files:
        assert [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))] == []
    contracts = contracts_of(name)
    assert len(read_lists(workspace.list_files, contracts.values())) == len(workspace.list_files) >= 1
    assert all(contract.owner and contract.description for contract in contracts.values())
    outcomes = {contract.outcome for contract in contracts.values()} | {
        field.name for contract in contracts.values() for field in contract.fields_with("outcome")
    }
    assert workspace.settings.training.outcome in outcomes


def test_every_file_of_the_made_up_company_has_one_contract_whose_columns_it_has(tmp_path: Path) -> None:
    make_company(tmp_path, leads=40, seed=1)
    landing = tmp_path / "landing"
    contracts = contracts_of("demo").values()
    taken = {contract.source: set(landing.glob(contract.location.path)) for contract in contracts}
    everything = {path for path in landing.rglob("*") if path.is_file()}
    assert set().union(*taken.values()) == everything
    assert sum(map(len, taken.values())) == len(everything)
    for contract in contracts:
        if contract.shape.format == "csv":
            for path in taken[contract.source]:
                assert header(path, contract) == [field.physical_name for field in contract.fields]


def test_the_contracts_for_real_data_name_its_columns(shared_data: Path) -> None:
    places = {"x_education": "x_education", "olist": "olist_funnel"}
    for name, folder in places.items():
        for contract in contracts_of(name).values():
            (path,) = (shared_data / folder).glob(contract.location.path)
            declared = [field.physical_name for field in contract.fields]
            assert [column for column in header(path, contract) if column] == declared


def test_what_is_filled_in_after_the_fact_is_known_later() -> None:
    (leads,) = contracts_of("x_education").values()
    assert {field.physical_name for field in leads.fields if field.known == "later"} == LATER
    deals = contracts_of("olist")["closed_deals"]
    assert all(field.known == "later" for field in deals.fields_with("trait"))


def header(path: Path, contract: Contract) -> list[str]:
    with path.open(encoding=contract.shape.encoding, newline="") as file:
        return next(csv.reader(file, delimiter=contract.shape.separator))

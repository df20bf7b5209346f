"""Contract files: what the standard says, what we add, and all problems at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from leadhouse.conf.errors import InputError
from leadhouse.expectations.contract import Consent
from leadhouse.expectations.odcs import parse_contract, read_contracts

GOOD = """
apiVersion: v3.1.0
kind: DataContract
id: acme.crm
name: crm
version: 1.2.0
status: active
team: {name: sales-operations}
servers: [{server: landing, type: local, path: "crm/*.csv", format: csv, encoding: windows-1252}]
customProperties:
  - {property: delivery, value: incremental}
  - {property: delimiter, value: ";"}
  - {property: nullTokens, value: ["", "Select"]}
slaProperties: [{property: freshness, value: 2, unit: d}, {property: retention, value: 1, unit: y}]
schema:
  - name: crm
    properties:
      - name: lead_id
        physicalName: Lead Number
        logicalType: string
        required: true
        primaryKey: true
        customProperties: [{property: role, value: [external_id, trait]}]
      - name: no_mail
        logicalType: boolean
        customProperties:
          - {property: role, value: consent}
          - {property: consent, value: {channel: email, purpose: "*", means: withdrawn}}
      - name: size
        logicalType: string
        classification: sensitive
        customProperties: [{property: feature, value: true}]
        quality:
          - {metric: invalidValues, arguments: {validValues: [small, large]}, mustBe: 0}
          - {metric: nullValues, mustBeLessThan: 5, unit: percent}
"""


def test_a_contract_is_read_with_its_defaults() -> None:
    contract = parse_contract(GOOD.encode(), "crm.yaml", "acme")
    assert (contract.tenant, contract.source, contract.delivery, contract.creates_leads) == (
        "acme",
        "crm",
        "incremental",
        True,
    )
    assert (contract.shape.separator, contract.shape.encoding, contract.shape.null_tokens) == (
        ";",
        "windows-1252",
        ("", "Select"),
    )
    assert (contract.freshness_hours, contract.retention_days) == (48.0, 365)
    lead_id, no_mail, size = contract.fields
    assert (lead_id.physical_name, lead_id.roles, lead_id.key_position) == ("Lead Number", ("external_id", "trait"), 1)
    assert no_mail.consent == Consent("email", "*", "withdrawn", "consent")
    assert size.valid_values == ("small", "large")
    assert [field.feature for field in (lead_id, no_mail, size)] == [False, False, True]
    assert [(rule.metric, rule.column, rule.threshold) for rule in contract.quality] == [("nullValues", "size", (5.0,))]


def test_every_problem_of_a_file_is_reported_at_once() -> None:
    text = (
        GOOD.replace("property: delivery", "property: delivry")
        .replace("[external_id, trait]", "extrenal_id")
        .replace("means: withdrawn", "means: gone")
        .replace('path: "crm/*.csv"', 'path: "../*.csv"')
    )
    with pytest.raises(InputError) as caught:
        parse_contract(text.encode(), "crm.yaml", "acme")
    said = "\n".join(caught.value.problems)
    for part in ("did you mean 'delivery'", "'extrenal_id'", "consent.means", "without '..'"):
        assert part in said
    assert all(line.startswith("crm.yaml: ") for line in caught.value.problems)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "expected YAML in UTF-8"),
        (b"a: [", "expected YAML"),
        (b"- 1", "expected a contract"),
        (b"apiVersion: v3.1.0", "required"),
    ],
)
def test_what_is_no_contract_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_contract(content, "x.yaml", "acme")


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("{property: retention, value: 6, unit: h}", "expected whole days"),  # rounded down, all would expire at once
        ("{property: retention, value: -1, unit: d}", "above 0"),
        ("{property: freshness, value: 0, unit: h}", "above 0"),
        ("{property: freshness, value: 1, unit: fortnight}", "expected a number above 0 of"),
    ],
)
def test_a_service_level_that_nothing_could_keep_is_refused(level: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_contract(re.sub(r"slaProperties: .*", f"slaProperties: [{level}]", GOOD).encode(), "crm.yaml", "acme")


def test_an_unknown_key_is_refused_by_the_standards_own_schema() -> None:
    with pytest.raises(InputError, match="Open Data Contract Standard"):
        parse_contract((GOOD + "\nserverz: []\n").encode(), "crm.yaml", "acme")


def test_two_sources_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(GOOD, encoding="utf-8")
    with pytest.raises(InputError, match=r"b\.yaml: name: .*'crm' is also in a\.yaml"):
        read_contracts(sorted(tmp_path.iterdir()), "acme")

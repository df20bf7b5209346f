"""Slips of the pen in a contract are refused by name, never silently read as something else."""

from __future__ import annotations

import pytest

from leadhouse.conf.errors import InputError
from leadhouse.expectations.odcs import parse_contract

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: crm
name: crm
version: 1.0.0
status: active
servers: [{server: landing, type: local, path: "crm/*.csv", format: csv}]
customProperties: [{property: delivery, value: full}]
schema:
  - name: crm
    properties:
      - {name: id, logicalType: string, required: true, primaryKey: true, customProperties: [{property: role,
         value: external_id}]}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "external_id}",
            "external_id}, {property: feature, value: true}",
            "this one is personal, which no feature may be",
        ),
        (
            "external_id}",
            "external_id}, {property: signs, value: ['%']}",
            "id: signs: expected some text each, of an integer or a number",
        ),
        ("external_id}", "external_id}, {property: feature, value: 1}", "feature: expected true or false; got 1"),
        ("name: crm\nversion", "name: crm\nname: web\nversion", "the key 'name' is there twice"),
        ("value: full}", "value: full}, {property: delivery, value: incremental}", "delivery: expected once"),
        ("required: true, primaryKey", "primaryKey", "id: expected a required key where delivery is full"),
        ("value: full}", "value: full}, {property: maxShrink, value: 3}", "maxShrink: expected a share from 0 to 1"),
        ("value: full}", "value: full}, {property: minRows, value: -1}", "minRows: expected 0 or more"),
        (
            "value: full}",
            "value: full}, {property: minRows, value: null}",
            "minRows: expected a whole number; got nothing",
        ),
    ],
)
def test_each_slip_of_the_pen_is_named(old: str, new: str, expected: str) -> None:
    assert old in CONTRACT
    parse_contract(CONTRACT.encode(), "crm.odcs.yaml", "acme")
    with pytest.raises(InputError, match=expected):
        parse_contract(CONTRACT.replace(old, new).encode(), "crm.odcs.yaml", "acme")

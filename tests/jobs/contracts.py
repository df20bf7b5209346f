"""Contracts for the tests of jobs: as a value, where a file landed; as a file's text, where a job reads one."""

from __future__ import annotations

from leadhouse.expectations.contract import Contract, Location, Shape

CSV = Shape("csv")
CRM_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: acme.crm
name: crm
version: 1.0.0
status: active
team: {name: sales}
servers: [{server: landing, type: local, path: "crm*.csv", format: csv}]
customProperties: [{property: createsLeads, value: true}]
schema:
  - name: crm
    physicalType: file
    properties:
      - {name: id, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 1,
         classification: confidential, customProperties: [{property: role, value: external_id}]}
      - {name: created, logicalType: timestamp, customProperties: [{property: role, value: created_at}]}
"""
"""A contract of leads with an id and a time; more fields may follow."""


def a_contract(source: str = "leads", glob: str = "*.csv", shape: Shape = CSV) -> Contract:
    """A contract without fields for files that match a glob."""
    location = Location("local", glob)
    return Contract("acme", source, "1.0.0", "0" * 64, f"{source}.odcs.yaml", "sales", "", location, shape, ())

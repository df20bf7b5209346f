"""The CRM's export of the leads behind half of the page views' visitors, and the list that wants some of them."""

from __future__ import annotations

from pathlib import Path

_EXPORT = "leads.csv"
_VISITORS_PER_LEAD = 2
_COUNTRIES = ("DE", "FR", "US", "NL", "GB")
_INDUSTRIES = ("chemicals", "energy", "food", "machinery", "pharma", "water", "")
_CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: bench.crm
name: crm
version: 1.0.0
status: active
servers: [{server: landing, type: local, path: "leads*.csv", format: csv}]
customProperties: [{property: delivery, value: incremental}]
schema:
  - name: crm
    properties:
      - {name: lead, logicalType: string, required: true, primaryKey: true, classification: confidential,
         customProperties: [{property: role, value: external_id}, {property: namespace, value: crm}]}
      - {name: visitor, logicalType: string, classification: confidential,
         customProperties: [{property: role, value: anonymous_id}, {property: namespace, value: web}]}
      - {name: changed, logicalType: timestamp, required: true, customProperties: [{property: role, value: updated_at}]}
      - {name: employees, logicalType: integer, customProperties: [{property: role, value: trait}]}
      - {name: country, logicalType: string, customProperties: [{property: role, value: trait}]}
      - {name: industry, logicalType: string, customProperties: [{property: role, value: trait}]}
"""
_LIST = """\
name: active
channel: crm_task
purpose: sales
legal_basis: legitimate_interest
eligible: "features.count_7d >= 1 and traits.employees >= 50"
capacity_per_day: 500
"""


def visitor(number: int) -> str:
    """Return the id that a tracker gives a visitor."""
    return f"visitor-{number:010}"


def write_crm(workspace: Path, folder: Path, visitors: int) -> int:
    """Write contract and list into a workspace and the export into a folder; return how many leads there are."""
    for below in (workspace / "contracts", workspace / "lists", folder):
        below.mkdir(parents=True, exist_ok=True)
    (workspace / "contracts" / "crm.odcs.yaml").write_text(_CONTRACT, encoding="utf-8")
    (workspace / "lists" / "active.yaml").write_text(_LIST, encoding="utf-8")
    leads = range(-(-visitors // _VISITORS_PER_LEAD))
    rows = (
        f"L{lead},{visitor(lead * _VISITORS_PER_LEAD)},2024-05-01T00:00:00Z,{lead * 37 % 400},"
        f"{_COUNTRIES[lead % len(_COUNTRIES)]},{_INDUSTRIES[lead % len(_INDUSTRIES)]}"
        for lead in leads
    )
    text = "\n".join(["lead,visitor,changed,employees,country,industry", *rows, ""])
    (folder / _EXPORT).write_text(text, encoding="utf-8")
    return len(leads)

"""A workspace of leads that come by topics and files: one contract, one list that everybody is on."""

from __future__ import annotations

import json
from pathlib import Path

from tests.jobs.small_company import rows_of

_CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: {name}
name: {name}
version: 1.0.0
status: active
servers: [{{server: here, format: json, {server}}}]
customProperties:
  - {{property: createsLeads, value: true}}
  - {{property: signalType, value: click}}
{more}
schema:
  - name: {name}
    properties:
      - {{name: id, logicalType: string, required: true, primaryKey: true}}
      - {{name: at, logicalType: timestamp, required: true, customProperties: [{{property: role, value: occurred_at}}]}}
      - name: person
        logicalType: string
        required: true
        customProperties: [{{property: role, value: external_id}}, {{property: namespace, value: crm}}]
"""
_EVERYBODY = """
name: everybody
channel: crm_task
purpose: sales
eligible: "features.count_90d >= 0"
capacity_per_day: 1000
legal_basis: legitimate_interest
"""
# A broker that is gone is asked for a second or two, so that tests needn't wait for it.
_IMPATIENT = '{"default.api.timeout.ms": 2500, "request.timeout.ms": 2000}'


def a_workspace(folder: Path) -> Path:
    """A workspace with a list and no contract yet."""
    for name in ("contracts", "lists"):
        (folder / name).mkdir(parents=True)
    (folder / "settings.toml").write_text('tenant = "acme"\n[landing]\nsettle_seconds = 0.0\n')
    (folder / "lists" / "everybody.yaml").write_text(_EVERYBODY)
    return folder


def from_files(workspace: Path, name: str, *more: str) -> Path:
    """Add a source whose clicks land as files, and return its contract; ``more`` are custom properties."""
    return _write(workspace, name, f'type: local, path: "{name}/*.jsonl"', more)


def from_topic(workspace: Path, name: str, address: str, topic: str, *more: str) -> None:
    """Add a source whose clicks are messages."""
    properties = (f"topic, value: {topic}", f"kafka, value: {_IMPATIENT}", *more)
    _write(workspace, name, f'type: kafka, host: "{address}"', properties)


def click(number: int, person: str | None = None, at: str = "2025-11-20T10:00:00Z") -> bytes:
    """An event, of a person of its own unless one is named."""
    return json.dumps({"id": f"c{number}", "at": at, "person": person or f"p{number}"}).encode()


def land(landing: Path, name: str, *lines: bytes) -> None:
    """Write lines into a source's file."""
    folder = landing / Path(name).parent
    folder.mkdir(parents=True, exist_ok=True)
    (landing / f"{name}.jsonl").write_bytes(b"\n".join([*lines, b""]))


def listed(lake: Path) -> int:
    """How many leads are on the list."""
    return len(rows_of(lake, "gold.engagement_lists"))


def _write(workspace: Path, name: str, server: str, properties: tuple[str, ...]) -> Path:
    more = "\n".join(f"  - {{property: {entry}}}" for entry in properties)
    text = _CONTRACT.format(name=name, server=server, more=more)
    path = workspace / "contracts" / f"{name}.odcs.yaml"
    path.write_text(text)
    return path

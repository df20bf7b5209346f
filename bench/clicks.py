"""Clicks of known leads, as a tracker sends them to a topic, and the workspace that makes decisions of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

SOURCE = "clicks"
"""The topic's name and its contract's."""

_CLICKS = """\
apiVersion: v3.1.0
kind: DataContract
id: clicks
name: clicks
version: 1.0.0
status: active
servers: [{server}]
customProperties:
{topic}  - {{property: delivery, value: events}}
  - {{property: channel, value: web}}
schema:
  - name: clicks
    properties:
      - {{name: id, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 1}}
      - {{name: lead, logicalType: string, required: true, classification: confidential, customProperties: [
          {{property: role, value: external_id}}, {{property: namespace, value: crm}}]}}
      - {{name: kind, logicalType: string, required: true, customProperties: [{{property: role, value: signal_type}}]}}
      - {{name: at, logicalType: timestamp, required: true, customProperties: [{{property: role, value: occurred_at}}]}}
"""
_TOPIC = '{{server: stream, type: kafka, host: "{address}", format: json}}'
_TOPIC_NAME = "  - {property: topic, value: clicks}\n"
_FILES = '{server: landing, type: local, path: "clicks*.jsonl", format: json}'
_LEADS = """\
apiVersion: v3.1.0
kind: DataContract
id: crm
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
      - {name: changed, logicalType: timestamp, required: true, customProperties: [{property: role, value: updated_at}]}
      - {name: employees, logicalType: integer, customProperties: [{property: role, value: trait}]}
"""
_LIST = """\
name: active
channel: crm_task
purpose: sales
legal_basis: legitimate_interest
eligible: "features.count_7d >= 3 and traits.employees >= 50"
capacity_per_day: 50
"""


def write_clicks(folder: Path, leads: int, *, address: str | None = None) -> tuple[Path, Path]:
    """Write a workspace for clicks and a landing folder with so many leads; return both.

    ``address`` is that of the broker that has the clicks; None: they land as files.
    """
    server, topic = (_FILES, "") if address is None else (_TOPIC.format(address=address), _TOPIC_NAME)
    workspace, landing = folder / "workspace", folder / "landing"
    for below in (workspace / "contracts", workspace / "lists", landing):
        below.mkdir(parents=True)
    (workspace / "settings.toml").write_text('tenant = "bench"\n', encoding="utf-8")
    (workspace / "contracts" / "clicks.odcs.yaml").write_text(
        _CLICKS.format(server=server, topic=topic), encoding="utf-8"
    )
    (workspace / "contracts" / "crm.odcs.yaml").write_text(_LEADS, encoding="utf-8")
    (workspace / "lists" / "active.yaml").write_text(_LIST, encoding="utf-8")
    rows = [f"L{number},2026-01-01T00:00:00Z,{number % 200}" for number in range(leads)]
    (landing / "leads.csv").write_text("\n".join(["lead,changed,employees", *rows, ""]), encoding="utf-8")
    return workspace, landing


def click(name: str, lead: int, due: datetime) -> bytes:
    """Return the message of a click that is due at a moment."""
    moment = due.astimezone(UTC).isoformat(timespec="microseconds")
    return json.dumps({"id": name, "lead": f"L{lead}", "kind": "page_view", "at": moment}).encode()


def due_at(message: bytes) -> datetime:
    """Return when a click was due."""
    return datetime.fromisoformat(json.loads(message)["at"])


def land_clicks(landing: Path, name: str, leads: Sequence[int], *, last: datetime, days: float) -> int:
    """Land a file with a click of each of ``leads``, evenly over the days up to a moment; return its bytes."""
    step = timedelta(days=days) / max(1, len(leads))
    lines = (click(f"{name}-{place}", lead, last - step * place) for place, lead in enumerate(leads))
    return (landing / f"clicks_{name}.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))

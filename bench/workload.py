"""What the bench works on: page views as a tracker lands or sends them, and the workspaces that read them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leadhouse.bench.crm import visitor, write_crm

TENANT = "bench"
SOURCE = "page_views"
TYPES = ("page_view", "pricing_view", "download")
EVENTS_PER_VISITOR = 10
FILES = 8

_BAD, _REPEATED, _LATE = 0.03, 0.02, 0.01
_FIRST = int(np.datetime64("2024-06-01T00:00:00", "ms").astype(np.int64))
_SPAN = 30 * 86_400_000
_LATENESS = 60 * 86_400_000
_PATHS = (
    "/",
    "/pricing",
    "/products/pressure-sensors",
    "/products/flow-meters/ultrasonic",
    "/blog/calibration-at-scale",
)
_CAMPAIGNS = (None, None, None, "spring_webinar", "trade_fair_2024", "newsletter_05")
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1",
)

_FILES = '{server: landing, type: local, path: "web/page_views*.jsonl", format: json}'
_TOPIC = '{{server: stream, type: kafka, host: "{address}", format: json}}'
_TOPIC_NAME = f"  - {{property: topic, value: {SOURCE}}}\n"
_CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: bench.page_views
name: page_views
version: 1.0.0
status: active
team: {name: web}
description: {purpose: "Page views that the bench generates."}
servers: [SERVER]
customProperties:
TOPIC  - {property: delivery, value: events}
  - {property: channel, value: web}
schema:
  - name: page_views
    physicalType: file
    quality:
      - {metric: rowCount, mustBeGreaterThan: 0}
    properties:
      - {name: event_id, logicalType: string, required: true, primaryKey: true, primaryKeyPosition: 1}
      - name: type
        logicalType: string
        required: true
        customProperties: [{property: role, value: signal_type}]
        quality:
          - {metric: invalidValues, arguments: {validValues: [page_view, pricing_view, download]}, mustBe: 0}
      - name: anonymous_id
        logicalType: string
        required: true
        classification: confidential
        customProperties: [{property: role, value: anonymous_id}, {property: namespace, value: web}]
      - name: occurred_at
        logicalType: timestamp
        required: true
        customProperties: [{property: role, value: occurred_at}]
      - {name: url, physicalName: page.url, logicalType: string, logicalTypeOptions: {maxLength: 2000}}
      - {name: seconds, physicalName: page.seconds, logicalType: number, logicalTypeOptions: {minimum: 0}}
      - name: campaign
        physicalName: campaign.name
        logicalType: string
        customProperties: [{property: role, value: campaign}]
      - {name: agent, physicalName: client.agent, logicalType: string}
"""


@dataclass(frozen=True)
class Workload:
    """A landing folder with a workspace beside it, and what is known about it."""

    landing: Path
    workspace: Path
    events: int
    """Lines in the files."""
    bad: int
    """Lines that break the contract."""
    repeated: int
    """Good lines that are there a second time."""
    size: int
    """Bytes of all files."""
    leads: int
    """Visitors that the CRM knows."""
    crm: Path
    """The folder with the CRM's export of them."""

    @property
    def files(self) -> list[Path]:
        """The files, in order."""
        return sorted((self.landing / "web").glob("*.jsonl"))


def make_workload(folder: Path, events: int, seed: int) -> Workload:
    """Write ``events`` page views into a few files, the CRM's leads, and the workspace with their contracts.

    3 % of the lines are bad (each of six ways in turn), 2 % repeat an earlier one, 1 % tell of what was two months ago.
    The same seed gives the same bytes.
    """
    workspace, landing, crm = folder / "workspace", folder / "landing", folder / "crm"
    write_workspace(workspace)
    leads = write_crm(workspace, crm, _visitors(events))
    (landing / "web").mkdir(parents=True)
    draw = np.random.default_rng(seed)
    fate = draw.random(events)
    lines, bad, repeated = _Lines(events, draw), 0, 0
    size = 0
    good: list[str] = []
    for number, part in enumerate(np.array_split(np.arange(events), FILES)):
        with (landing / "web" / f"page_views_{number:02}.jsonl").open("wb") as file:
            written: list[str] = []
            for place in part.tolist():
                if fate[place] < _BAD:
                    written.append(lines.bad(place, bad))
                    bad += 1
                elif fate[place] < _BAD + _REPEATED and good:
                    written.append(good[place % len(good)])
                    repeated += 1
                else:
                    written.append(lines.good(place))
                    if len(good) < 10_000:
                        good.append(written[-1])
            content = ("\n".join(written) + "\n").encode() if written else b""
            size += file.write(content)
    return Workload(landing, workspace, events, bad, repeated, size, leads, crm)


def write_workspace(workspace: Path, *, address: str | None = None) -> None:
    """Write a workspace for page views; ``address`` is that of the broker that has them. None: they land as files."""
    server, topic = (_FILES, "") if address is None else (_TOPIC.format(address=address), _TOPIC_NAME)
    (workspace / "contracts").mkdir(parents=True)
    (workspace / "contracts" / "page_views.odcs.yaml").write_text(
        _CONTRACT.replace("SERVER", server).replace("TOPIC", topic), encoding="utf-8"
    )
    (workspace / "settings.toml").write_text(f'tenant = "{TENANT}"\n', encoding="utf-8")


def _visitors(events: int) -> int:
    return max(1, events // EVENTS_PER_VISITOR)


class _Lines:
    """Draws the fields of all events at once, and makes lines of them one by one."""

    def __init__(self, events: int, draw: np.random.Generator) -> None:
        late = draw.random(events) < _LATE
        moments = _FIRST + draw.integers(0, _SPAN, events) - np.where(late, _LATENESS, 0)
        self._moments = np.datetime_as_string(moments.astype("datetime64[ms]"), unit="ms").tolist()
        self._visitors = draw.integers(0, _visitors(events), events).tolist()
        self._types = draw.choice(len(TYPES), events, p=[0.85, 0.1, 0.05]).tolist()
        self._paths = draw.integers(0, len(_PATHS), events).tolist()
        self._campaigns = draw.integers(0, len(_CAMPAIGNS), events).tolist()
        self._agents = draw.integers(0, len(_AGENTS), events).tolist()
        self._seconds = np.round(draw.exponential(45, events), 1).tolist()
        self._nonces = draw.integers(0, 1 << 62, events).tolist()

    def good(self, place: int) -> str:
        """Return an event's line."""
        return json.dumps(self._event(place), separators=(",", ":"))

    def bad(self, place: int, kind: int) -> str:
        """Return the line of an event that breaks the contract, in one of six ways."""
        event = self._event(place)
        ways: list[dict[str, object]] = [
            {"type": "teleport"},
            {"occurred_at": "yesterday"},
            {"anonymous_id": None},
            {"page": {"url": "/", "seconds": -5}},
            {"page": {"url": "/", "seconds": "long"}},
        ]
        if kind % 6 == 5:
            return self.good(place)[:-20]
        return json.dumps(event | ways[kind % 6], separators=(",", ":"))

    def _event(self, place: int) -> dict[str, object]:
        campaign = _CAMPAIGNS[self._campaigns[place]]
        return {
            "event_id": f"{self._nonces[place]:016x}{place:08x}",
            "type": TYPES[self._types[place]],
            "anonymous_id": visitor(self._visitors[place]),
            "occurred_at": f"{self._moments[place]}Z",
            "page": {"url": _PATHS[self._paths[place]], "seconds": self._seconds[place]},
            **({"campaign": {"name": campaign}} if campaign else {}),
            "client": {"agent": _AGENTS[self._agents[place]]},
        }

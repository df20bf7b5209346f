"""Clocks that are wrong, hours that are skipped or come twice, events that come a year late or before their time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from leadhouse.conf.settings import Landing, Settings
from leadhouse.jobs import feature, ingest, refine
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.transforms.feature_names import WINDOWS_DAYS
from tests.faults.streams import a_workspace, click, from_files, land
from tests.jobs.lakes import a_run

SETTINGS = Settings(tenant="acme", landing=Landing(settle_seconds=0))
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
"""Of the day on which Berlin's clocks went from 02:00 to 03:00."""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def test_events_count_when_they_happened_whatever_the_clock_says(spark: SparkSession, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    from_files(a_workspace(tmp_path / "workspace"), "files", "timeZone, value: Europe/Berlin")
    land(landing, "files/first",
         click(1, "now", _text(NOON - HOUR)),
         click(2, "before", _text(NOON - 3 * DAY)),
         click(3, "late", _text(NOON - 365 * DAY)),
         click(4, "skipped", "2026-03-29T02:30:00"),
         click(5, "twice", "2025-10-26T02:30:00"),
         click(6, "future", _text(NOON + 365 * DAY)))  # fmt: skip
    lake = _computed(spark, tmp_path, landing, clock=NOON - DAY)
    assert _occurred(lake) == {
        "now": NOON - HOUR, "before": NOON - 3 * DAY, "late": NOON - 365 * DAY,
        "skipped": datetime(2026, 3, 29, 1, 30, tzinfo=UTC), "twice": datetime(2025, 10, 26, 0, 30, tzinfo=UTC),
    }  # fmt: skip
    assert _refused(lake) == {("future", "future")}
    assert _tick(lake) == (NOON - 3 * DAY, {"before": 1}), "what has not been yet, by our clock, waits for it"

    land(landing, "files/second", click(7, "between", _text(NOON - 2 * DAY)), click(8, "far", _text(NOON + 3 * DAY)))
    lake = _computed(spark, tmp_path, landing, clock=NOON + DAY)
    assert _refused(lake) == {("future", "future"), ("far", "future")}
    assert _tick(lake) == (NOON - HOUR, {"now": 1, "before": 7, "skipped": 1, "between": 7})

    land(landing, "files/third", click(9, "then", _text(NOON)))
    lake = _computed(spark, tmp_path, landing, clock=NOON)
    seen = {"now": 1, "before": 7, "skipped": 1, "between": 7, "then": 1}
    assert _tick(lake) == (NOON, seen), "what was known by a clock that was ahead stays known"


def _computed(spark: SparkSession, folder: Path, landing: Path, *, clock: datetime) -> Lake:
    run = a_run(spark, folder, SETTINGS, landing=landing, now=clock)
    for job in (ingest.run, refine.run, feature.run):
        job(run)
    return run.lake


def _occurred(lake: Lake) -> dict[str, datetime]:
    said = _persons(lake)
    return {said[row["record_id"]]: row["occurred_at"] for row in _rows(lake, "silver.signals")}


def _refused(lake: Lake) -> set[tuple[str, str]]:
    said = _persons(lake)
    return {(said[row["record_id"]], row["rule"]) for row in _rows(lake, "silver.quarantine")}


def _tick(lake: Lake) -> tuple[datetime, dict[str, int]]:
    """The moment of the features, and the shortest window in days that each person's signal is inside of."""
    said = _persons(lake)
    whose = {row["identity_key"]: said[row["record_id"]] for row in _rows(lake, "silver.signals")}
    windows: dict[str, int] = {}
    rows = _rows(lake, "gold.lead_features")
    for row in rows:
        counted = [days for days in WINDOWS_DAYS if dict(row["numbers"]).get(f"count_{days}d")]
        windows |= {whose[row["lead_id"]]: min(counted)} if counted else {}
    (as_of,) = {row["as_of"] for row in rows}
    return as_of, windows


def _persons(lake: Lake) -> dict[str, str]:
    return {row["record_id"]: json.loads(row["raw"])["person"] for row in _rows(lake, "bronze.records")}


def _rows(lake: Lake, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = lake.dataset(table).to_table().to_pylist()
    return rows


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

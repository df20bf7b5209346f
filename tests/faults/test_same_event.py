"""The same event told twice: by two sources, in one batch or in two, or by one source a month later."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

from pyspark.sql import SparkSession

from leadhouse.conf.settings import Landing, Settings
from leadhouse.jobs import ingest, refine
from leadhouse.jobs.runtime.lake import Lake
from tests.faults.streams import a_workspace, click, from_files, land
from tests.jobs.lakes import NOW, a_run

SETTINGS = Settings(tenant="acme", landing=Landing(settle_seconds=0))
MONTH = timedelta(days=30)
AT = "2024-05-01T10:00:00Z"


def test_an_event_is_one_signal_however_often_and_by_whom_it_is_told(spark: SparkSession, tmp_path: Path) -> None:
    workspace, landing = a_workspace(tmp_path / "workspace"), tmp_path / "landing"
    for source in ("mail", "web"):  # an id of theirs is the same event's
        from_files(workspace, source, "globalKey, value: true")
    from_files(workspace, "calls")  # whose ids are its own
    land(landing, "mail/may", click(1, at=AT), click(2, at=AT))
    land(landing, "web/may", click(1, at=AT), click(3, at=AT))
    land(landing, "calls/may", *[click(number, at=AT) for number in range(50)])
    lake = _refined(spark, tmp_path, landing, after=timedelta(0))
    assert _signals(lake) == {"mail": 2, "web": 1, "calls": 50}

    land(landing, "mail/june", click(3, at=AT), click(4, at=AT))
    land(landing, "web/june", click(2, at=AT), click(4, at=AT))
    land(landing, "calls/june", click(7, at=AT), click(50, at=AT))
    lake = _refined(spark, tmp_path, landing, after=MONTH)
    assert _signals(lake) == {"mail": 3, "web": 1, "calls": 51}
    items = lake.dataset("silver.items").to_table(columns=["source", "status"]).to_pylist()
    repeats = Counter(row["source"] for row in items if row["status"] == "duplicate")
    assert repeats == {"mail": 1, "web": 3, "calls": 1}


def _refined(spark: SparkSession, folder: Path, landing: Path, *, after: timedelta) -> Lake:
    run = a_run(spark, folder, SETTINGS, landing=landing, now=NOW + after)
    ingest.run(run)
    refine.run(run)
    return run.lake


def _signals(lake: Lake) -> Counter[str]:
    """Signals by the source that told them first; each is there once."""
    rows = lake.dataset("silver.signals").to_table(columns=["source", "signal_id"]).to_pylist()
    assert len({row["signal_id"] for row in rows}) == len(rows)
    return Counter(row["source"] for row in rows)

"""Tables kept small without Spark: files, old versions and logs, and what somebody still needs."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leadhouse.conf.settings import Maintenance
from leadhouse.jobs import maintain as job
from leadhouse.jobs.maintain import Maintained, is_due, maintain
from leadhouse.jobs.runtime import batches, compaction
from leadhouse.jobs.runtime.book import COMPLETE, FAILED, HELD
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.leftovers import drop_old_checkpoints, turn_lineage
from leadhouse.jobs.runtime.pins import find_pins
from leadhouse.jobs.runtime.table_log import commit_versions, trim, unchecked
from tests.jobs.lakes import append

NOW = datetime.now(UTC)
AT_ONCE = Maintenance(history_days=0, small_files=4)


def _maintain(lake: Lake, settings: Maintenance = AT_ONCE, minutes: float = 1, *, dry_run: bool = False) -> Maintained:
    deadline = time.monotonic() + 60 * minutes
    return maintain(lake, (), settings, deadline=deadline, dry_run=dry_run)


def _signals(lake: Lake, writes: int, first: int = 0, **values: object) -> None:
    for number in range(first, first + writes):
        append(lake, "silver.signals", [{"signal_id": f"s{number}", "record_id": f"r{number}"} | values], number + 1)


def _files(lake: Lake, table: str) -> list[Path]:
    return sorted(Path(lake.table_path(table)).glob("*.parquet"))


def _ids(lake: Lake) -> list[str]:
    return sorted(lake.dataset("silver.signals").to_table(columns=["signal_id"]).column(0).to_pylist())


def _stream(lake: Lake, job: str, table: str, version: int, *, begun: int = 0, done: int = 0, index: int = -1) -> None:
    """Write a stream's progress as Spark does: ``version`` is the first that it has not taken."""
    folder = lake.checkpoint_path(job, 1)
    offset = {"reservoirId": str(lake.open(table).metadata().id), "reservoirVersion": version, "index": index}
    for name, newest in (("offsets", begun), ("commits", done)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / str(newest)).write_text("v1\n{}\n" + json.dumps(offset | {"isStartingVersion": False}))


def test_small_files_become_one_and_the_old_ones_and_the_log_go(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    _signals(lake, 30)
    state, ids = lake.state("silver.signals"), _ids(lake)
    done = _maintain(lake)
    assert [(entry.table, entry.files_before, entry.files_after, entry.files_removed) for entry in done.tables] == [
        ("silver.signals", 30, 1, 30)
    ]
    assert len(_files(lake, "silver.signals")) == 1
    assert commit_versions(lake.log_path("silver.signals")) == [33]  # 30 writes, one compaction, two of the vacuum
    assert (_ids(lake), lake.state("silver.signals")) == (ids, state)
    # What was written once is still known, and the next write is one.
    _signals(lake, 1, first=29)
    assert _ids(lake) == ids
    _signals(lake, 1, first=30)
    assert len(_ids(lake)) == 31
    assert lake.state("silver.signals") != state


def test_a_second_call_finds_nothing_to_do(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    _signals(lake, 30)
    _maintain(lake)
    version = lake.version("silver.signals")
    assert _maintain(lake) == Maintained()
    assert lake.version("silver.signals") == version


def test_a_table_that_was_never_written_gets_no_version(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    _maintain(lake)
    assert lake.version("silver.signals") == 0


def test_versions_of_the_last_days_can_be_read(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    _signals(lake, 30)
    (done,) = _maintain(lake, Maintenance(history_days=1, small_files=4)).tables
    assert (done.files_after, done.files_removed, done.versions_trimmed) == (1, 0, 0)
    assert lake.open("silver.signals", 7).to_pyarrow_table().num_rows == 7


def test_without_time_nothing_is_done_and_the_rest_is_named(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    _signals(lake, 30)
    done = _maintain(lake, minutes=0)
    assert (done.tables, "silver.signals" in done.left) == ((), True)
    assert (len(_files(lake, "silver.signals")), lake.version("silver.signals")) == (30, 30)
    assert is_due(lake, NOW)
    assert _maintain(lake).tables


def test_what_is_left_for_lack_of_time_is_done_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = open_lake(tmp_path / "lake")
    _signals(lake, 30)
    append(lake, "ops.held", [{"record_id": "r"}], 1)
    real, late = compaction.keep_table, time.monotonic() + 3600
    monkeypatch.setattr(job, "keep_table", lambda *given, **named: (_late(monkeypatch, late), real(*given, **named))[1])
    done = _maintain(lake)
    assert ([entry.table for entry in done.tables], done.left[0]) == (["silver.signals"], "ops.held")
    monkeypatch.undo()
    assert is_due(lake, NOW)
    assert not _maintain(lake).left
    assert not is_due(lake, NOW)


def _late(monkeypatch: pytest.MonkeyPatch, moment: float) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: moment)


def test_a_dry_run_says_the_same_and_writes_nothing(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    _signals(lake, 30)
    before = {path: path.stat().st_mtime_ns for path in lake.root.rglob("*")}
    (planned,) = _maintain(lake, dry_run=True).tables
    assert {path: path.stat().st_mtime_ns for path in lake.root.rglob("*")} == before
    (done,) = _maintain(lake).tables
    assert (planned.files_before, planned.files_after) == (done.files_before, done.files_after)


def test_it_is_due_after_many_versions_or_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "DUE_COMMITS", 9)
    lake = open_lake(tmp_path / "lake")
    assert is_due(lake, NOW)
    _maintain(lake)
    assert not is_due(lake, NOW)
    assert is_due(lake, datetime.now(UTC) + timedelta(days=1))
    _signals(lake, job.DUE_COMMITS - 1)
    assert not is_due(lake, NOW)
    _signals(lake, 1, first=job.DUE_COMMITS - 1)
    assert is_due(lake, NOW)


def test_work_waits_for_it_only_after_many_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "DUE_COMMITS", 2)
    monkeypatch.setattr(job, "OVERDUE", 3)
    lake = open_lake(tmp_path / "lake")
    assert not is_due(lake, NOW, busy=True), "what was never maintained is new"
    _maintain(lake)
    _signals(lake, 5)
    assert is_due(lake, NOW)
    assert not is_due(lake, NOW, busy=True)
    _signals(lake, 1, first=5)
    assert is_due(lake, NOW, busy=True)
    _maintain(lake)
    now = datetime.now(UTC)
    assert not is_due(lake, now + timedelta(days=2), busy=True)
    assert is_due(lake, now + timedelta(days=3), busy=True)


def test_what_an_unfinished_batch_reads_stays(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    _signals(lake, 12)
    intent = batches.new_batch(
        lake,
        "feature",
        1,
        0,
        now=NOW,
        as_of=None,
        known=None,
        inputs_key="",
        reads={"silver.signals": 7},
        definitions={},
    )
    batches.begin(lake, intent)
    _signals(lake, 12, first=12)
    _maintain(lake)
    assert lake.open("silver.signals", 7).to_pyarrow_table().num_rows == 7
    assert len(_files(lake, "silver.signals")) == 8
    batches.finish(lake, batches.Outcome(intent, COMPLETE), NOW)
    _maintain(lake)
    assert len(_files(lake, "silver.signals")) == 1


@pytest.mark.parametrize(
    ("status", "writes", "is_pinned"),
    [
        (FAILED, {}, False),  # over: the next try begins from other inputs
        (FAILED, {"gold.lead_scores": 1}, True),
        (HELD, {}, False),
    ],
)
def test_a_failed_batch_pins_what_it_read_only_if_it_is_tried_again(
    tmp_path: Path, status: str, writes: dict[str, int], is_pinned: bool
) -> None:
    lake = open_lake(tmp_path / "lake")
    _signals(lake, 3)
    reads = {"silver.signals": 2, "silver.traits": 9}  # traits were made anew since
    intent = batches.new_batch(
        lake, "feature", 1, 0, now=NOW, as_of=None, known=None, inputs_key="", reads=reads, definitions={}
    )
    batches.begin(lake, intent)
    batches.finish(lake, batches.Outcome(intent, status, writes), NOW)
    assert find_pins(lake, {}).versions == ({"silver.signals": (2,)} if is_pinned else {})
    assert find_pins(lake, {"feature": "bronze.files"}).versions == ({"silver.signals": (2,)} if status != HELD else {})


@pytest.mark.parametrize(
    ("position", "is_behind"),
    [
        ({"version": 31}, False),
        ({"version": 30}, True),
        ({"version": 31, "begun": 1}, True),  # a batch was begun and never committed
        ({"version": 31, "index": 0}, True),
    ],
)
def test_files_that_a_stream_has_not_taken_stay(tmp_path: Path, position: dict[str, int], is_behind: bool) -> None:
    lake = open_lake(tmp_path / "lake")
    for number in range(1, 31):
        append(lake, "bronze.records", [{"record_id": f"r{number}"}], number)
    _stream(lake, "refine", "bronze.records", **position)
    (done,) = _maintain(lake).tables
    assert bool(done.note) is is_behind
    assert len(_files(lake, "bronze.records")) == (31 if is_behind else 1)
    # Maintenance itself adds nothing to take; and commits from where the stream goes on are kept for it.
    assert find_pins(lake, job.STREAMS).behind == ({"bronze.records": "refine"} if is_behind else {})
    assert commit_versions(lake.log_path("bronze.records"))[0] <= position["version"]


def test_large_facts_are_ordered_by_tenant_and_time_once(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    for number in range(6):
        moments = [NOW - timedelta(days=(7 * (number + 6 * day)) % 60) for day in range(10)]
        rows = [{"signal_id": f"{number}-{at}", "occurred_at": moment} for at, moment in enumerate(moments)]
        append(lake, "silver.signals", rows, number + 1)
    assert not _maintain(lake, Maintenance(small_files=100)).tables
    settings = Maintenance(small_files=100, cluster_megabytes=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compaction, "_MEGABYTE", 1000)
        (done,) = _maintain(lake, settings).tables
        assert (done.ordered, done.files_after) == (True, 1)
        assert _maintain(lake, settings) == Maintained()
    times = lake.dataset("silver.signals").to_table(columns=["occurred_at"]).column(0).to_pylist()
    assert len(times) == 60
    assert times == sorted(times)


def test_no_personal_value_comes_into_the_log(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    for number in range(12):
        append(lake, "silver.traits", [{"trait_id": f"t{number}", "value": f"secret{number}@x.com"}], number + 1)
    _maintain(lake)
    lake.remove("silver.traits", "trait_id = 't3'", app_id="test", app_version=1)
    assert lake.dataset("silver.traits").count_rows() == 11
    assert any("numRecords" in path.read_text() for path in lake.log_path("silver.traits").glob("*.json"))
    for path in lake.log_path("silver.traits").iterdir():
        assert b"secret" not in path.read_bytes(), path.name


def test_a_log_is_trimmed_only_as_far_as_a_checkpoint_and_the_floor_allow(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    _signals(lake, 12)
    log, later = lake.log_path("silver.signals"), time.time() + 60
    assert (unchecked(log), trim(log, floor=12, before=later)) == (13, 0)
    lake.checkpoint("silver.signals")
    (log / f".{7:020}.json.crc").write_bytes(b"")
    (log / f"{7:020}.crc").write_bytes(b"")
    os.utime(log / f"{5:020}.json", (later + 60, later + 60))
    assert trim(log, floor=12, before=later) == 0  # version 5 can still be read, and needs what was before it
    assert trim(log, floor=11, before=later + 120) == 0
    assert trim(log, floor=12, before=later + 120, dry_run=True) == 12
    assert trim(log, floor=12, before=later + 120) == 12
    assert sorted(path.name for path in log.iterdir()) == [
        f"{12:020}.checkpoint.parquet",
        f"{12:020}.json",
        "_last_checkpoint",
    ]
    assert len(_ids(lake)) == 12


def test_checksums_that_hadoop_left_go_with_their_files(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    _signals(lake, 30)
    for path in _files(lake, "silver.signals"):
        path.with_name(f".{path.name}.crc").write_bytes(b"crc")
    (lake.log_path("silver.signals") / "._last_checkpoint.crc").write_bytes(b"of another writer's checkpoint")
    _maintain(lake)
    assert not list(Path(lake.table_path("silver.signals")).rglob("*.crc"))


def test_checkpoints_of_earlier_generations_go(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    for generation in (1, 2, 3):
        (lake.checkpoint_path("refine", generation) / "offsets").mkdir(parents=True)
    assert drop_old_checkpoints(lake, ["refine"]) == 0  # no batch has begun: all that is known is that they are there
    intent = batches.new_batch(
        lake, "refine", 2, 0, now=NOW, as_of=None, known=None, inputs_key="", reads={}, definitions={}
    )
    batches.begin(lake, intent)
    assert drop_old_checkpoints(lake, ["refine"], dry_run=True) == 1
    assert drop_old_checkpoints(lake, ["refine"]) == 1
    assert sorted(path.name for path in lake.checkpoint_path("refine", 1).parent.iterdir()) == ["2", "3"]


def test_a_full_lineage_file_makes_way_and_three_old_ones_are_kept(tmp_path: Path) -> None:
    (tmp_path / "ops").mkdir()
    for turn in range(6):
        (tmp_path / "ops" / "lineage.jsonl").write_text(f"{turn}\n")
        assert turn_lineage(tmp_path, 3) == ()
        assert turn_lineage(tmp_path, 2) == ("lineage.jsonl",)
    kept = {path.name: path.read_text() for path in (tmp_path / "ops").iterdir()}
    assert kept == {"lineage.1.jsonl": "5\n", "lineage.2.jsonl": "4\n", "lineage.3.jsonl": "3\n"}

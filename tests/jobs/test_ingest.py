from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from leadhouse.conf.errors import InputError, LostBytesError
from leadhouse.conf.settings import Landing, Settings
from leadhouse.expectations.contract import Shape
from leadhouse.jobs import ingest
from leadhouse.jobs.runtime import faults
from leadhouse.jobs.runtime.batches import Count
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.runner import Report
from tests.jobs.contracts import a_contract
from tests.jobs.lakes import NOW, a_run

SETTINGS = Settings(tenant="acme", landing=Landing(settle_seconds=2, range_bytes=64_000_000))
POINTS = ("ingest:listed", "ingest:before-intent", "ingest:written", "ingest:before-outcome", "ingest:after-outcome")


LEADS = a_contract("leads", "leads*.csv")
EVENTS = a_contract("events", "events/**/*.jsonl", Shape("json"))


@pytest.fixture
def run(spark: SparkSession, tmp_path: Path) -> Run:
    landing = tmp_path / "landing"
    landing.mkdir()
    return replace(a_run(spark, tmp_path, SETTINGS), contracts=(LEADS, EVENTS), landing=landing)


@pytest.fixture(autouse=True)
def no_fault() -> Iterator[None]:
    yield
    os.environ.pop(faults.VARIABLE, None)


def land(run: Run, path: str, content: bytes) -> Path:
    assert run.landing is not None
    file = run.landing / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def records(run: Run, *columns: str) -> list[tuple[object, ...]]:
    """What bronze holds, read without Spark."""
    table = run.lake.open("bronze.records").to_pyarrow_dataset().to_table(columns=list(columns))
    return sorted(tuple(row.values()) for row in table.to_pylist())


def raw(run: Run) -> list[bytes]:
    return [row[0] for row in records(run, "raw")]  # type: ignore[misc]


def counts(report: Report) -> dict[tuple[str, str], int]:
    return {(count.source, count.measure): count.rows for count in report.counts}


def test_every_record_comes_with_its_position_and_its_bytes(run: Run) -> None:
    land(run, "leads.csv", b'id,note\r\n1,"two\r\nlines"\r\n\r\n2,\xff\x00\r\n3,caf\xc3\xa9')
    land(run, "events/2024/a.jsonl", b'{"id": 1}\n\n{"id": \n')
    report = ingest.run(run)
    header_id = hashlib.sha256(b"id,note").hexdigest()[:16]
    assert records(run, "tenant", "source", "origin", "partition", "position", "raw", "header_id") == [
        ("acme", "events", "events/2024/a.jsonl", 1, 0, b'{"id": 1}', None),
        ("acme", "events", "events/2024/a.jsonl", 1, 11, b'{"id": ', None),
        ("acme", "leads", "leads.csv", 1, 9, b'1,"two\r\nlines"', header_id),
        ("acme", "leads", "leads.csv", 1, 27, b"2,\xff\x00", header_id),
        ("acme", "leads", "leads.csv", 1, 33, b"3,caf\xc3\xa9", header_id),
    ]
    assert counts(report) == {("leads", "fetched"): 3, ("events", "fetched"): 2}
    assert (
        len({row[0] for row in records(run, "received_at")}) == 1
    )  # the batch's own moment, so that a retry writes the same
    assert len({row[0] for row in records(run, "record_id")}) == 5
    assert {row[0] for row in records(run, "batch")} == {"ingest/1/0"}


def test_nothing_new_takes_nothing(run: Run) -> None:
    land(run, "leads.csv", b"id\n1\n")
    ingest.run(run)
    versions = [run.lake.version(table) for table in ("bronze.files", "bronze.records", "ops.batches")]
    assert ingest.run(run) == Report("ingest", "unchanged")
    assert [run.lake.version(table) for table in ("bronze.files", "bronze.records", "ops.batches")] == versions


def test_without_a_landing_folder_nothing_is_taken(run: Run) -> None:
    assert ingest.run(replace(run, landing=None)) == Report("ingest", "unchanged")


def test_a_file_that_grows_is_read_on_and_one_that_is_overwritten_is_read_anew(run: Run) -> None:
    file = land(run, "leads.csv", b"id\n1\n2\n")
    ingest.run(run)
    with file.open("ab") as opened:
        opened.write(b"3\n")
    ingest.run(run)
    assert records(run, "partition", "raw") == [(1, b"1"), (1, b"2"), (1, b"3")]
    times = file.stat()
    file.write_bytes(b"id\n1\n2\n4\n")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    ingest.run(run)
    assert records(run, "partition", "raw")[3:] == [(2, b"1"), (2, b"2"), (2, b"4")]


def test_a_last_record_that_goes_on_after_it_was_taken_is_another_record(run: Run) -> None:
    file = land(run, "leads.csv", b"id\n1\n2")
    ingest.run(run)
    file.write_bytes(b"id\n1\n23\n4\n")
    ingest.run(run)
    assert records(run, "partition", "position", "raw") == [(1, 3, b"1"), (1, 5, b"2"), (2, 5, b"23"), (2, 8, b"4")]
    assert len({row[0] for row in records(run, "record_id")}) == 4


def test_a_file_that_is_removed_after_it_was_taken_is_no_loss(run: Run) -> None:
    land(run, "leads.csv", b"id\n1\n").unlink()
    land(run, "leads.csv", b"id\n1\n")
    ingest.run(run)
    land(run, "leads.csv", b"").unlink()
    assert ingest.run(run).status == "unchanged"


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_and_started_again_every_record_is_there_once(run: Run, point: str) -> None:
    land(run, "leads.csv", b"id\n1\n2\n")
    os.environ[faults.VARIABLE] = f"{point}=raise"
    with pytest.raises(faults.InjectedFaultError):
        ingest.run(run)
    land(run, "leads2.csv", b"id\n3\n")
    ingest.run(run)
    assert ingest.run(run).status == "unchanged"
    assert raw(run) == [b"1", b"2", b"3"]


@pytest.mark.parametrize("change", ["removed", "overwritten"])
def test_bytes_that_vanish_before_they_are_taken_are_an_error_once_and_stop_nothing_else(run: Run, change: str) -> None:
    file = land(run, "leads.csv", b"id\n1\n2\n")
    land(run, "leads2.csv", b"id\n3\n")
    os.environ[faults.VARIABLE] = "ingest:listed=raise"
    with pytest.raises(faults.InjectedFaultError):
        ingest.run(run)
    if change == "removed":
        file.unlink()
    else:
        file.write_bytes(b"id\n4\n5\n")
    with pytest.raises(LostBytesError, match=r"^leads\.csv: expected bytes 3 to 7 .* gone or has changed"):
        ingest.run(run)
    ingest.run(run)
    assert ingest.run(run).status == "unchanged"
    assert raw(run) == ([b"3"] if change == "removed" else [b"3", b"4", b"5"])


def test_lost_bytes_that_come_back_are_taken(run: Run) -> None:
    file = land(run, "leads.csv", b"id\n1\n2\n")
    os.environ[faults.VARIABLE] = "ingest:listed=raise"
    with pytest.raises(faults.InjectedFaultError):
        ingest.run(run)
    file.rename(file.with_name(".away"))
    with pytest.raises(LostBytesError):
        ingest.run(run)
    file.with_name(".away").rename(file)
    assert counts(ingest.run(run)) == {("leads", "fetched"): 2}
    assert ingest.run(run).status == "unchanged"
    assert raw(run) == [b"1", b"2"]


def test_a_file_that_vanishes_after_it_was_taken_but_before_the_outcome_is_not_lost(run: Run) -> None:
    file = land(run, "leads.csv", b"id\n1\n")
    os.environ[faults.VARIABLE] = "ingest:written=raise"
    with pytest.raises(faults.InjectedFaultError):
        ingest.run(run)
    file.unlink()
    assert counts(ingest.run(run)) == {("leads", "fetched"): 1}
    assert raw(run) == [b"1"]


def test_a_file_that_vanishes_while_it_is_taken_leaves_the_rest(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = land(run, "leads.csv", b"id\n1\n")
    land(run, "leads2.csv", b"id\n2\n")
    whole = ingest.taken_records

    def taken(*args: object) -> object:
        gone.unlink(missing_ok=True)
        return whole(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest, "taken_records", taken)
    with pytest.raises(LostBytesError, match=r"leads\.csv"):
        ingest.run(run)
    assert raw(run) == [b"2"]


def test_a_file_that_grows_between_listing_and_taking_loses_nothing(run: Run) -> None:
    file = land(run, "leads.csv", b"id\n1\n")
    os.environ[faults.VARIABLE] = "ingest:listed=raise"
    with pytest.raises(faults.InjectedFaultError):
        ingest.run(run)
    file.write_bytes(b"id\n1\n2\n")
    ingest.run(run)
    assert records(run, "partition", "raw") == [(1, b"1"), (1, b"2")]


def test_a_lost_checkpoint_repeats_nothing_and_blames_no_file(run: Run) -> None:
    land(run, "leads.csv", b"id\n1\n2\n").rename(run.lake.root.parent / "landing" / "leads0.csv")
    ingest.run(run)
    land(run, "leads0.csv", b"").unlink()
    shutil.rmtree(run.lake.root / "checkpoints" / "ingest")
    land(run, "leads1.csv", b"id\n3\n")
    ingest.run(run)
    assert records(run, "batch", "raw") == [("ingest/1/0", b"1"), ("ingest/1/0", b"2"), ("ingest/2/0", b"3")]


def test_a_file_of_two_contracts_is_refused_before_anything_is_written(run: Run) -> None:
    land(run, "leads.csv", b"id\n1\n")
    land(run, "leads2.csv", b"id\n1\n")
    both = replace(run, contracts=(LEADS, a_contract("others", "*.csv", Shape("csv"))))
    with pytest.raises(InputError) as caught:
        ingest.run(both)
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["leads.csv", "leads2.csv"]
    assert run.lake.version("bronze.files") == 0


def test_files_without_a_contract_are_named(run: Run) -> None:
    land(run, "leads.csv", b"id\n1\n")
    land(run, "other/prices.csv", b"x\n1\n")
    assert ingest.run(run).notes == ("files that match no contract: other/prices.csv",)


def test_the_same_bytes_give_the_same_records_in_pieces_and_at_once(spark: SparkSession, tmp_path: Path) -> None:
    content = b"id,note\n" + b"".join(b'%d,"line\n""%d"""\n' % (number, number) for number in range(200))
    found = []
    for name, pieces, range_bytes in (("whole", 1, 64_000_000), ("pieces", 7, 100)):
        folder = tmp_path / name
        (folder / "landing").mkdir(parents=True)
        settings = replace(SETTINGS, landing=Landing(settle_seconds=1e9, range_bytes=range_bytes))
        run = replace(
            a_run(spark, folder, settings),
            contracts=(LEADS,),
            landing=folder / "landing",
            clock=lambda: datetime.now(NOW.tzinfo),
        )
        for piece in range(1, pieces + 1):
            land(run, "leads.csv", content[: len(content) * piece // pieces])
            ingest.run(run)
        found.append(records(run, "position", "raw", "record_id"))
    assert len(found[0]) == 200
    assert found[0] == found[1]


def test_the_real_exports_come_in_whole(run: Run, shared_data: Path) -> None:
    assert run.landing is not None
    shutil.copytree(shared_data / "olist_funnel", run.landing / "olist")
    shutil.copytree(shared_data / "x_education", run.landing / "x")
    contracts = (
        a_contract("deals", "olist/olist_closed*.csv", Shape("csv")),
        a_contract("qualified", "olist/olist_marketing*.csv", Shape("csv")),
        a_contract("x_leads", "x/Leads.csv", Shape("csv")),
    )
    report = ingest.run(replace(run, contracts=contracts))
    assert report.counts == (
        Count("acme", "deals", "fetched", 842),
        Count("acme", "qualified", "fetched", 8000),
        Count("acme", "x_leads", "fetched", 9240),
    )
    files = run.lake.open("bronze.files").to_pyarrow_dataset().to_table(columns=["source", "header"]).to_pylist()
    (header,) = [row["header"] for row in files if row["source"] == "x_leads"]
    assert (header[0], header[-2:]) == ("Prospect ID", ["Last Notable Activity", ""])

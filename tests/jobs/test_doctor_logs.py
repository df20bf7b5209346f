"""Each damage planted in a table's log is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from leadhouse.jobs.runtime.integrity import torn_logs
from leadhouse.jobs.runtime.lake import Lake
from tests.jobs.damage import a_copy, commit_of, what_is_wrong


@pytest.fixture
def lake(company: Path, tmp_path: Path) -> Lake:
    """A copy of a sound lake, to be damaged."""
    return a_copy(company, tmp_path)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda text: "", "is empty"),
        (lambda text: text[: len(text) // 2], "can't be read from line"),
        (lambda text: text.splitlines()[0], "says that it adds"),
        (lambda text: '{"something": "else"}', "says nothing that a Delta log may say"),
    ],
)
@pytest.mark.parametrize("table", ["bronze.records", "ops.batches"])
def test_a_newest_commit_that_is_not_whole_is_named(
    lake: Lake, table: str, damage: Callable[[str], str], said: str
) -> None:
    newest = commit_of(lake, table, lake.version(table))
    newest.write_text(damage(newest.read_text()))
    found = what_is_wrong(lake)
    assert [(entry.check, entry.what.split(":")[0]) for entry in found] == [("logs", table)]
    assert said in found[0].what
    assert newest.name in found[0].what
    assert [entry.what for entry in torn_logs(lake)] == [found[0].what]


def test_torn_logs_finds_nothing_in_a_sound_lake_and_nothing_where_there_is_none(lake: Lake, tmp_path: Path) -> None:
    assert torn_logs(lake) == []
    assert torn_logs(Lake(tmp_path / "nowhere", "x")) == []
    log = Lake(tmp_path / "made", "x").log_path("silver.items")
    log.mkdir(parents=True)
    (log / "_commit_1.json.tmp").write_text("{")  # what is left of a making that was stopped
    assert torn_logs(Lake(tmp_path / "made", "x")) == []


def test_a_commit_missing_in_the_middle_or_at_the_beginning_is_named(lake: Lake) -> None:
    commit_of(lake, "ops.batches", 3).unlink()
    (found,) = what_is_wrong(lake)
    assert "expected every commit from 3 to" in found.what
    commit_of(lake, "ops.batches", 0).unlink()
    assert "expected every commit from 0 to" in what_is_wrong(lake)[0].what


def test_a_newest_commit_that_is_gone_is_missed(lake: Lake) -> None:
    commit_of(lake, "silver.traits", 1).unlink()
    commit_of(lake, "bronze.files", 1).unlink()
    found = {entry.check: entry.what for entry in what_is_wrong(lake) if entry.check in ("logs", "writers")}
    assert found == {
        "logs": "silver.traits: expected commit 1, whose checksum is there; the newest commit is 0",
        "writers": "bronze.files: expected version 1, as a batch in ops.batches used it; the newest is 0",
    }


@pytest.mark.parametrize("name", ["00000000000000000017.checkpoint.parquet", "_last_checkpoint"])
def test_a_broken_checkpoint_is_named(lake: Lake, name: str) -> None:
    table = lake.open("ops.batches")
    table.create_checkpoint()
    assert what_is_wrong(lake) == []
    path = lake.log_path("ops.batches") / name.replace("17", f"{table.version():02}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (found,) = what_is_wrong(lake)
    assert (found.check, found.what.split(":")[0]) == ("logs", "ops.batches")
    assert "checkpoint" in found.what
    assert len(torn_logs(lake)) == 1


def test_a_checkpoint_that_its_pointer_names_and_that_is_gone_is_named(lake: Lake) -> None:
    lake.open("ops.batches").create_checkpoint()
    next(lake.log_path("ops.batches").glob("*.checkpoint.parquet")).unlink()
    (found,) = what_is_wrong(lake)
    assert "as _last_checkpoint says" in found.what
    assert len(torn_logs(lake)) == 1

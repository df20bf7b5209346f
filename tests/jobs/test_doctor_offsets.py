"""The doctor's look at topics: ranges follow each other, and each offset is one record in one of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.soundness.offsets import check_offsets
from tests.jobs.lakes import append

TABLES = ("bronze.offsets", "bronze.records")
PARTITION = {"source": "clicks", "origin": "clicks", "partition": 1}


def a_lake(folder: Path, ranges: Iterable[tuple[int, int]], positions: Iterable[int]) -> Lake:
    lake = open_lake(folder / "lake")
    listed = [
        PARTITION
        | {"topic": "clicks", "from_offset": start, "to_offset": end, "lost": False, "listing": number,
           "batch": f"listing/{number}"}
        for number, (start, end) in enumerate(ranges, start=1)
    ]  # fmt: skip
    append(lake, "bronze.offsets", listed)
    append(lake, "bronze.records", [PARTITION | {"position": position} for position in positions])
    return lake


@pytest.mark.parametrize(
    ("ranges", "positions", "found"),
    [
        (((0, 5), (5, 9)), range(9), []),
        (((0, 5), (5, 9)), (0, 1, 8), []),  # gaps are counted by the ledger
        (((3, 3), (3, 9)), range(3, 9), []),
        (((0, 5), (6, 9)), (0, 6), ["expected ranges that follow each other; got offset 6 after 5"]),
        (((0, 5), (4, 9)), (0, 6), ["expected ranges that follow each other; got offset 4 after 5"]),
        (((0, 5),), (0, 5), ["expected each offset in a listed range; 1 in none (at 5)"]),
        (((0, 5),), (0, 3, 3), ["expected each offset once; 1 are there again (at 3)"]),
    ],
)
def test_what_is_wrong_with_offsets_is_named(
    tmp_path: Path, ranges: tuple[tuple[int, int], ...], positions: Iterable[int], found: list[str]
) -> None:
    findings = check_offsets(a_lake(tmp_path, ranges, positions), TABLES)
    assert [finding.what.split(": ", 2)[2] for finding in findings] == found


def test_a_mark_of_what_was_lost_later_is_no_listing(tmp_path: Path) -> None:
    lake = a_lake(tmp_path, [(0, 9)], range(4, 9))
    mark = {"topic": "clicks", "from_offset": 0, "to_offset": 4, "lost": True, "listing": 2, "batch": "topics/1/0"}
    append(lake, "bronze.offsets", [PARTITION | mark], number=1)
    assert check_offsets(lake, TABLES) == []

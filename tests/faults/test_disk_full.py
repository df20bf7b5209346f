"""A disk that fills up, in data, log or checkpoint: the run stops and says so, and goes on when there is room."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadhouse.conf.errors import NoSpaceError
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.runtime.place import CARD, find_place
from tests.faults.harness import broken, state
from tests.jobs.small_company import rows_of, run_company

PAGE = 4096
DISK_BYTES = 256_000_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of the test's own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.CalledProcessError) as refused:
        pytest.skip(f"a full disk: whoever runs the tests may not mount one ({refused})")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=60)


def fill(disk: Path, left: int) -> Path:
    """Fill a disk but for so many bytes. Removing the returned file makes room."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        file.truncate(0)
        free = int(subprocess.run(["stat", "-f", "-c", "%a", str(disk)], capture_output=True, check=True).stdout) * PAGE
        file.write(b"\0" * max(0, free - left))
    return filler


def used(folder: Path) -> int:
    """Bytes that a folder's files take on a disk."""
    return sum(-(-path.stat().st_size // PAGE) * PAGE for path in folder.rglob("*") if path.is_file())


def test_a_full_disk_stops_the_run_and_loses_nothing(company: Path, disk: Path) -> None:
    lake, needed = disk / "lake", used(company / "lake")
    for share in (0.02, 0.3):  # of the whole lake's room, at each start
        filler = fill(disk, int(share * needed))
        with pytest.raises(NoSpaceError, match="expected room for what is written"):
            run_company(lake, company / "workspace", company / "landing")
        if (lake / CARD).is_file():
            place = find_place(lake)
            for table in table_specs():
                assert not place.exists(table) or rows_of(lake, table) is not None, "every table stays readable"
        filler.unlink()
    assert run_company(lake, company / "workspace", company / "landing")[0] == 0
    assert broken(lake, state(company / "lake")) == []

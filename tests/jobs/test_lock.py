"""The lake's locks: who may write beside whom, and what the refused one is told."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadhouse.conf.errors import TransientError
from leadhouse.jobs.runtime.layout import check_place, open_lake
from leadhouse.jobs.runtime.lock import holders, lake_lock, sharing_lock

HOLD = """
import sys
from pathlib import Path
from leadhouse.jobs.runtime.lock import lake_lock
with lake_lock(Path(sys.argv[1]), "the killed one", sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""
MAKE = """
import sys
from pathlib import Path
from leadhouse.jobs.runtime.keys import tenant_keys
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.lock import lake_lock, sharing_lock
root = Path(sys.argv[1])
sys.stdin.readline()
with lake_lock(root, sys.argv[2], sys.argv[2]):
    with sharing_lock(root):
        lake = open_lake(root)
        key = tenant_keys(["acme"], root / "identity.key")["acme"].hex()
    print(lake.lake_id, key, lake.keep(b"x" * 5_000_000))
"""


@pytest.fixture
def at_work(tmp_path: Path) -> Iterator[Path]:
    """A lake's folder in which ingest and refine are at work."""
    with (
        lake_lock(tmp_path, "leadhouse ingest --follow", "ingest"),
        lake_lock(tmp_path, "leadhouse refine --follow", "refine"),
    ):
        yield tmp_path


def refused(root: Path, job: str | None = None) -> str:
    """What somebody is told who wants the lake too."""
    with pytest.raises(TransientError) as problem, lake_lock(root, "another", job):
        pass
    return str(problem.value)


def test_jobs_are_at_work_beside_each_other_and_each_once(at_work: Path) -> None:
    said = refused(at_work, "refine")
    assert "expected refine to be at work once on" in said
    assert f"; leadhouse refine --follow, process {os.getpid()} is at work; wait for it or stop it" in said
    with lake_lock(at_work, "leadhouse score --follow", "score"):
        names = [name.split(",")[0] for name in holders(at_work)]
    assert names == [f"leadhouse {job} --follow" for job in ("ingest", "refine", "score")]


def test_who_wants_the_lake_alone_is_told_which_jobs_are_at_work(at_work: Path) -> None:
    (at_work / ".lock.score").write_text("leadhouse score --follow, process 1\n")  # it was killed: nobody holds it
    said = refused(at_work)
    assert "expected to be the only writer" in said
    assert f"leadhouse ingest --follow, process {os.getpid()}, leadhouse refine --follow, process" in said
    assert "score" not in said
    assert "are at work; wait for them or stop them" in said


def test_no_job_is_at_work_beside_who_has_the_lake_alone(tmp_path: Path) -> None:
    with lake_lock(tmp_path, "leadhouse maintain"):
        assert len(holders(tmp_path)) == 1
        for job, expected in (("refine", "only other jobs at work"), (None, "to be the only writer")):
            said = refused(tmp_path, job)
            assert f"expected {expected}" in said
            assert f"leadhouse maintain, process {os.getpid()} is at work" in said
    assert holders(tmp_path) == ()
    with (tmp_path / ".lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)  # a job that is just about to take its own lock
        assert "; another process is at work" in refused(tmp_path), "who held it before is not named"


def test_a_killed_holder_leaves_nothing_to_clean_up(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path), "refine"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        assert holders(tmp_path) == (f"the killed one, process {process.pid}",)
        process.kill()
    with lake_lock(tmp_path, "the next one"):
        assert len(holders(tmp_path)) == 1
    assert check_place(tmp_path) is None, "locks alone are nothing that keeps a lake from being made there"


def test_jobs_that_start_at_once_make_one_lake_and_one_key(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MAKE, str(tmp_path / "lake"), job],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for job in ("ingest", "refine", "feature")
    ]  # fmt: skip
    said = [process.communicate("go\n", timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    assert len({out for out, _ in said}) == 1
    assert said[0][0].split()[0] == open_lake(tmp_path / "lake").lake_id


def test_one_at_a_time_makes_what_all_share(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "lake")
    with sharing_lock(lake.root):
        other = threading.Thread(target=lake.keep, args=(b"a contract",))
        other.start()
        other.join(0.3)
        assert other.is_alive(), "it waits for its turn"
    other.join(10)
    assert len(list((lake.root / "definitions").iterdir())) == 1

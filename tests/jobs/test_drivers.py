"""``run --follow --jobs``: jobs as processes of their own beside each other, and what holds when the mode changes."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from leadhouse.conf.errors import TransientError
from leadhouse.jobs import cli, drivers, following
from leadhouse.jobs.drivers import _Drivers
from leadhouse.jobs.maintain import maintain_lake
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.lock import lake_lock
from tests.faults.harness import broken, state
from tests.jobs.small_company import AS_OF, land, rows_of, run_company, write_workspace

PATIENCE_SECONDS = 180
FOLLOW = """
import sys
from datetime import datetime
from pathlib import Path
from rich.console import Console
from leadhouse.jobs.drivers import follow_beside
lake, workspace, landing = map(Path, sys.argv[1:4])
moment = datetime.fromisoformat(sys.argv[4])
sys.exit(follow_beside(lake, workspace, landing=landing, as_of=moment, console=Console(), names=sys.argv[5:]))
"""

KINDS = ("intent", "outcome")
PATIENT = """
import signal, sys, time
from pathlib import Path
note = Path(sys.argv[1]) / sys.argv[2]
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
note.write_text("began\\n")
print("at work", flush=True)
while not asked:
    time.sleep(0.01)
time.sleep(0.2)
note.write_text("began\\nended\\n")
sys.exit(int(sys.argv[3]))
"""
"""A job that ends what it has begun when it is asked to stop, and holds something."""


def wait(until: Callable[[], object], process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until something is true; fail if the process ends or takes too long."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not until():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def counted(lake: Path, table: str) -> int:
    """A table's rows, also of a lake that is just being made."""
    there = (lake / table.replace(".", "/") / "_delta_log" / f"{0:020}.json").is_file()
    return len(rows_of(lake, table)) if there else 0


@pytest.mark.long
def test_what_jobs_beside_each_other_began_a_run_ends(company: Path, tmp_path: Path) -> None:
    """Ingest and refine as two processes, stopped in the midst of the second half; nobody can tell afterwards."""
    lake, landing, log = tmp_path / "lake", tmp_path / "landing", tmp_path / "log"
    workspace = write_workspace(tmp_path / "workspace")
    files = sorted(path for path in land(tmp_path / "all", pieces=2).rglob("*") if path.is_file())

    def deliver(half: int) -> None:
        for path in files[half::2]:
            target = landing / path.relative_to(tmp_path / "all")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)

    deliver(0)
    command = [
        sys.executable, "-c", FOLLOW, str(lake), str(workspace), str(landing), AS_OF.isoformat(), "ingest", "refine",
    ]  # fmt: skip
    with log.open("w") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=subprocess.STDOUT, env=os.environ | {"LEADHOUSE_DRIVER_MEMORY": "512m"}
        )
    try:
        wait(lambda: counted(lake, "silver.leads"), process, log)
        first = counted(lake, "bronze.records")
        with pytest.raises(TransientError) as refused, lake_lock(lake, "a test"):
            pass
        assert "leadhouse ingest --follow, process" in str(refused.value)
        assert "leadhouse refine --follow, process" in str(refused.value)
        deliver(1)
        wait(lambda: counted(lake, "bronze.records") > first, process, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE_SECONDS) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
    said = log.read_text()
    assert "ingest  | ingest   complete" in said
    assert "refine  | refine   complete" in said
    book = {kind: [row["batch"] for row in rows_of(lake, "ops.batches") if row["kind"] == kind] for kind in KINDS}
    assert sorted(book["intent"]) == sorted(book["outcome"]), "what was begun was ended, once, before the stop"
    assert run_company(lake, workspace, landing)[0] == 0
    assert broken(lake, state(company / "lake"), said=said) == []


@pytest.fixture
def console() -> Console:
    """A terminal of which the text can be read: ``console.file``."""
    return Console(file=io.StringIO(), width=200)


def children(folder: Path, *, quitter: str = "", code: int = 3) -> dict[str, list[str]]:
    """Commands of two jobs that write down that they began and ended; the second does something else."""
    return {
        "refine": [sys.executable, "-c", PATIENT, str(folder), "refine", str(code)],
        "score": [sys.executable, "-c", quitter or PATIENT, str(folder), "score", "3"],
    }


@pytest.mark.parametrize(
    ("quitter", "codes", "said"),
    [
        (
            "import time; time.sleep(1); raise SystemExit(2)",
            (2,),
            "score   | it ended with exit code 2; the others are",
        ),
        ("import os; os.kill(os.getpid(), 9)", (1,), "score   | signal 9 ended it; the others are stopped"),
        ("raise SystemExit(0)", (0, 3), "score   | it ended with exit code 0; the others are stopped"),
    ],
)
def test_if_one_ends_the_others_are_stopped(
    tmp_path: Path, console: Console, quitter: str, codes: tuple[int, ...], said: str
) -> None:
    stop = threading.Event()
    assert _Drivers(children(tmp_path, quitter=quitter), console).work(stop, tmp_path) in codes
    assert stop.is_set(), "nothing is started again"
    assert said in text_of(console)
    assert began_of(tmp_path, "refine") in ("", "began\nended\n")


def test_a_stop_is_passed_on_and_what_was_begun_is_ended(tmp_path: Path, console: Console) -> None:
    stop = threading.Event()
    both = _Drivers(children(tmp_path), console)
    while any(began_of(tmp_path, job) != "began\n" for job in ("refine", "score")):
        time.sleep(0.05)
    stop.set()
    assert both.work(stop, tmp_path) == 3, "what is held when it ends is told"
    assert {(tmp_path / job).read_text() for job in ("refine", "score")} == {"began\nended\n"}
    assert "refine  | at work" in text_of(console)


def test_all_are_stopped_for_maintenance_and_started_again(
    tmp_path: Path, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, landing = write_workspace(tmp_path / "workspace"), land(tmp_path / "landing")
    monkeypatch.setattr(drivers, "BETWEEN_MAINTENANCE_SECONDS", 1.5)
    monkeypatch.setattr(drivers, "_command", lambda name, *_: children(tmp_path, code=1)[name])
    open_lake(tmp_path / "lake")
    began = []

    def maintained(*args: object, **options: object) -> None:
        maintain_lake(*args, **options)  # type: ignore[arg-type]
        began.append(began_of(tmp_path, "refine"))
        if len(began) == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(drivers, "maintain_lake", maintained)
    monkeypatch.setattr(drivers, "_is_due", lambda lake: True)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        code = drivers.follow_beside(
            tmp_path / "lake", workspace, landing=landing, as_of=None, console=console, names=("refine", "score")
        )
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert code == 1, "what the last turn ended with"
    assert (tmp_path / "lake" / "ops" / "maintained.json").is_file()
    assert began[1] == "began\nended\n", "the lake is maintained when all have ended, not before"


def test_a_child_ends_when_its_parent_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not following._is_left_alone()
    monkeypatch.setenv(following.PARENT, str(os.getppid()))
    assert not following._is_left_alone()
    monkeypatch.setenv(following.PARENT, "1" if os.getppid() != 1 else "2")
    assert following._is_left_alone()


@pytest.mark.parametrize(
    "options", ["run --jobs", "sync --follow --allow-empty hot", "ingest --follow --accept-loss topic"]
)
def test_options_that_do_not_go_together_are_refused(options: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(options.split()) == 2
    assert "--follow" in capsys.readouterr().err


def began_of(folder: Path, job: str) -> str:
    """What a patient job has written down."""
    note = folder / job
    return note.read_text() if note.is_file() else ""


def text_of(console: Console) -> str:
    """What a terminal has shown."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()

"""``run --follow --jobs``: each job a driver of its own, as on a cluster, all of them children of one process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from leadhouse.jobs.following import MAINTENANCE_SECONDS, PARENT, stop_when_asked
from leadhouse.jobs.maintain import is_due, maintain_lake
from leadhouse.jobs.run import JOBS
from leadhouse.jobs.runtime.layout import check_place
from leadhouse.jobs.runtime.lock import lake_lock
from leadhouse.jobs.runtime.opening import check_run
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.session import DRIVER_MEMORY

MEMORY = "2g"
"""Each driver's, unless the environment says otherwise: seven of them share a machine."""
BETWEEN_MAINTENANCE_SECONDS = 3600.0
"""All drivers stop for it, and take half a minute to be back."""
_HELD = 3
_LOOK_SECONDS, _OUTPUT_SECONDS = 0.2, 10.0


def follow_beside(
    lake: Path,
    workspace: Path,
    *,
    landing: Path | None,
    as_of: datetime | None,
    console: Console,
    names: Sequence[str] = tuple(JOBS),
) -> int:
    """Start a process per job (``names``), which go on beside each other until SIGTERM or SIGINT, which let every
    running micro-batch finish. When maintenance is due they are stopped for it and started again.

    Returns 0, 3 if something was held at the end, or the exit code of the job that failed, for which the others are
    stopped. Raises what ``check_run`` does; TransientError if somebody else is at work on the lake.
    """
    check_run(lake, workspace, landing=landing, takes_files=True)
    check_place(lake)
    stop = stop_when_asked()
    commands = {name: _command(name, lake, workspace, landing, as_of) for name in names}
    code = 0
    # A job that ends for maintenance with an error, while a broker is down or a batch fails, is started again too.
    while not stop.is_set():
        with lake_lock(lake, "leadhouse run --follow --jobs"):
            due = _is_due(lake)
        if due:
            maintain_lake(
                lake, workspace, minutes=MAINTENANCE_SECONDS / 60, dry_run=False, as_json=False, console=console
            )
        if stop.is_set():
            break
        code = _Drivers(commands, console).work(stop, lake)
    return code


class _Drivers:
    """Child processes, one per job, from their start until all have ended."""

    def __init__(self, commands: Mapping[str, Sequence[str]], console: Console) -> None:
        environment = {DRIVER_MEMORY: MEMORY} | os.environ | {PARENT: str(os.getpid())}
        self._console = console
        self._began = time.monotonic()
        self._children = {
            # A group of their own: what the terminal is told is passed on to them, and not told twice.
            name: subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                errors="replace", start_new_session=True,
            )
            for name, command in commands.items()
        }  # fmt: skip
        self._readers = [threading.Thread(target=self._show, args=(name,), daemon=True) for name in self._children]
        for reader in self._readers:
            reader.start()

    def work(self, stop: threading.Event, lake: Path) -> int:
        """Let them work until they are asked to stop, one has ended, or maintenance is due. Returns the exit code."""
        ended: dict[str, int] = {}
        while not stop.wait(_LOOK_SECONDS):
            ended = self._ended()
            if ended or (time.monotonic() >= self._began + BETWEEN_MAINTENANCE_SECONDS and _is_due(lake)):
                break
        for name, child in self._children.items():
            if name not in ended:
                child.send_signal(signal.SIGTERM)
        for child in self._children.values():
            child.wait()
        for reader in self._readers:
            reader.join(_OUTPUT_SECONDS)
        return self._code(ended, stop)

    def _ended(self) -> dict[str, int]:
        return {name: code for name, child in self._children.items() if (code := child.poll()) is not None}

    def _code(self, unasked: Mapping[str, int], stop: threading.Event) -> int:
        for name, code in unasked.items():
            how = f"signal {-code} ended it" if code < 0 else f"it ended with exit code {code}"
            self._say(name, f"{how}; the others are stopped")
            stop.set()
        # Whoever was asked to stop before it could listen had begun nothing.
        asked = {name: 0 if code == -signal.SIGTERM else code for name, code in self._ended().items()}
        codes = [*unasked.values(), *(code for name, code in asked.items() if name not in unasked)]
        failed = [code for code in codes if code not in (0, _HELD)]
        if failed:
            return max(failed[0], 1)
        return _HELD if _HELD in codes else 0

    def _show(self, name: str) -> None:
        output = self._children[name].stdout
        for line in output or ():
            self._say(name, line.rstrip("\n"))

    def _say(self, name: str, line: str) -> None:
        self._console.print(f"{name:8}| {line}", markup=False, highlight=False, soft_wrap=True)


def _is_due(lake: Path) -> bool:
    return check_place(lake) is not None and is_due(find_place(lake), datetime.now(UTC))


def _command(name: str, lake: Path, workspace: Path, landing: Path | None, as_of: datetime | None) -> list[str]:
    options = ["--lake", str(lake), "--workspace", str(workspace)]
    if landing is not None and name == "ingest":
        options += ["--landing", str(landing)]
    if as_of is not None and name != "sync":
        options += ["--as-of", as_of.isoformat()]
    return [sys.executable, "-m", "leadhouse.jobs.cli", name, "--follow", *options]

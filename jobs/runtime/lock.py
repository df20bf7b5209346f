"""One writer per lake: a lock that the operating system releases when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadhouse.conf.errors import TransientError

LOCK = ".lock"


@contextmanager
def lake_lock(root: Path, holder: str) -> Iterator[None]:
    """Hold the lock of the lake in a folder, made if need be. Raises TransientError, which names the holder, if another
    process has it."""
    root.mkdir(parents=True, exist_ok=True)
    path = root / LOCK
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            file.seek(0)
            raise TransientError(
                f"lake: expected to be the only writer of {root}; {file.read().strip() or 'another process'} "
                "is at work; wait for it or stop it"
            ) from problem
        file.seek(0)
        file.truncate()
        file.write(f"{holder}, process {os.getpid()}\n")
        file.flush()
        yield

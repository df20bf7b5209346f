"""One writer per lake: a lock that the operating system releases when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from leadhouse.conf.errors import TransientError
from leadhouse.jobs.runtime.lake import Lake


@contextmanager
def lake_lock(lake: Lake, holder: str) -> Iterator[None]:
    """Hold the lake's lock. Raises TransientError with the holder's name if another process has it."""
    path = lake.root / ".lock"
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            file.seek(0)
            raise TransientError(
                f"lake: expected to be the only writer of {lake.root}; {file.read().strip() or 'another process'} "
                "is at work; wait for it or stop it"
            ) from problem
        file.seek(0)
        file.truncate()
        file.write(f"{holder}, process {os.getpid()}\n")
        file.flush()
        yield

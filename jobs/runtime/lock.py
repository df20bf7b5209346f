"""Who may write into a lake: one process alone, or several jobs beside each other, each of them once.

The operating system releases these locks when their holder ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from leadhouse.conf.errors import TransientError

LOCK, SHARING = ".lock", ".sharing"
"""The lake's lock, beside which each job has one of its own (``.lock.JOB``); and that of making what all jobs share."""

_TRIES, _PAUSE_SECONDS = 5, 0.02
"""Whoever only looks who holds a lock has it for an instant."""


@contextmanager
def lake_lock(root: Path, holder: str, job: str | None = None) -> Iterator[None]:
    """Hold the lake in a folder, made if need be: alone, or, for ``job``, beside other jobs.

    Raises TransientError, which names the holders, if others have the lake, or if the job is at work already.
    """
    root.mkdir(parents=True, exist_ok=True)
    with _open(root / LOCK) as lake:
        if job is None:
            if not _take(lake, fcntl.LOCK_EX):
                raise _refused(f"to be the only writer of {root}", _jobs_at_work(root) or [_said(lake)])
            with _signed(lake, holder):
                yield
            return
        if not _take(lake, fcntl.LOCK_SH):
            raise _refused(f"only other jobs at work on {root}", [_said(lake)])
        with _open(root / f"{LOCK}.{job}") as own:
            if not _take(own, fcntl.LOCK_EX):
                raise _refused(f"{job} to be at work once on {root}", [_said(own)])
            with _signed(own, holder):
                yield


@contextmanager
def sharing_lock(root: Path) -> Iterator[None]:
    """Wait for one's turn to make what jobs share: the lake's card, its tables, its keys, a definition."""
    root.mkdir(parents=True, exist_ok=True)
    with _open(root / SHARING) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def holders(root: Path) -> tuple[str, ...]:
    """Return who holds the lake in a folder now, each with its process; nothing is written."""
    if found := _jobs_at_work(root):
        return tuple(found)
    said = _held(root / LOCK)
    return () if said is None else (said,)


def is_lock(name: str) -> bool:
    """Whether a file of that name in a lake's folder is one of its locks."""
    return name in (LOCK, SHARING) or name.startswith(f"{LOCK}.")


def _jobs_at_work(root: Path) -> list[str]:
    found = (_held(path) for path in sorted(root.glob(f"{LOCK}.*")))
    return [said for said in found if said is not None]


def _held(path: Path) -> str | None:
    """What the holder of a lock says of itself; None if nobody holds it."""
    if not path.is_file():
        return None
    with path.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _said(file)
    return None


def _open(path: Path) -> TextIO:
    return path.open("a+", encoding="utf-8")


def _take(file: TextIO, how: int) -> bool:
    for attempt in range(_TRIES):
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt + 1 < _TRIES:
                time.sleep(_PAUSE_SECONDS)
        else:
            return True
    return False


@contextmanager
def _signed(file: TextIO, holder: str) -> Iterator[None]:
    """Say who holds a lock while it is held."""
    file.truncate(0)
    file.write(f"{holder}, process {os.getpid()}\n")
    file.flush()
    try:
        yield
    finally:
        file.truncate(0)  # the lake may be held next by jobs, which sign their own locks


def _said(file: TextIO) -> str:
    file.seek(0)
    return file.read().strip() or "another process"


def _refused(expected: str, names: list[str]) -> TransientError:
    are = "is" if len(names) == 1 else "are"
    return TransientError(
        f"lake: expected {expected}; {', '.join(names)} {are} at work; wait for {'it' if are == 'is' else 'them'} "
        f"or stop {'it' if are == 'is' else 'them'}"
    )

"""How a landed file has grown since it was listed: the byte to read on from, or a new version of the file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from leadhouse.jobs.runtime.open_file import CHUNK, Hash, OpenFile
from leadhouse.jobs.runtime.ranges import FileRange
from leadhouse.transforms.records import record_bounds
from leadhouse.transforms.splitting import Splitting


@dataclass(frozen=True)
class Start:
    """Where to read on: a version of the file, a byte, and the hash of all bytes before it."""

    file_version: int
    at: int
    hasher: Hash


def start_of(file: OpenFile, newest: FileRange | None) -> Start | None:
    """Return where to read on in a file whose last listed range is ``newest``; None while that can't be told yet."""
    if newest is None:
        return Start(1, 0, hashlib.sha256())
    other = Start(newest.file_version + 1, 0, hashlib.sha256())
    if newest.to_byte > file.size:
        return other
    hasher = file.hash(0, newest.tail_from, hashlib.sha256())
    if file.hash(newest.tail_from, newest.to_byte, hasher.copy()).hexdigest() != newest.sha256:
        return other
    if newest.to_byte == file.size:
        return Start(newest.file_version, file.size, file.hash(newest.tail_from, file.size, hasher))
    if newest.tail_from == 0:  # nothing was in it, or half a header
        return other if newest.to_byte else replace(other, file_version=newest.file_version)
    at = _parting(file, newest)
    if at is None:
        return None
    version = newest.file_version + (at < newest.to_byte)
    return Start(version, at, file.hash(newest.tail_from, at, hasher))


def _parting(file: OpenFile, newest: FileRange) -> int | None:
    """Return the first byte of a grown file that no taken record covers rightly; None while that can't be told.

    Only the records of an unfinished tail can turn out otherwise than they were taken.
    """
    file.seek(newest.tail_from)
    tail = file.read(newest.to_byte - newest.tail_from)
    window = tail + file.read(file.splitting.max_record_bytes + CHUNK)
    at_end = newest.tail_from + len(window) >= file.size
    taken = _contents(tail, file.splitting, final=True)
    present = _contents(window, file.splitting, final=at_end and file.settled)
    for index, record in enumerate(taken):
        if index >= len(present) and at_end:
            return None
        if index >= len(present) or present[index] != record:
            return newest.tail_from + record[0]
    return newest.to_byte


def _contents(data: bytes, splitting: Splitting, *, final: bool) -> list[tuple[int, int]]:
    starts, stops, _ = record_bounds(data, splitting, final=final)
    kept = stops > starts
    return list(zip(starts[kept].tolist(), stops[kept].tolist(), strict=True))

"""The scan of one landed file: what is new in it since it was last looked at, cut where records end."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from leadhouse.conf.errors import InputError
from leadhouse.conf.settings import Landing
from leadhouse.jobs.runtime.growth import Start, start_of
from leadhouse.jobs.runtime.header import Header, read_header
from leadhouse.jobs.runtime.landing import LandedFile, printable
from leadhouse.jobs.runtime.open_file import CHUNK, FileChangedError, Hash, OpenFile
from leadhouse.jobs.runtime.ranges import FileRange, Known, fingerprint, shape_words
from leadhouse.transforms.records import record_ends

_LARGEST_RANGE = 512_000_000
"""A range is held in memory by the task that takes it."""


@dataclass(frozen=True)
class Scan:
    """What is new in a file."""

    ranges: tuple[FileRange, ...] = ()
    note: str | None = None
    """Why something in it has not been taken, for the person at the terminal."""


def scan_file(landing: Path, file: LandedFile, known: Known | None, *, now_ns: int, settings: Landing) -> Scan:
    """Return the byte ranges of a file that are new since it was last listed.

    A file whose metadata is unchanged is not read. One that begins with the bytes that were listed has grown: its new
    ranges start after them, or, if its last record had been taken unfinished and went on, at that record as a new
    version of the file. The same content under new metadata is one empty range, which says so. Any other content is a
    new version from byte 0. A last record whose end is not there yet waits until the file has been quiet for
    ``settings.settle_seconds``. Ranges that were lost and are back are listed again.
    """
    path = landing / file.path
    try:
        if known and not known.read_again and fingerprint(path.stat()) == known.newest.stat:
            is_taken = known.newest.to_byte == known.newest.size
            if is_taken or not _is_settled(path.stat(), now_ns, settings):
                return Scan(note=None if is_taken else _waits(file))
        with path.open("rb") as opened:
            status = os.fstat(opened.fileno())
            shape = shape_words(file.contract.shape)
            content = OpenFile(opened, status, shape, settled=_is_settled(status, now_ns, settings))
            scan = _FileScan(file, content, settings).new_since(known)
            after = os.fstat(opened.fileno())
        if fingerprint(after) != fingerprint(status) and after.st_size <= status.st_size:
            raise FileChangedError
    except FileNotFoundError:
        return Scan()
    except FileChangedError:
        return Scan(note=f"{printable(file.path)}: being written; left for next time")
    except (InputError, OSError) as problem:
        return Scan(note=f"{printable(file.path)}: not taken: {getattr(problem, 'strerror', None) or problem}")
    return scan


def _is_settled(status: os.stat_result, now_ns: int, settings: Landing) -> bool:
    # A time in the future comes from another clock: its distance is as good a measure of quiet as any.
    return abs(now_ns - status.st_mtime_ns) >= settings.settle_seconds * 1e9


def _waits(file: LandedFile) -> str:
    return f"{printable(file.path)}: its last record has no end yet; left for next time"


class _FileScan:
    """One reading of an open file."""

    def __init__(self, file: LandedFile, content: OpenFile, settings: Landing) -> None:
        self._file = file
        self._content = content
        self._range_bytes = min(settings.range_bytes, _LARGEST_RANGE)

    def new_since(self, known: Known | None) -> Scan:
        """Return the ranges that are new."""
        content = self._content
        back = tuple(self._renewed(entry) for entry in known.lost if self._holds(entry)) if known else ()
        start = start_of(content, known.newest if known else None)
        header = read_header(content)
        if start is None or header is None:
            return Scan(back, _waits(self._file))
        if start.at < header.end:
            content.hash(start.at, header.end, start.hasher)
            start = replace(start, at=header.end)
        pieces, waiting = self._cut(start, header)
        if not pieces and not waiting:
            is_known = known is not None and known.newest.sha256 == start.hasher.hexdigest()
            tail_from = known.newest.tail_from if known and is_known else 0 if header.is_open else content.size
            pieces = [self._range(start, header, content.size, hashlib.sha256(), tail_from)]
        return Scan((*back, *pieces), _waits(self._file) if waiting else None)

    def _cut(self, start: Start, header: Header) -> tuple[list[FileRange], bool]:
        """Cut what follows ``start`` into ranges at record ends; also return whether a last record is left waiting."""
        content = self._content
        pieces: list[FileRange] = []
        buffer, base, tail_from, digest = b"", start.at, start.at, hashlib.sha256()
        content.seek(start.at)
        while base + len(buffer) < content.size:
            buffer += content.read_on(min(max(CHUNK, len(buffer)), content.size - base - len(buffer)))
            ends = record_ends(buffer, content.splitting, final=False)
            tail_from = base + (int(ends[-1]) if len(ends) else 0)
            if base + len(buffer) == content.size and content.settled:
                ends = record_ends(buffer, content.splitting, final=True)
            hashed = 0
            for end in self._cut_points(ends + base, start.at):
                digest.update(memoryview(buffer)[hashed : end - base])
                start.hasher.update(memoryview(buffer)[hashed : end - base])
                pieces.append(self._range(start, header, end, digest, tail_from=min(tail_from, end)))
                start, digest, hashed = replace(start, at=end), hashlib.sha256(), end - base
            done = int(ends[-1]) if len(ends) else 0
            digest.update(memoryview(buffer)[hashed:done])
            start.hasher.update(memoryview(buffer)[hashed:done])
            buffer, base = buffer[done:], base + done
        if base > start.at:
            pieces.append(self._range(start, header, base, digest, tail_from=min(tail_from, base)))
        return pieces, bool(buffer)

    def _cut_points(self, ends: np.ndarray[Any, np.dtype[np.int64]], begin: int) -> list[int]:
        points = []
        at = int(np.searchsorted(ends, begin + self._range_bytes))
        while at < len(ends):
            points.append(int(ends[at]))
            at = int(np.searchsorted(ends, points[-1] + self._range_bytes))
        return points

    def _range(self, start: Start, header: Header, end: int, digest: Hash, tail_from: int) -> FileRange:
        contract = self._file.contract
        return FileRange(
            tenant=contract.tenant,
            source=contract.source,
            path=self._file.path,
            file_version=start.file_version,
            from_byte=start.at,
            to_byte=end,
            size=self._content.size,
            mtime_ns=self._content.status.st_mtime_ns,
            stat=fingerprint(self._content.status),
            sha256=start.hasher.hexdigest(),
            range_sha256=digest.hexdigest(),
            tail_from=tail_from,
            header_id=header.digest,
            header=header.columns,
            shape=self._content.shape,
        )

    def _holds(self, entry: FileRange) -> bool:
        if entry.to_byte > self._content.size:
            return False
        found = self._content.hash(entry.from_byte, entry.to_byte, hashlib.sha256())
        return found.hexdigest() == entry.range_sha256

    def _renewed(self, entry: FileRange) -> FileRange:
        status = self._content.status
        return replace(entry, size=status.st_size, mtime_ns=status.st_mtime_ns, stat=fingerprint(status))

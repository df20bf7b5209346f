"""Byte ranges of one landed file: what is new in it since it was last looked at, cut where records end."""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from leadhouse.conf.errors import InputError
from leadhouse.conf.settings import Landing
from leadhouse.expectations.contract import Shape
from leadhouse.jobs.runtime.landing import LandedFile, printable
from leadhouse.transforms.records import record_bounds, record_ends
from leadhouse.transforms.splitting import Splitting, byte_order_mark, header_columns, splitting_of

CHUNK = 8_000_000
"""Bytes read at a time."""
_HEADER_CHUNK = 65_536
_LARGEST_RANGE = 512_000_000
"""A range is held in memory by the task that takes it."""


@dataclass(frozen=True)
class FileRange:
    """A byte range of a file; the fields are the columns of bronze.files that describe it."""

    tenant: str
    source: str
    path: str
    file_version: int
    from_byte: int
    to_byte: int
    size: int
    mtime_ns: int
    stat: str
    sha256: str
    range_sha256: str
    tail_from: int
    header_id: str | None
    header: tuple[str, ...] | None
    shape: dict[str, Any]

    @property
    def key(self) -> tuple[str, str, str, int, int, int]:
        """What tells the range from every other one."""
        return self.tenant, self.source, self.path, self.file_version, self.from_byte, self.to_byte

    @property
    def splitting(self) -> Splitting:
        """How the range is cut into records."""
        return splitting_of(**self.shape)

    def row(self) -> dict[str, Any]:
        """Return the range as columns of bronze.files."""
        return asdict(self) | {"header": None if self.header is None else list(self.header)}


@dataclass(frozen=True)
class Known:
    """What bronze.files says about a file."""

    newest: FileRange
    """The last range of the file's last version, with what the file looked like when it was last read."""
    lost: tuple[FileRange, ...] = ()
    """Ranges that were gone when they were to be taken, and have not been listed again."""
    read_again: bool = False
    """Whether a range was lost since the file was last read."""


@dataclass(frozen=True)
class Scan:
    """What is new in a file."""

    ranges: tuple[FileRange, ...] = ()
    note: str | None = None
    """Why something in it has not been taken, for the person at the terminal."""


class _Hash(Protocol):
    def update(self, data: Any, /) -> None: ...
    def copy(self) -> _Hash: ...
    def hexdigest(self) -> str: ...


class _FileChangedError(Exception):
    """The file became shorter while it was read."""


@dataclass(frozen=True)
class _Header:
    end: int
    is_open: bool
    """Whether its line end may still be to come."""
    columns: tuple[str, ...] | None = None
    digest: str | None = None


@dataclass(frozen=True)
class _Start:
    """Where to read on: a version of the file, a byte, and the hash of all bytes before it."""

    file_version: int
    at: int
    hasher: _Hash


def fingerprint(status: os.stat_result) -> str:
    """Return the fingerprint of a file's metadata; equal fingerprints mean that the file was not touched."""
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}:{status.st_ino}"


def shape_words(shape: Shape) -> dict[str, Any]:
    """Return what of a contract's shape decides where records end, as bronze.files keeps it."""
    return {
        "format": shape.format,
        "separator": shape.separator,
        "quote": shape.quote,
        "encoding": shape.encoding,
        "max_record_bytes": shape.max_record_bytes,
    }


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
            scan = _FileScan(opened, status, file, settings, _is_settled(status, now_ns, settings)).ranges(known)
            after = os.fstat(opened.fileno())
        if fingerprint(after) != fingerprint(status) and after.st_size <= status.st_size:
            raise _FileChangedError
    except FileNotFoundError:
        return Scan()
    except _FileChangedError:
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

    def __init__(
        self, opened: BinaryIO, status: os.stat_result, file: LandedFile, settings: Landing, settled: bool
    ) -> None:
        self._opened = opened
        self._status = status
        self._size = status.st_size
        self._file = file
        self._shape = shape_words(file.contract.shape)
        self._splitting = splitting_of(**self._shape)
        self._range_bytes = min(settings.range_bytes, _LARGEST_RANGE)
        self._settled = settled

    def ranges(self, known: Known | None) -> Scan:
        """Return the ranges that are new."""
        back = tuple(self._renewed(entry) for entry in known.lost if self._holds(entry)) if known else ()
        start = _Start(1, 0, hashlib.sha256()) if known is None else self._resume(known.newest)
        header = self._header()
        if start is None or header is None:
            return Scan(back, _waits(self._file))
        if start.at < header.end:
            self._hash(start.at, header.end, start.hasher)
            start = replace(start, at=header.end)
        pieces, waiting = self._cut(start, header)
        if not pieces and not waiting:
            is_known = known is not None and known.newest.sha256 == start.hasher.hexdigest()
            tail_from = known.newest.tail_from if known and is_known else 0 if header.is_open else self._size
            pieces = [self._range(start, header, self._size, hashlib.sha256(), tail_from)]
        return Scan((*back, *pieces), _waits(self._file) if waiting else None)

    def _resume(self, newest: FileRange) -> _Start | None:
        """Return where to read on in a file that was listed before; None while that can't be told yet."""
        other = _Start(newest.file_version + 1, 0, hashlib.sha256())
        if newest.to_byte > self._size:
            return other
        hasher = self._hash(0, newest.tail_from, hashlib.sha256())
        if self._hash(newest.tail_from, newest.to_byte, hasher.copy()).hexdigest() != newest.sha256:
            return other
        if newest.to_byte == self._size:
            return _Start(newest.file_version, self._size, self._hash(newest.tail_from, self._size, hasher))
        if newest.tail_from == 0:  # nothing was in it, or half a header
            return other if newest.to_byte else replace(other, file_version=newest.file_version)
        at = self._parting(newest)
        if at is None:
            return None
        version = newest.file_version + (at < newest.to_byte)
        return _Start(version, at, self._hash(newest.tail_from, at, hasher))

    def _parting(self, newest: FileRange) -> int | None:
        """Return the first byte of a grown file that no taken record covers rightly; None while that can't be told.

        Only the records of an unfinished tail can turn out otherwise than they were taken.
        """
        self._opened.seek(newest.tail_from)
        tail = self._opened.read(newest.to_byte - newest.tail_from)
        window = tail + self._opened.read(self._splitting.max_record_bytes + CHUNK)
        at_end = newest.tail_from + len(window) >= self._size
        taken = _contents(tail, self._splitting, final=True)
        present = _contents(window, self._splitting, final=at_end and self._settled)
        for index, record in enumerate(taken):
            if index >= len(present) and at_end:
                return None
            if index >= len(present) or present[index] != record:
                return newest.tail_from + record[0]
        return newest.to_byte

    def _header(self) -> _Header | None:
        """Return where the data begins, with the header of a format that has one; None while it is incomplete."""
        self._opened.seek(0)
        data = self._opened.read(min(_HEADER_CHUNK, self._size))
        mark = byte_order_mark(data, str(self._shape["encoding"]))
        if not self._splitting.has_header:
            return _Header(mark, is_open=False)
        while True:
            at_end = len(data) >= self._size
            starts, stops, ends = record_bounds(data[mark:], self._splitting, final=False)
            lines = np.flatnonzero(stops > starts)
            is_open = not len(lines) and at_end
            if is_open and self._settled:
                starts, stops, ends = record_bounds(data[mark:], self._splitting, final=True)
                lines = np.flatnonzero(stops > starts)
                if not len(lines):
                    return _Header(self._size, is_open=False)
            if len(lines):
                first = lines[0]
                return self._header_at(data[mark:][starts[first] : stops[first]], mark + int(ends[first]), is_open)
            if at_end:
                return None if self._size > mark else _Header(self._size, is_open=False)
            data += self._read(min(len(data), self._size - len(data)))

    def _header_at(self, raw: bytes, end: int, is_open: bool) -> _Header:
        words = {name: str(self._shape[name]) for name in ("encoding", "separator", "quote")}
        return _Header(end, is_open, header_columns(raw, **words), hashlib.sha256(raw).hexdigest()[:16])

    def _cut(self, start: _Start, header: _Header) -> tuple[list[FileRange], bool]:
        """Cut what follows ``start`` into ranges at record ends; also return whether a last record is left waiting."""
        pieces: list[FileRange] = []
        buffer, base, tail_from, digest = b"", start.at, start.at, hashlib.sha256()
        self._opened.seek(start.at)
        while base + len(buffer) < self._size:
            buffer += self._read(min(max(CHUNK, len(buffer)), self._size - base - len(buffer)))
            ends = record_ends(buffer, self._splitting, final=False)
            tail_from = base + (int(ends[-1]) if len(ends) else 0)
            if base + len(buffer) == self._size and self._settled:
                ends = record_ends(buffer, self._splitting, final=True)
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

    def _range(self, start: _Start, header: _Header, end: int, digest: _Hash, tail_from: int) -> FileRange:
        contract = self._file.contract
        return FileRange(
            tenant=contract.tenant,
            source=contract.source,
            path=self._file.path,
            file_version=start.file_version,
            from_byte=start.at,
            to_byte=end,
            size=self._size,
            mtime_ns=self._status.st_mtime_ns,
            stat=fingerprint(self._status),
            sha256=start.hasher.hexdigest(),
            range_sha256=digest.hexdigest(),
            tail_from=tail_from,
            header_id=header.digest,
            header=header.columns,
            shape=self._shape,
        )

    def _holds(self, entry: FileRange) -> bool:
        if entry.to_byte > self._size:
            return False
        return self._hash(entry.from_byte, entry.to_byte, hashlib.sha256()).hexdigest() == entry.range_sha256

    def _renewed(self, entry: FileRange) -> FileRange:
        return replace(entry, size=self._size, mtime_ns=self._status.st_mtime_ns, stat=fingerprint(self._status))

    def _hash(self, start: int, end: int, hasher: _Hash) -> _Hash:
        self._opened.seek(start)
        while start < end:
            data = self._read(min(CHUNK, end - start))
            hasher.update(data)
            start += len(data)
        return hasher

    def _read(self, count: int) -> bytes:
        data = self._opened.read(count)
        if not data:
            raise _FileChangedError
        return data


def _contents(data: bytes, splitting: Splitting, *, final: bool) -> list[tuple[int, int]]:
    starts, stops, _ = record_bounds(data, splitting, final=final)
    kept = stops > starts
    return list(zip(starts[kept].tolist(), stops[kept].tolist(), strict=True))

"""The header of a landed file: its column names, and where the data begin after it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from leadhouse.jobs.runtime.open_file import OpenFile
from leadhouse.transforms.records import record_bounds
from leadhouse.transforms.splitting import byte_order_mark, header_columns

_CHUNK = 65_536


@dataclass(frozen=True)
class Header:
    """Where a file's data begin, with the header of a format that has one."""

    end: int
    is_open: bool
    """Whether its line end may still be to come."""
    columns: tuple[str, ...] | None = None
    digest: str | None = None


def read_header(file: OpenFile) -> Header | None:
    """Return a file's header; None while it is incomplete. Raises InputError where the contract can't be right."""
    file.seek(0)
    data = file.read(min(_CHUNK, file.size))
    mark = byte_order_mark(data, str(file.shape["encoding"]))
    if not file.splitting.has_header:
        return Header(mark, is_open=False)
    while True:
        at_end = len(data) >= file.size
        starts, stops, ends = record_bounds(data[mark:], file.splitting, final=False)
        lines = np.flatnonzero(stops > starts)
        is_open = not len(lines) and at_end
        if is_open and file.settled:
            starts, stops, ends = record_bounds(data[mark:], file.splitting, final=True)
            lines = np.flatnonzero(stops > starts)
            if not len(lines):
                return Header(file.size, is_open=False)
        if len(lines):
            first = lines[0]
            return _header_of(file, data[mark:][starts[first] : stops[first]], mark + int(ends[first]), is_open)
        if at_end:
            return None if file.size > mark else Header(file.size, is_open=False)
        data += file.read_on(min(len(data), file.size - len(data)))


def _header_of(file: OpenFile, raw: bytes, end: int, is_open: bool) -> Header:
    words = {name: str(file.shape[name]) for name in ("encoding", "separator", "quote")}
    return Header(end, is_open, header_columns(raw, **words), hashlib.sha256(raw).hexdigest()[:16])

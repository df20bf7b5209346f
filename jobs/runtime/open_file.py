"""A landed file that is open for a scan: its bytes, and hashes of them."""

from __future__ import annotations

import os
from typing import Any, BinaryIO, Protocol

from leadhouse.transforms.splitting import splitting_of

CHUNK = 8_000_000
"""Bytes read at a time."""


class Hash(Protocol):
    """A hash that is still being fed."""

    def update(self, data: Any, /) -> None:
        """Feed bytes."""
        ...

    def copy(self) -> Hash:
        """Return another hash that was fed the same bytes."""
        ...

    def hexdigest(self) -> str:
        """Return the hash of all bytes fed so far."""
        ...


class FileChangedError(Exception):
    """The file became shorter while it was read."""


class OpenFile:
    """An open file as long as it was when it was opened, and how its records are told apart."""

    def __init__(self, opened: BinaryIO, status: os.stat_result, shape: dict[str, Any], *, settled: bool) -> None:
        self._opened = opened
        self.status = status
        self.size = status.st_size
        self.shape = shape
        self.splitting = splitting_of(**shape)
        self.settled = settled
        """Whether it has been quiet for so long that a last record without an end counts as whole."""

    def seek(self, at: int) -> None:
        """Go to a byte."""
        self._opened.seek(at)

    def read(self, count: int) -> bytes:
        """Read on: ``count`` bytes, fewer where the file ends."""
        return self._opened.read(count)

    def read_on(self, count: int) -> bytes:
        """Read on where bytes must follow. Raises FileChangedError if none do."""
        data = self._opened.read(count)
        if not data:
            raise FileChangedError
        return data

    def hash(self, start: int, end: int, hasher: Hash) -> Hash:
        """Feed the bytes from ``start`` to ``end`` to a hash, and return it."""
        self._opened.seek(start)
        while start < end:
            data = self.read_on(min(CHUNK, end - start))
            hasher.update(data)
            start += len(data)
        return hasher

"""Byte ranges of landed files, as bronze.files lists them."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from leadhouse.expectations.contract import Shape
from leadhouse.transforms.splitting import Splitting, splitting_of


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

"""Whether every byte of the landed files is in one range, and every record in one range: bronze.files against records.

A range begins where the one before it ended. A file's first range begins after its header; that of a later version at
the file's beginning too, or at a last record that had been taken without its end and went on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from leadhouse.jobs.runtime.finding import WRONG, Finding
from leadhouse.jobs.runtime.landing import printable
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.soundness.content import batches

CHECK = "bytes"
FILES, RECORDS, OFFSETS = "bronze.files", "bronze.records", "bronze.offsets"

_COLUMNS = (
    "tenant", "source", "path", "file_version", "from_byte", "to_byte", "size", "tail_from", "range_sha256",
    "header_id", "header", "shape", "lost", "listing",
)  # fmt: skip
_MARK_BYTES = 4
"""A byte order mark has at most so many."""
_HEADER_SLACK = 64
"""Bytes that a header line may have beside its names: its line end, blank lines before it, a byte order mark."""

Row = dict[str, Any]
FileKey = tuple[str, str, str]
VersionKey = tuple[str, str, str, int]


@dataclass
class Version:
    """The ranges of one version of a file, as far as they have been read."""

    key: VersionKey
    ranges: dict[tuple[int, int], Row] = field(default_factory=dict)
    """Ranges that hold bytes: first byte and byte after the last → the row that listed them last."""
    lost: set[tuple[int, int]] = field(default_factory=set)
    """Ranges that were gone when they were to be taken, and were not listed again."""
    end: int | None = None
    """Byte after the last one that is listed; None: nothing was listed."""
    newest: Row = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file and its version, for a person."""
        return f"{printable(self.key[2])} (version {self.key[3]})"


def check_ranges(place: Place, tables: Sequence[str]) -> list[Finding]:
    """Check that the listed ranges of each file follow each other without gap or overlap."""
    if FILES not in tables:
        return []
    return [finding for key, rows in _listed(place) for finding in walk_file(key, rows)[1]]


def listed_versions(place: Place) -> dict[VersionKey, Version]:
    """Return every listed version of every file, with its ranges in order."""
    return {version.key: version for key, rows in _listed(place) for version in walk_file(key, rows)[0]}


def walk_file(key: FileKey, rows: Sequence[Row]) -> tuple[list[Version], list[Finding]]:
    """Go through a file's rows of bronze.files in the order in which they were written.

    Returns its versions, and what is wrong with the ranges.
    """
    versions: dict[int, Version] = {}
    findings: list[Finding] = []
    for row in sorted(rows, key=lambda row: (row["listing"], row["lost"], row["file_version"], row["from_byte"])):
        number = row["file_version"]
        version = versions.setdefault(number, Version((*key, number)))
        findings += _mark(version, row) if row["lost"] else _list(version, versions.get(number - 1), row)
    if absent := [number for number in range(1, max(versions)) if number not in versions]:
        what = f"{printable(key[2])}: expected every version from 1 to {max(versions)}; {absent} was never listed"
        findings.append(_wrong(what))
    return list(versions.values()), findings


def _listed(place: Place) -> list[tuple[FileKey, list[Row]]]:
    rows: dict[FileKey, list[Row]] = {}
    for batch in batches(place, FILES, _COLUMNS):
        for row in batch.to_pylist():
            rows.setdefault((row["tenant"], row["source"], row["path"]), []).append(row)
    return sorted(rows.items(), key=lambda entry: entry[0])


def _mark(version: Version, row: Row) -> list[Finding]:
    part = (row["from_byte"], row["to_byte"])
    version.lost.add(part)
    if part in version.ranges:
        return []
    return [_wrong(f"{version.name}: expected lost bytes to be listed ones; {_words(part)} never were")]


def _list(version: Version, before: Version | None, row: Row) -> list[Finding]:
    part = (row["from_byte"], row["to_byte"])
    if part in version.ranges and part in version.lost:  # they are back
        version.lost.discard(part)
        version.ranges[part] = row
        return []
    findings = []
    if part[0] > part[1] or part[1] > row["size"]:
        findings.append(
            _wrong(f"{version.name}: expected a range inside its {row['size']:,} bytes; got {_words(part)}")
        )
    if not version.ranges:
        if not _may_begin(version, before, row):
            expected = "its first range right after the header" if row["header"] else "its first range at byte 0"
            findings.append(_wrong(f"{version.name}: expected {expected}; it begins at byte {part[0]:,}"))
    elif part[0] > (version.end or 0):
        findings.append(_wrong(f"{version.name}: expected bytes {version.end:,} to {part[0]:,} in a range; in none"))
    elif part[0] < (version.end or 0):
        findings.append(_wrong(f"{version.name}: expected the next range at byte {version.end:,}; {_words(part)} too"))
    if part[0] < part[1]:
        version.ranges[part] = row
    version.end = max(version.end or 0, part[1])
    version.newest = row
    return findings


def _may_begin(version: Version, before: Version | None, row: Row) -> bool:
    begin = row["from_byte"]
    if before is not None and before.newest:
        unfinished = before.newest["tail_from"] <= begin < before.newest["to_byte"]
        if unfinished:
            return True
    shape = row["shape"]
    if shape["format"] != "csv":
        return bool(begin <= _MARK_BYTES)
    # The header's own bytes aren't kept; its names are: each may be quoted, and quotes in it doubled.
    names = row["header"] or ()
    if not names:
        return bool(begin == row["to_byte"])  # nothing but blank lines
    unit = len("\n".encode(shape["encoding"]))
    longest = sum(2 * len(name.encode(shape["encoding"], "replace")) + 4 * unit for name in names)
    return bool(begin <= (version.end or 0) + longest + _HEADER_SLACK * unit)


def _words(part: tuple[int, int]) -> str:
    return f"bytes {part[0]:,} to {part[1]:,}"


def _wrong(what: str) -> Finding:
    return Finding(CHECK, WRONG, f"{FILES}: {what}", "restore bronze.files from a backup, or land that file again")

"""Whether every record of a landed file lies in one listed range, and every range's bytes have become records."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leadhouse.jobs.runtime.finding import NOTE, WRONG, Finding, some
from leadhouse.jobs.runtime.landing import printable
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.soundness.byte_ranges import CHECK, FILES, OFFSETS, RECORDS, Version, VersionKey, listed_versions
from leadhouse.jobs.soundness.content import batches, collect

_LOST_RECORDS = "take the file again: land it under another name; the records of those bytes are gone from bronze"
_STRANGE = "find out which program wrote them (check writers), and restore bronze.records from a backup"
_LAND_AGAIN = "land the file again"
_LARGEST_BLANK, _SMALL_BLANK = 1 << 20, 20
"""Code units of ranges that are recognised as blank lines: all alike, and mixed."""

Source = tuple[str, str]
Spans = NDArray[np.int64]
"""One row per record: its first byte, and the byte after its content."""


def check_positions(
    place: Place, tables: Sequence[str], *, missing: Collection[Source], expired: Collection[Source]
) -> list[Finding]:
    """Check records against ranges.

    ``missing`` names the (tenant, source) pairs of which records are gone that should be there, by the ledger: where
    none are, bytes between two records are blank lines. ``expired``: those of which retention has let records go.
    """
    if FILES not in tables or RECORDS not in tables:
        return []
    by = ("tenant", "source", "origin", "partition")
    spans = collect(batches(place, RECORDS, (*by, "position", "raw")), by, _spans)
    topics = _topics(place, tables)
    of_files = {key: found for key, found in spans.items() if key[:3] not in topics}
    return compare(listed_versions(place), of_files, missing=missing, expired=expired)


def compare(
    versions: Mapping[VersionKey, Version],
    spans: Mapping[tuple[Any, ...], Spans],
    *,
    missing: Collection[Source],
    expired: Collection[Source],
) -> list[Finding]:
    """Compare the listed ranges of files with the bytes of records, as ``check_positions`` does."""
    findings: list[Finding] = []
    ordered = {key: found[np.argsort(found[:, 0], kind="stable")] for key, found in sorted(spans.items())}
    for key, found in ordered.items():
        if key in versions:
            findings += _inside(versions[key], found)
            findings += _between(versions[key], found) if key[:2] in missing else []
        else:
            what = f"{RECORDS}: expected {printable(str(key[2]))} (version {key[3]}) in {FILES}; it isn't there"
            findings.append(_wrong(f"{what}, and {len(found):,} records name it", _STRANGE))
    kept = {key: version for key, version in versions.items() if key[:2] not in expired}
    return findings + _taken(kept, ordered)


def _spans(batch: pa.RecordBatch) -> Spans:
    begins = batch.column("position").to_numpy(zero_copy_only=False).astype(np.int64)
    lengths = (
        pc.binary_length(batch.column("raw").cast(pa.large_binary())).to_numpy(zero_copy_only=False).astype(np.int64)
    )
    return np.stack([begins, begins + lengths], axis=1)


def _inside(version: Version, spans: Spans) -> list[Finding]:
    """Check that each record lies in one range, and no two on the same bytes."""
    findings = []
    edges = np.array(sorted(version.ranges), dtype=np.int64).reshape(-1, 2)
    at = np.searchsorted(edges[:, 0], spans[:, 0], side="right") - 1
    last = edges[np.maximum(at, 0), 1] if len(edges) else np.zeros(len(spans), dtype=np.int64)
    outside = (at < 0) | (spans[:, 1] > last)
    if outside.any():
        where = some([f"byte {position:,}" for position in spans[outside, 0].tolist()])
        what = f"{RECORDS}: {version.name}: expected each record in one range; {int(outside.sum()):,} in none"
        findings.append(_wrong(f"{what} (at {where})", "restore bronze.files from a backup: a range is missing there"))
    overlapping = np.flatnonzero(spans[1:, 0] < spans[:-1, 1])
    if len(overlapping):
        where = some([f"byte {position:,}" for position in spans[overlapping + 1, 0].tolist()])
        what = f"{RECORDS}: {version.name}: expected each byte in one record; {len(overlapping):,} overlap (at {where})"
        findings.append(_wrong(what, _STRANGE))
    return findings


def _between(version: Version, spans: Spans) -> list[Finding]:
    """Name the bytes of taken ranges that are in no record: more than a line end."""
    gaps = []
    for (begin, end), row in sorted(version.ranges.items()):
        inside = spans[(spans[:, 0] >= begin) & (spans[:, 0] < end)]
        if not len(inside) or (begin, end) in version.lost:
            continue
        longest = 2 * len("\n".encode(row["shape"]["encoding"]))
        starts = np.concatenate([[begin], inside[:, 1]])
        stops = np.concatenate([inside[:, 0], [end]])
        allowed = np.where(starts == begin, 0, longest)
        gaps += [(int(starts[i]), int(stops[i])) for i in np.flatnonzero(stops - starts > allowed)]
    if not gaps:
        return []
    where = some([f"{start:,} to {stop:,}" for start, stop in gaps])
    what = f"{RECORDS}: {version.name}: expected a record for every byte; none has the bytes {where}"
    return [_wrong(what, _LOST_RECORDS)]


def _taken(versions: Mapping[VersionKey, Version], spans: Mapping[tuple[Any, ...], Spans]) -> list[Finding]:
    """Check that every listed range that isn't lost or blank was taken; those of the newest listings may wait."""
    without: list[tuple[Version, dict[str, Any]]] = []
    lost: list[Version] = []
    last_taken = 0
    for key, version in versions.items():
        positions = spans[key][:, 0] if key in spans else np.zeros(0, dtype=np.int64)
        for part, row in version.ranges.items():
            has_records = bool(np.diff(np.searchsorted(positions, part))[0])
            if part in version.lost:
                lost.append(version)
            elif has_records:
                last_taken = max(last_taken, row["listing"])
            elif not _is_blank(row):
                without.append((version, row))
    findings = []
    waiting = 0
    for version, row in without:
        if row["listing"] > last_taken:
            waiting += 1
            continue
        what = f"{FILES}: {version.name}: expected records of the bytes {row['from_byte']:,} to {row['to_byte']:,}"
        findings.append(_wrong(f"{what}, which were listed before others that were taken; none", _LOST_RECORDS))
    if waiting:
        what = f"{FILES}: {waiting:,} ranges of the newest listings are not taken yet"
        findings.append(Finding(CHECK, NOTE, what, "the next ingest takes them"))
    findings += [
        Finding(CHECK, NOTE, f"{FILES}: {name}: bytes were lost before they were taken", _LAND_AGAIN)
        for name in dict.fromkeys(version.name for version in lost)
    ]
    return findings


def _is_blank(row: dict[str, Any]) -> bool:
    """Whether a range holds nothing but line ends: of one kind, or, in a short one, of both kinds in any order."""
    newline, return_ = (sign.encode(row["shape"]["encoding"]) for sign in "\n\r")
    units, rest = divmod(row["to_byte"] - row["from_byte"], len(newline))
    if rest or units > _LARGEST_BLANK:
        return False
    uniform = [newline * units, (return_ + newline) * (units // 2)]
    guesses = _line_ends(units, newline, return_) if units <= _SMALL_BLANK else iter(uniform)
    return any(hashlib.sha256(guess).hexdigest() == row["range_sha256"] for guess in guesses)


def _line_ends(units: int, newline: bytes, return_: bytes) -> Iterator[bytes]:
    """Yield every text of so many code units that is made of line ends; a last one may lack its newline."""
    if units == 0:
        yield b""
        return
    if units == 1:
        yield from (newline, return_)
        return
    for first, left in ((newline, units - 1), (return_ + newline, units - 2)):
        for rest in _line_ends(left, newline, return_):
            yield first + rest


def _topics(place: Place, tables: Sequence[str]) -> set[tuple[Any, ...]]:
    """Return the (tenant, source, origin) whose records come from a topic: their positions are offsets, not bytes."""
    if OFFSETS not in tables:
        return set()
    columns = ("tenant", "source", "origin")
    return {tuple(row.values()) for batch in batches(place, OFFSETS, columns) for row in batch.to_pylist()}


def _wrong(what: str, remedy: str) -> Finding:
    return Finding(CHECK, WRONG, what, remedy)

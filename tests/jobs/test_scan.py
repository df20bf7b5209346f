from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadhouse.conf.settings import Landing
from leadhouse.expectations.contract import Shape
from leadhouse.jobs.runtime.landing import landed_files
from leadhouse.jobs.runtime.ranges import FileRange, Known
from leadhouse.jobs.runtime.scan import Scan, scan_file
from tests.jobs.contracts import CSV, a_contract

QUIET = 10**15
"""Nanoseconds after a file's change at which it has been quiet for long."""


def scan(
    file: Path,
    content: bytes | None,
    known: Known | None = None,
    *,
    quiet: bool = True,
    shape: Shape = CSV,
    range_bytes: int = 10**9,
) -> Scan:
    """List a file with this content (None: as it is)."""
    if content is not None:
        file.write_bytes(content)
    contract = a_contract(glob="*", shape=shape)
    (landed,) = landed_files(file.parent, [contract]).files
    now = file.stat().st_mtime_ns + (QUIET if quiet else 0)
    return scan_file(
        file.parent, landed, known, now_ns=now, settings=Landing(settle_seconds=2, range_bytes=range_bytes)
    )


def bounds(found: Scan) -> list[tuple[int, int, int]]:
    return [(part.file_version, part.from_byte, part.to_byte) for part in found.ranges]


def after(found: Scan) -> Known:
    return Known(found.ranges[-1])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "leads.csv"


def test_an_untouched_file_is_not_read(file: Path) -> None:
    found = scan(file, b"id\n1\n")
    known = Known(replace_hash(found.ranges[-1]))
    assert scan(file, None, known) == Scan()


def replace_hash(entry: FileRange) -> FileRange:
    """The same range with a hash that would show a reading."""
    return FileRange(**vars(entry) | {"sha256": "another"})


def test_an_empty_file_and_a_header_alone_are_empty_ranges(file: Path) -> None:
    assert bounds(scan(file, b"")) == [(1, 0, 0)]
    found = scan(file, b"id,\n")
    assert bounds(found) == [(1, 4, 4)]
    assert found.ranges[0].header == ("id", "")


def test_an_empty_file_and_a_header_alone_grow(file: Path) -> None:
    empty = scan(file, b"")
    header = scan(file, b"id\n", after(empty))
    assert bounds(header) == [(1, 3, 3)]
    assert bounds(scan(file, b"id\n1\n", after(header))) == [(1, 3, 5)]
    half = scan(file, b"id")
    assert bounds(half) == [(1, 2, 2)]
    whole = scan(file, b"id,name\n1,a\n", after(half))
    assert (bounds(whole), whole.ranges[0].header) == ([(2, 8, 12)], ("id", "name"))


def test_a_longer_file_with_the_same_beginning_is_read_on(file: Path) -> None:
    first = scan(file, b"id\n1\n")
    assert bounds(scan(file, b"id\n1\n2\n", after(first))) == [(1, 5, 7)]


def test_other_content_is_a_new_version(file: Path) -> None:
    first = scan(file, b"id\n1\n2\n")
    for content in (b"id\n1\n3\n", b"id\n1\n", b"nr\n1\n2\n3\n"):  # as long, shorter, longer
        assert bounds(scan(file, content, after(first))) == [(2, 3, len(content))]
    assert bounds(scan(file, b"", after(first))) == [(2, 0, 0)]


def test_a_copy_with_an_old_date_is_told_from_an_untouched_file(file: Path) -> None:
    first = scan(file, b"id\n1\n")
    before = file.stat()
    file.write_bytes(b"id\n2\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert bounds(scan(file, None, after(first))) == [(2, 3, 5)]


def test_the_same_content_under_a_new_date_is_noted_and_taken_no_second_time(file: Path) -> None:
    first = scan(file, b"id\n1\n2")
    os.utime(file, ns=(1, 1))
    touched = scan(file, None, after(first))
    assert bounds(touched) == [(1, 6, 6)]
    assert touched.ranges[0].tail_from == first.ranges[-1].tail_from
    assert scan(file, None, after(touched)) == Scan()


def test_a_last_record_without_a_line_end_waits_until_the_file_is_quiet(file: Path) -> None:
    busy = scan(file, b"id\n1\n2", quiet=False)
    assert bounds(busy) == [(1, 3, 5)]
    assert busy.note == "leads.csv: its last record has no end yet; left for next time"
    assert scan(file, None, after(busy), quiet=False) == Scan(note=busy.note)
    quiet = scan(file, None, after(busy))
    assert (bounds(quiet), quiet.note) == ([(1, 5, 6)], None)


def test_a_header_without_a_line_end_waits_too(file: Path) -> None:
    assert bounds(scan(file, b"id,na", quiet=False)) == []


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (b"id\n1\n2", b"id\n1\n2\n", [(1, 6, 7)]),  # it was whole
        (b"id\n1\n2", b"id\n1\n2\r\n3\n", [(1, 6, 10)]),
        (b"id\n1\n2\r", b"id\n1\n2\r\n3\n", [(1, 7, 10)]),
        (b"id\n1\n2", b"id\n1\n23\n", [(2, 5, 8)]),  # it was half
        (b"id\n1\n2\r", b"id\n1\n2\r3\n", [(2, 5, 9)]),
        (b'id\n1\n"2\n3', b'id\n1\n"2\n3"\n', [(2, 5, 11)]),  # its quote was still open
        (b'id\n1\n"2\n3', b'id\n1\n"2\n3\n4\n', [(1, 9, 12)]),  # a stray quote
        (b'id\n1\n"2\n3', b'id\n1\n"2\n34\n', [(2, 8, 11)]),
    ],
)
def test_a_tail_that_was_taken_is_compared_when_the_file_grows(
    file: Path, before: bytes, now: bytes, expected: list[tuple[int, int, int]]
) -> None:
    first = scan(file, before)
    assert bounds(first) == [(1, 3, len(before))]
    assert bounds(scan(file, now, after(first))) == expected


def test_a_tail_that_grows_but_has_no_end_yet_waits(file: Path) -> None:
    first = scan(file, b"id\n1\n2")
    assert bounds(scan(file, b"id\n1\n23", after(first), quiet=False)) == []
    assert bounds(scan(file, b"id\n1\n23", after(first))) == [(2, 5, 7)]


def test_a_file_is_cut_at_record_ends_into_ranges_that_hash_its_beginning(file: Path) -> None:
    content = b"id\n" + b"".join(b'"%d\n"\n' % number for number in range(50))
    found = scan(file, content, range_bytes=40)
    assert len(found.ranges) > 5
    assert [part.from_byte for part in found.ranges] == [3, *[part.to_byte for part in found.ranges[:-1]]]
    assert found.ranges[-1].to_byte == len(content)
    for part in found.ranges:
        assert content[: part.to_byte].endswith(b'"\n')
        assert part.sha256 == hashlib.sha256(content[: part.to_byte]).hexdigest()
        assert part.range_sha256 == hashlib.sha256(content[part.from_byte : part.to_byte]).hexdigest()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16le", "utf-16be", "utf-32le"])
def test_a_byte_order_mark_belongs_to_no_record(file: Path, encoding: str) -> None:
    found = scan(file, "\ufeffid,n\n1,ä\n".encode(encoding), shape=Shape("csv", encoding=encoding))
    assert found.ranges[0].header == ("id", "n")
    assert found.ranges[0].from_byte == len("\ufeffid,n\n".encode(encoding))
    found = scan(file, "\ufeff{}\n".encode(encoding), shape=Shape("json", encoding=encoding))
    assert found.ranges[0].from_byte == len("\ufeff".encode(encoding))


def test_a_header_is_read_in_the_contracts_encoding(file: Path) -> None:
    found = scan(file, "größe;n\n1;2\n".encode("windows-1252"), shape=Shape("csv", ";", encoding="windows-1252"))
    assert found.ranges[0].header == ("größe", "n")


def test_a_header_longer_than_one_reading_is_found(file: Path) -> None:
    names = [f"column_{number}" for number in range(20_000)]
    assert scan(file, ",".join(names).encode() + b"\n1\n").ranges[0].header == tuple(names)


def test_a_file_in_another_encoding_is_named_and_left(file: Path) -> None:
    found = scan(file, "\ufeffid\n1\n".encode("utf-16le"))
    assert found.ranges == ()
    assert (
        found.note == "leads.csv: not taken: expected utf-8; its byte order mark says utf-16-le; correct the contract"
    )


def test_a_file_that_vanishes_before_it_is_listed_is_nothing(file: Path) -> None:
    file.write_bytes(b"id\n")
    (landed,) = landed_files(file.parent, [a_contract()]).files
    file.unlink()
    assert scan_file(file.parent, landed, None, now_ns=0, settings=Landing()) == Scan()


def test_lost_ranges_are_listed_again_if_their_bytes_are_back(file: Path) -> None:
    first = scan(file, b"id\n1\n2\n3\n", range_bytes=2)
    lost = (first.ranges[0], first.ranges[1])
    back = scan(file, b"id\n1\n5\n3\n", Known(first.ranges[-1], lost, read_again=True), range_bytes=100)
    assert bounds(back) == [(1, 3, 5), (2, 3, 9)]  # the first is there, the second is not, and the file is another
    again = scan(file, b"id\n1\n2\n3\n", Known(first.ranges[-1], lost, read_again=True))
    assert bounds(again) == [(1, 3, 5), (1, 5, 7), (1, 9, 9)]


@settings(max_examples=150, deadline=None)
@given(
    text=st.lists(st.sampled_from(["a", ",", '"', "\n", "\r\n", "b"]), max_size=30).map("".join),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    range_bytes=st.integers(1, 20),
)
def test_landing_in_pieces_lists_every_byte_once(
    tmp_path_factory: pytest.TempPathFactory, text: str, cuts: list[int], range_bytes: int
) -> None:
    content = b"id\n" + text.encode() + b"\n"
    file = tmp_path_factory.mktemp("landing") / "leads.csv"
    known: Known | None = None
    taken: list[tuple[int, int]] = []
    for cut in [*sorted(cuts), len(content)]:
        last = cut >= len(content)
        found = scan(file, content[:cut], known, quiet=last, range_bytes=range_bytes)
        known = after(found) if found.ranges else known
        taken += [(part.from_byte, part.to_byte) for part in found.ranges if part.from_byte < part.to_byte]
        assert all(part.file_version == 1 for part in found.ranges)
    whole = scan(file, None)
    assert taken[0][0] == whole.ranges[0].from_byte if taken else whole.ranges[0].from_byte == len(content)
    assert [end for _, end in taken[:-1]] == [start for start, _ in taken[1:]]
    assert not taken or taken[-1][1] == len(content)

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadhouse.conf.errors import InputError
from leadhouse.transforms import records
from leadhouse.transforms.records import record_ends, split
from leadhouse.transforms.splitting import Splitting, byte_order_mark, header_columns, shape_problem, splitting_of


def csv_splitting(
    *, separator: str = ",", quote: str = '"', encoding: str = "utf-8", max_record_bytes: int = 1_000_000
) -> Splitting:
    return splitting_of(
        format="csv", separator=separator, quote=quote, encoding=encoding, max_record_bytes=max_record_bytes
    )


CSV = csv_splitting()
JSON = splitting_of(format="json", separator=",", quote='"', encoding="utf-8", max_record_bytes=1_000_000)


def contents(data: bytes, how: Splitting = CSV) -> list[bytes]:
    return list(split(data, how)[1].to_pylist())


def ends_in_chunks(data: bytes, how: Splitting, size: int) -> list[int]:
    """Record ends found while the data arrives in chunks, as a file is listed."""
    found: list[int] = []
    base, buffer = 0, b""
    for start in range(0, len(data), size):
        buffer += data[start : start + size]
        ends = record_ends(buffer, how, final=False)
        done = int(ends[-1]) if len(ends) else 0
        found += (ends + base).tolist()
        base, buffer = base + done, buffer[done:]
    return found + (record_ends(buffer, how, final=True) + base).tolist()


def ends_by_the_book(text: str, limit: int, longest: int) -> list[int]:
    """Record ends found character by character, as the module's and the csv module's documentation say."""
    found: list[int] = []
    start = 0
    while start < len(text):
        state, end = "start", None
        for at in range(start, len(text)):
            character = text[at]
            if state == "quoted":
                state = "quote" if character == '"' else "quoted"
            elif character == "\n":
                end = at + 1
                break
            elif character == '"' and state in ("start", "quote"):
                state = "quoted"
            else:
                state = "start" if character == "," else "field"
        line = text.find("\n", start) + 1 or len(text)
        end = end or (line if state == "quoted" else len(text))
        end = line if end - start > limit else end
        start = min(end, start + longest) if line - start > longest else end
        found.append(start)
    return found


texts = st.lists(st.sampled_from(["a", "é", ",", '"', '"', "\n", "\r\n", "\0", " "]), max_size=40).map("".join)
long_texts = st.lists(st.sampled_from(["a", ",", '"', '"', ',"', "\n", "\r\n"]), min_size=20, max_size=60).map("".join)
tables = st.lists(st.lists(st.text(alphabet='ab,;"\n é', max_size=6), min_size=2, max_size=4), min_size=1, max_size=6)


@settings(max_examples=400, deadline=None)
@given(text=texts)
def test_records_end_where_the_csv_module_ends_them_whatever_the_text(text: str) -> None:
    data = text.encode()
    ends = record_ends(data, CSV, final=False)
    complete = data[: ends[-1]] if len(ends) else b""
    rows = [row for row in csv.reader(io.StringIO(complete.decode(), newline="")) if row]
    assert [next(csv.reader(io.StringIO(raw.decode(), newline=""))) for raw in contents(complete)] == rows


@settings(max_examples=200, deadline=None)
@given(
    table=tables,
    separator=st.sampled_from([",", ";", "\t", "|", "a"]),
    encoding=st.sampled_from(["utf-8", "windows-1252", "utf-16le", "utf-16be", "utf-32le"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    every=st.booleans(),
    has_last_end=st.booleans(),
)
def test_what_the_csv_module_writes_is_split_into_its_rows(
    table: list[list[str]], separator: str, encoding: str, line_end: str, every: bool, has_last_end: bool
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(
        out, delimiter=separator, lineterminator=line_end, quoting=csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL
    )
    writer.writerows(table)
    text = out.getvalue() if has_last_end else out.getvalue().removesuffix(line_end)
    found = contents(text.encode(encoding), csv_splitting(separator=separator, encoding=encoding))
    reread = [next(csv.reader(io.StringIO(raw.decode(encoding), newline=""), delimiter=separator)) for raw in found]
    assert reread == table


@settings(max_examples=300, deadline=None)
@given(
    text=texts, chunk=st.integers(1, 9), limit=st.integers(2, 30), longest=st.integers(30, 60), more=st.integers(0, 99)
)
def test_records_are_the_same_however_the_file_is_cut(
    text: str, chunk: int, limit: int, longest: int, more: int
) -> None:
    data = (text * 2).encode()
    how = replace(csv_splitting(max_record_bytes=limit), longest_line=longest)
    ends = record_ends(data, how, final=True).tolist()
    assert (ends[-1] if ends else 0) == len(data)
    assert ends_in_chunks(data, how, chunk) == ends
    if ends:  # a range between two record ends, split alone
        first = more % len(ends)
        start, stop = ends[first], ends[-1]
        assert (record_ends(data[start:stop], how, final=True) + start).tolist() == ends[first + 1 :]


@settings(max_examples=500, deadline=None)
@given(text=long_texts, limit=st.integers(2, 30), longest=st.integers(30, 60), window=st.integers(1, 20))
def test_stray_quotes_and_endless_lines_end_by_the_book(text: str, limit: int, longest: int, window: int) -> None:
    how = replace(csv_splitting(max_record_bytes=limit), longest_line=longest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_WINDOW", window)
        assert record_ends(text.encode(), how, final=True).tolist() == ends_by_the_book(text, limit, longest)


@settings(max_examples=100, deadline=None)
@given(
    payloads=st.lists(st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=2), max_size=5),
    line_end=st.sampled_from([b"\n", b"\r\n"]),
)
def test_json_lines_end_at_every_newline(payloads: list[dict[str, str]], line_end: bytes) -> None:
    lines = [json.dumps(payload).encode() for payload in payloads]
    assert contents(line_end.join(lines), JSON) == lines


@settings(max_examples=100, deadline=None)
@given(text=texts)
def test_positions_point_at_the_record_bytes(text: str) -> None:
    data = text.encode()
    positions, raw = split(data, CSV)
    for position, record in zip(positions.tolist(), raw.to_pylist(), strict=True):
        assert data[position : position + len(record)] == record


def test_blank_lines_are_no_records() -> None:
    assert contents(b"\n1\r\n\r\n\n2\n\r\n") == [b"1", b"2"]


def test_a_carriage_return_is_kept_inside_and_left_out_at_the_end() -> None:
    assert contents(b"1\r2\r\n3\r") == [b"1\r2", b"3"]


def test_a_stray_quote_spoils_its_own_line_only_where_no_other_quote_follows() -> None:
    data = b'1,"open\n2,b\n3,c\n' * 1 + b"4,d\n" * 50
    how = csv_splitting(max_record_bytes=40)
    assert contents(data, how)[:4] == [b'1,"open', b"2,b", b"3,c", b"4,d"]
    assert len(contents(data, how)) == 53


def test_a_quote_that_is_closed_at_the_end_of_the_file_needs_no_line_end() -> None:
    assert contents(b'1,a\n2,"two\nlines"') == [b"1,a", b'2,"two\nlines"']
    assert contents(b'1"a"\n2,"two\nlines"') == [b'1"a"', b'2,"two\nlines"']


def test_a_quote_that_is_open_at_the_end_of_the_file_spoils_its_own_line_only() -> None:
    assert contents(b'1,a\n2,"open\n3,c\n') == [b"1,a", b'2,"open', b"3,c"]


def test_a_quoted_field_may_be_as_long_as_a_record_may_be() -> None:
    field = b'"' + b"x\n" * 500_000 + b'"'
    long = b"1," + field + b"\n2,b\n"
    assert len(contents(long, csv_splitting(max_record_bytes=1_100_000))) == 2
    assert len(contents(long, csv_splitting(max_record_bytes=1_000_000))) == 500_002


def test_a_line_longer_than_a_record_may_be_stays_whole() -> None:
    long = b"x" * 1_500_000
    assert contents(b"1\n" + long + b"\n2\n") == [b"1", long, b"2"]


def test_a_line_that_no_memory_holds_is_cut_and_no_byte_of_it_is_lost() -> None:
    how = replace(JSON, longest_line=100)
    assert contents(b"x" * 250 + b"\ny\n", how) == [b"x" * 100, b"x" * 100, b"x" * 50, b"y"]


def test_crafted_quotes_that_are_never_closed_take_no_quadratic_time() -> None:
    # Each line closes what is open and opens again: to the csv module one record, to us a stray quote a line.
    data = b'a","b\n' * 40_000
    assert len(contents(data, csv_splitting(max_record_bytes=1_000))) == 40_000


def test_without_a_quote_character_every_newline_ends_a_record() -> None:
    assert contents(b'1,"a\nb"\n', csv_splitting(quote="")) == [b'1,"a', b'b"']


def test_half_a_code_unit_at_the_end_is_kept() -> None:
    how = csv_splitting(encoding="utf-16le")
    assert contents("1\n2".encode("utf-16le") + b"x", how) == ["1".encode("utf-16le"), "2".encode("utf-16le") + b"x"]
    assert contents(b"x", how) == [b"x"]


def test_a_separator_of_several_bytes_starts_a_field() -> None:
    assert contents('1¦"a\nb"\n'.encode(), csv_splitting(separator="¦")) == ['1¦"a\nb"'.encode()]


def test_no_bytes_are_no_records() -> None:
    positions, raw = split(b"", CSV)
    assert (len(positions), len(raw)) == (0, 0)
    assert positions.dtype == np.int64


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        ({"format": "xml"}, "format: expected 'csv' or 'json'"),
        ({"encoding": "klingon"}, "encoding: expected one that Python and Java know"),
        ({"encoding": "utf-16"}, "expected 'utf-16le' or 'utf-16be'"),
        ({"encoding": "utf-8-sig"}, "expected one that writes a newline as ASCII does"),
        ({"encoding": "cp037"}, "expected one that writes a newline as ASCII does"),
        ({"encoding": "iso2022_jp"}, "expected one that keeps no state"),
        ({"separator": ""}, "separator: expected one character"),
        ({"separator": "\n"}, "separator: expected one character"),
        ({"separator": "→", "encoding": "windows-1252"}, "separator: expected one character of windows-1252"),
        ({"quote": "''"}, "quote: expected one character"),
        ({"quote": "“"}, "quote: expected one character"),
    ],
)
def test_a_shape_by_which_bytes_cannot_be_cut_is_refused(shape: dict[str, str], problem: str) -> None:
    words = {"format": "csv", "separator": ",", "quote": '"', "encoding": "utf-8"} | shape
    assert problem in str(shape_problem(**words))
    with pytest.raises(InputError):
        splitting_of(**words, max_record_bytes=10)


def test_a_byte_order_mark_is_skipped_if_it_is_the_encodings() -> None:
    assert byte_order_mark("\ufeffid".encode(), "UTF-8") == 3
    assert byte_order_mark("\ufeffid".encode("utf-16le"), "utf-16le") == 2
    assert byte_order_mark(b"id", "utf-8") == 0
    with pytest.raises(InputError, match="expected utf-8; its byte order mark says utf-16-le"):
        byte_order_mark("\ufeffid".encode("utf-16le"), "utf-8")


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (b"id,e-mail,", ("id", "e-mail", "")),
        (b'"a ""b""","c\nd"', ('a "b"', "c\nd")),
        (b"caf\xe9", ("caf�",)),
    ],
)
def test_a_header_names_its_columns(header: bytes, columns: tuple[str, ...]) -> None:
    assert header_columns(header, encoding="utf-8", separator=",", quote='"') == columns


def test_a_file_whose_lines_end_in_carriage_returns_alone_is_refused() -> None:
    with pytest.raises(InputError, match="expected lines that end in a newline"):
        header_columns(b"a,b\r1,2\r3,4", encoding="utf-8", separator=",", quote='"')

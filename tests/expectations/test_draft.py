"""Which files are samples at all, what a draft is called, and that every draft is valid."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadhouse.conf.errors import InputError
from leadhouse.expectations.draft import draft_contract, file_glob, source_name
from leadhouse.expectations.odcs import parse_contract
from tests.expectations.drafts import written


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty"),
        (b"a,b,c\n", "expected records after the header"),
        (b"1,bob@x.com,2024-01-01\n2,al@x.com,2024-01-02\n", "add a header line"),
        (b"1,2,3\n4,5,6\n", "add a header line"),
        (b"sep=;\na;b\n1;2\n", "delete that line"),
        (b"Report of May\n\nid,email,city\n" + b"1,a@b.co,X\n" * 5, "delete the lines above the header"),
        (b"PK\x03\x04....", "Excel"),
        (b"\x1f\x8b\x08....", "gzip"),
        (bytes(range(256)) * 30, "binary"),
        (b"a,b\r1,2\r", "bare CR"),
        (b'[\n  {"a": 1},\n  {"a": 2}\n]\n', "one document over several lines"),
        (b'{"a": 1\n{"a": 2\n{"a":\n', "expected one JSON object a line"),
    ],
)
def test_what_is_no_sample_is_refused_with_what_to_do(tmp_path: Path, content: bytes, what: str) -> None:
    with pytest.raises(InputError, match=what):
        draft_contract(written(tmp_path, "a.csv", content))


def test_a_missing_sample_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(InputError, match="expected a sample file"):
            draft_contract(path)


@pytest.mark.parametrize(
    ("file", "glob", "source"),
    [
        ("leads_2024-01-31.csv", "leads_*.csv", "leads"),
        ("export-20240131T101500-3.csv", "export-*.csv", "export"),
        ("Leads.csv", "Leads.csv", "leads"),
        ("crm [all].csv", "crm [[]all].csv", "crm_all"),
        ("2024-01-31.csv", "2024-01-31.csv", "source"),
        ("b2b_leads.jsonl", "b2b_leads.jsonl", "b2b_leads"),
    ],
)
def test_dates_and_numbers_in_a_file_s_name_become_a_glob(tmp_path: Path, file: str, glob: str, source: str) -> None:
    path = written(tmp_path, file, "a,b\n1,2\n")
    assert file_glob(path) == glob
    assert source_name(path).startswith(source)


_CELLS = st.one_of(
    st.text(max_size=12),
    st.integers(-(10**20), 10**20).map(str),
    st.sampled_from(
        [
            "",
            "NULL",
            "yes",
            "No",
            "2024-01-31",
            "1/2/2024",
            "a@b.co",
            "+49 170 1234567",
            "# DOUBT: x",
            "{a: b}",
            "- x",
            "\x85",
            "\u2028",
        ]
    ),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    header=st.lists(st.text(min_size=1, max_size=14), min_size=1, max_size=6),
    cells=st.lists(st.lists(_CELLS, min_size=6, max_size=6), min_size=1, max_size=8),
    separator=st.sampled_from(",;\t|"),
)
def test_whatever_the_table_its_draft_is_valid_or_the_sample_is_refused(
    tmp_path: Path, header: list[str], cells: list[list[str]], separator: str
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows([header, *(row[: len(header)] for row in cells)])
    path = written(tmp_path, "random.csv", text.getvalue().encode("utf-8", "replace"))
    try:
        draft = draft_contract(path)
    except InputError:
        return
    contract = parse_contract(draft.text.encode(), "random.odcs.yaml", "acme")
    names = [entry.physical_name for entry in contract.fields]
    assert len(set(names)) == len(names)
    document = yaml.safe_load(draft.text)
    assert document["name"] == draft.source


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payloads=st.lists(_JSON, min_size=1, max_size=6))
def test_whatever_the_json_its_draft_is_valid_or_the_sample_is_refused(tmp_path: Path, payloads: list[object]) -> None:
    path = written(tmp_path, "random.jsonl", "\n".join(json.dumps(payload) for payload in payloads))
    try:
        draft = draft_contract(path)
    except InputError:
        return
    parse_contract(draft.text.encode(), "random.odcs.yaml", "acme")

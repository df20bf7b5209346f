from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadhouse.jobs.destinations.destination import ListNow
from leadhouse.jobs.destinations.files import COLUMNS, Files, cell
from tests.jobs.destinations.entries import an_action, an_entry


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_list_is_written_for_people_and_for_programs(tmp_path: Path) -> None:
    now = ListNow("acme", "hot", [an_entry("l1"), an_entry("l2", rank=2, email=None, score=None)])
    (answer,) = Files(tmp_path, "acme").deliver("p", [an_action()], [now])
    assert (answer.status, answer.detail, answer.action.action_id) == ("accepted", "written", "a1")
    first, second = rows(tmp_path / "hot.csv")
    assert list(first) == list(COLUMNS)
    assert (first["score"], first["rank"], first["company"]) == ("0.25", "1", "Müller & Söhne")
    assert first["phone"] == "'+49301234567"
    assert first["external_ids"] == "crm==1+1; web=w7"
    assert first["reasons"] == "3 signals in 7 days; country is DE"
    assert (second["email"], second["score"]) == ("", "")
    line, _ = (tmp_path / "hot.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["phone"] == "+49301234567"
    assert json.loads(line)["reasons"] == ["3 signals in 7 days", "country is DE"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hot.csv", "hot.jsonl"]


@pytest.mark.parametrize("text", ["=1+1", "+49", "-1", "@SUM(A1)", "\tx", "\r=1"])
def test_a_text_that_would_run_as_a_formula_is_quoted(text: str) -> None:
    assert cell(text) == "'" + text


def test_numbers_and_other_texts_stay_as_they_are() -> None:
    assert [cell(value) for value in (-0.5, 3, None, "a=b", "", " =1")] == [-0.5, 3, None, "a=b", "", " =1"]


@given(st.text(max_size=20))
def test_no_cell_starts_a_formula_and_none_loses_its_text(text: str) -> None:
    shown = str(cell(text))
    assert shown[:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert shown.removeprefix("'") == text or shown == text


def test_an_empty_list_leaves_a_header_and_other_tenants_have_their_folder(tmp_path: Path) -> None:
    lists = [ListNow("acme", "hot", []), ListNow("beta", "hot", [an_entry(tenant="beta")])]
    assert list(Files(tmp_path, "acme").deliver("p", [], lists)) == []
    assert rows(tmp_path / "hot.csv") == []
    assert (tmp_path / "hot.jsonl").read_text() == ""
    assert len(rows(tmp_path / "beta" / "hot.csv")) == 1


def test_a_failed_write_is_an_answer_and_leaves_the_old_file_and_the_other_lists(tmp_path: Path) -> None:
    files = Files(tmp_path, "acme")
    list(files.deliver("p", [], [ListNow("acme", "hot", [an_entry()])]))
    (tmp_path / ".hot.csv.partial").mkdir()
    (tmp_path / "before").write_bytes((tmp_path / "hot.csv").read_bytes())
    lists = [ListNow("acme", "hot", [an_entry(score=0.9)]), ListNow("acme", "cold", [an_entry(list="cold")])]
    hot, cold = files.deliver("p", [an_action(1), an_action(2, list="cold")], lists)
    assert (hot.status, hot.detail) == ("unknown", "IsADirectoryError: Is a directory")
    assert cold.status == "accepted"
    assert (tmp_path / "hot.csv").read_bytes() == (tmp_path / "before").read_bytes()
    assert len(rows(tmp_path / "cold.csv")) == 1

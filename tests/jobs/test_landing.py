from __future__ import annotations

import os
from pathlib import Path

import pytest

from leadhouse.conf.errors import InputError
from leadhouse.expectations.contract import Shape
from leadhouse.jobs.runtime.landing import Landed, glob_pattern, landed_files
from tests.jobs.contracts import a_contract


def paths(landed: Landed) -> list[str]:
    return [file.path for file in landed.files]


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("crm/leads*.csv", "crm/leads-2.csv", True),
        ("crm/leads*.csv", "crm/old/leads.csv", False),
        ("*.csv", "crm/leads.csv", False),
        ("**/*.csv", "leads.csv", True),
        ("**/*.csv", "a/b/leads.csv", True),
        ("crm/**", "crm/a/b", True),
        ("a?.csv", "a/.csv", False),
        ("a[0-9].csv", "a5.csv", True),
        ("a[!0-9].csv", "a5.csv", False),
        ("a[!0-9].csv", "a/.csv", False),
        ("a[^b].csv", "a^.csv", True),
        ("a[.csv", "a[.csv", True),
        ("a.csv", "axcsv", False),
        ("leads (1).csv", "leads (1).csv", True),
    ],
)
def test_a_glob_stays_in_its_folder_unless_it_has_two_stars(glob: str, path: str, matches: bool) -> None:
    assert bool(glob_pattern(glob).fullmatch(path)) == matches


def test_hidden_and_unfinished_files_are_left_alone(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv", ".c.csv", "d.csv.partial", "e.csv.tmp", ".hidden/f.csv", "deep/g.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert paths(landed_files(tmp_path, [a_contract(glob="**/*")])) == ["a.csv", "b.csv", "deep/g.csv"]


def test_links_out_of_the_folder_are_named_and_not_followed(tmp_path: Path) -> None:
    landing, outside = tmp_path / "landing", tmp_path / "outside"
    landing.mkdir()
    outside.mkdir()
    (outside / "secret.csv").touch()
    (landing / "a.csv").touch()
    (landing / "b.csv").symlink_to(landing / "a.csv")
    (landing / "c.csv").symlink_to(outside / "secret.csv")
    (landing / "d.csv").symlink_to(outside)
    (landing / "e.csv").symlink_to(landing / "nowhere")
    os.mkfifo(landing / "f.csv")
    landed = landed_files(landing, [a_contract(glob="**/*.csv")])
    assert paths(landed) == ["a.csv", "b.csv"]
    assert landed.notes == (
        "not taken, since they are links out of the folder or no regular files: c.csv, d.csv, e.csv, f.csv",
    )


def test_files_without_a_contract_are_named_up_to_ten(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number:02}.txt").touch()
    (tmp_path / "a\x1b[31m.txt").touch()
    (note,) = landed_files(tmp_path, [a_contract()]).notes
    assert note.startswith("files that match no contract: 00.txt, 01.txt,")
    assert note.endswith("09.txt and 3 more")


def test_a_name_is_shown_without_its_control_characters(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m.txt").touch()
    (tmp_path / os.fsdecode(b"b\xff.csv")).touch()
    unmatched, unusable = landed_files(tmp_path, [a_contract()]).notes
    assert unmatched == "files that match no contract: 'a\\x1b[31m.txt'"
    assert unusable.endswith("no regular files: 'b\\udcff.csv'")


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    contracts = [
        a_contract("up", "../*.csv"),
        a_contract("absolute", "/etc/*"),
        a_contract("odd", "x/*.csv", Shape("csv", encoding="utf-16")),
    ]
    with pytest.raises(InputError) as caught:
        landed_files(tmp_path / "nowhere", contracts)
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "up.odcs.yaml",
        "absolute.odcs.yaml",
        "odd.odcs.yaml",
        "landing",
    ]
    with pytest.raises(InputError, match=r"a\.csv: expected a file of one contract; one\.odcs.*two\.odcs"):
        landed_files(tmp_path, [a_contract("one"), a_contract("two", "a*")])

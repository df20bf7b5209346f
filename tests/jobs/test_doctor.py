"""The doctor's command: machine, workspace, card, secret and lock, and what it prints."""

from __future__ import annotations

import io
import json
import os
import shutil
from datetime import timedelta
from importlib import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from rich.console import Console

from leadhouse.jobs.cli import main
from leadhouse.jobs.doctor import show_doctor
from leadhouse.jobs.runtime import batches
from leadhouse.jobs.runtime.finding import WRONG
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.lock import lake_lock
from leadhouse.jobs.soundness import machine
from tests.jobs.damage import a_copy, commit_of, data_file, findings, truncate
from tests.jobs.rows import NOON


@pytest.fixture
def lake(company: Path, tmp_path: Path) -> Lake:
    """A copy of a sound lake, to be damaged."""
    return a_copy(company, tmp_path)


@pytest.fixture
def jars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the JVM dependencies, as far as their names go."""
    folder = tmp_path / "jars"
    folder.mkdir()
    for name in machine.wanted_jars():
        (folder / name).write_bytes(b"x")
    monkeypatch.setenv("LEADHOUSE_JARS", str(folder))
    return folder


def test_the_command_says_what_is_wrong_without_personal_data(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    lake.open("bronze.records").delete("source = 'crm'")
    truncate(data_file(lake, "silver.traits"))
    commit_of(lake, "gold.decisions", 1).write_text("{")
    assert main(["doctor", "--lake", str(lake.root)]) == 1
    text = capsys.readouterr().out
    assert "gold.decisions: expected commit 1 to be whole" in text
    assert "not checked further: " in text
    assert "@x.com" not in text.lower()
    assert main(["doctor", "--lake", str(lake.root), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["sound"], told["lake"]) == (False, str(lake.root))
    assert {entry["check"] for entry in told["findings"]} >= {"logs", "tables"}


def test_the_command_says_that_a_lake_is_sound_or_that_there_is_none(
    company: Path, jars: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--lake", str(company / "lake"), "--workspace", str(company / "workspace")]) == 0
    assert "wrong" not in capsys.readouterr().out
    assert main(["doctor", "--lake", str(tmp_path / "none")]) == 0
    assert "only the machine was checked" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [jars]


def test_a_card_a_workspace_or_a_secret_that_is_not_right_is_named(
    lake: Lake, company: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Path(shutil.copytree(company / "workspace", tmp_path / "workspace"))
    monkeypatch.delenv("LEADHOUSE_IDENTITY_KEY")
    assert [(entry.check, entry.severity) for entry in findings(lake.root, workspace)] == [("lake", WRONG)]
    (workspace / "contracts" / "web.odcs.yaml").write_text("apiVersion: v3.1.0\n")
    (lake.root / "lake.json").write_text("{")
    shown = io.StringIO()
    assert show_doctor(lake.root, workspace, as_json=False, console=Console(file=shown, width=200)) == 1
    assert "web.odcs.yaml" in shown.getvalue()
    assert "expected a lake's card" in shown.getvalue()


def test_a_run_at_work_and_a_batch_that_did_not_end_are_only_noted(lake: Lake) -> None:
    batch = batches.new_batch(
        lake, "refine", 1, 1, now=NOON + timedelta(days=999), as_of=None, known=None, inputs_key="k", reads={},
        definitions={},
    )  # fmt: skip
    batches.begin(lake, batch)
    with lake_lock(lake.root, "a test"):
        found = findings(lake.root)
    assert {entry.severity for entry in found} == {"note"}
    assert f"a test, process {os.getpid()} is at work on this lake" in found[0].what
    assert found[1].line == "ops.batches: refine/1/1 began and did not end; it runs again at the next start"


def test_what_the_machine_lacks_is_named(jars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.check_machine(tmp_path / "not" / "yet") == []
    first, *_ = machine.wanted_jars()
    (jars / first).write_bytes(b"")
    assert [f"expected content in {first}; empty" in entry.what for entry in machine.check_jars(jars)] == [True]
    (jars / first).unlink()
    assert [f"expected {first} in {jars}" in entry.what for entry in machine.check_jars(jars)] == [True]
    assert "none are there" in machine.check_jars(tmp_path / "none")[0].what
    (found,) = machine.check_package("pyspark", SpecifierSet("==0.1"))
    assert found.line == f"pyspark: expected ==0.1; got {metadata.version('pyspark')}; run 'make setup'"
    assert "got none" in machine.check_package("no-such-package", SpecifierSet())[0].what
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert "can't be run" in machine.check_java()[0].what
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n")
    java.chmod(0o755)
    assert "says version 8; install Java 17 or newer" in machine.check_java()[0].line

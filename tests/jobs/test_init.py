from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.conf.workspace import open_workspace
from leadhouse.expectations.lists import read_lists
from leadhouse.jobs.init import init_workspace


def test_a_new_workspace_opens_with_its_tenant_and_its_list(tmp_path: Path) -> None:
    made = init_workspace(tmp_path / "mine", tenant="acme-eu")
    workspace = open_workspace(tmp_path / "mine")
    assert workspace.settings.tenant == "acme-eu"
    assert [path.name for path in workspace.list_files] == ["call_first.yaml"]
    assert workspace.contract_files == ()
    assert {path.name for path in made} == {"settings.toml", "call_first.yaml", ".gitignore", "README.md"}


def test_the_starter_s_list_is_a_valid_one(tmp_path: Path) -> None:
    init_workspace(tmp_path)
    (found,) = read_lists(open_workspace(tmp_path).list_files, ())
    assert found.channel == "crm_task"


def test_every_commented_setting_is_one_that_exists(tmp_path: Path) -> None:
    init_workspace(tmp_path)
    path = tmp_path / "settings.toml"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(_switched_on(line) for line in lines), encoding="utf-8")
    assert set(open_workspace(tmp_path).settings.destinations) == {"files", "crm"}


def _switched_on(line: str) -> str:
    return line.removeprefix("# ") if re.match(r"# ([a-z_]+ = |\[)", line) else line


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="it is not empty"):
        init_workspace(tmp_path)
    with pytest.raises(InputError, match="it is a file"):
        init_workspace(tmp_path / "mine.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("tenant", ["", "../x", "/x", 'a"b', "a\nb"])
def test_a_tenant_that_is_no_name_is_refused_before_anything_is_made(tmp_path: Path, tenant: str) -> None:
    with pytest.raises(InputError, match="tenant"):
        init_workspace(tmp_path / "mine", tenant=tenant)
    assert not (tmp_path / "mine").exists()


def test_the_next_steps_are_told(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=200)
    init_workspace(tmp_path / "mine", console=console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "contract draft" in shown
    assert "leadhouse run" in shown

"""Settings are read once and strictly: every problem at once, nothing unknown accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadhouse.conf.errors import InputError
from leadhouse.conf.names import name_problem
from leadhouse.conf.settings import Training, read_settings


def _workspace(tmp_path: Path, text: str) -> Path:
    (tmp_path / "settings.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    settings = read_settings(_workspace(tmp_path, 'tenant = "acme"\n[training]\nages_days = [0]\n'))
    assert settings.tenant == "acme"
    assert settings.training == Training(ages_days=(0,))
    assert settings.destinations["files"].type == "files"


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    text = """
        tenant = "../x"
        colour = "red"
        [training]
        test_share = 2.0
        horizon_days = "long"
        [destinations.crm]
        type = "webhook"
    """
    with pytest.raises(InputError) as caught:
        read_settings(_workspace(tmp_path, text))
    said = "\n".join(caught.value.problems)
    assert "unknown key 'colour'" in said
    assert "horizon_days: expected int; got 'long'" in said
    assert "'../x'" in said
    assert "destinations.crm.url" in said


def test_a_missing_file_and_broken_toml_are_the_users_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leadhouse init"):
        read_settings(tmp_path)
    with pytest.raises(InputError, match="expected TOML"):
        read_settings(_workspace(tmp_path, "tenant = "))


@pytest.mark.parametrize("name", ["", "../x", "/abs", "a/b", "a\nb", "a\x00b", ".hidden", "x" * 64, "a..b", None, 5])
def test_names_that_could_leave_their_folder_are_refused(name: object) -> None:
    assert name_problem(name, "list") is not None


@pytest.mark.parametrize("name", ["acme", "hot_leads", "a-1.b", "7"])
def test_plain_names_are_accepted(name: str) -> None:
    assert name_problem(name, "list") is None


@pytest.mark.parametrize("share", ['["acme"]', '["acme", "acme"]'])
def test_who_shares_shares_with_somebody_else(tmp_path: Path, share: str) -> None:
    with pytest.raises(InputError, match=r"training\.share: expected two tenants or more, each once, or none; got"):
        read_settings(_workspace(tmp_path, f'tenant = "acme"\n[training]\nshare = {share}\n'))


def test_sharing_is_off_by_default(tmp_path: Path) -> None:
    assert read_settings(_workspace(tmp_path, 'tenant = "acme"\n')).training.share == ()
    said = read_settings(_workspace(tmp_path, 'tenant = "acme"\n[training]\nshare = ["b", "a"]\n'))
    assert said.training.share == ("b", "a")

"""What the command line says to a slip of the pen: what was wrong, and where to look."""

from __future__ import annotations

import pytest

from leadhouse.jobs import cli


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["trian"], "No such command 'trian'. Did you mean 'train', 'trace'? 'leadhouse --help' lists what there is"),
        (["models", "lst"], "'leadhouse models --help' lists what there is"),
        (["train", "--foo"], "No such option: --foo"),
        (["sql"], "Missing argument 'query'; 'leadhouse sql --help' lists what there is"),
    ],
)
def test_a_wrong_command_says_what_to_look_at(typed: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(typed) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("leadhouse: ")
    assert told in line

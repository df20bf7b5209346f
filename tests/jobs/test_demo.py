"""The demo's own folder, and the best AUC that it prints; the run itself is tested end to end elsewhere."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.jobs.demo import prepare
from leadhouse.jobs.demo_report import best_reachable


def quiet() -> Console:
    return Console(file=io.StringIO(), width=100)


def test_a_second_demo_keeps_what_the_first_one_made(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = prepare(folder, leads=30, seed=1, console=quiet())
    (folder / "lake").mkdir()
    assert prepare(folder, leads=30, seed=1, console=quiet()) == first
    assert (folder / "lake").is_dir()


def test_another_number_of_leads_starts_afresh(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    prepare(folder, leads=30, seed=1, console=quiet())
    (folder / "lake").mkdir()
    assert prepare(folder, leads=31, seed=1, console=quiet()).leads == 31
    assert not (folder / "lake").exists()


def test_a_demo_that_was_stopped_while_it_made_the_company_starts_afresh(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    prepare(folder, leads=30, seed=1, console=quiet())
    (folder / "demo.json").write_text("{")
    (folder / "manifest.json").unlink()
    assert prepare(folder, leads=30, seed=1, console=quiet()).leads == 30


def test_a_folder_that_is_not_the_demos_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    with pytest.raises(InputError, match="holds something else"):
        prepare(tmp_path, leads=30, seed=1, console=quiet())
    with pytest.raises(InputError, match="it is a file"):
        prepare(mine, leads=30, seed=1, console=quiet())
    assert mine.read_text() == "mine"


def test_the_best_auc_is_that_of_the_latest_settled_leads(tmp_path: Path) -> None:
    rows = [
        # lead, moment, propensity, settled, won
        ("a", "2026-01-01T00:00:00Z", 0.9, "true", "false"),
        ("b", "2026-01-02T00:00:00Z", 0.8, "true", "true"),
        ("c", "2026-01-03T00:00:00Z", 0.7, "true", "true"),
        ("d", "2026-01-04T00:00:00Z", 0.2, "true", "false"),
        ("e", "2026-01-05T00:00:00Z", 0.5, "false", "false"),
    ]
    with (tmp_path / "truth.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("lead_id", "moment", "propensity", "settled", "won"))
        writer.writerows(rows)
    best = best_reachable(tmp_path, test_share=0.5)
    assert best is not None
    assert (best.leads, best.observed) == (2, 1.0)
    assert best.expected == pytest.approx(0.7 * 0.8 / (0.7 * 0.8 + 0.3 * 0.2))
    assert best_reachable(tmp_path, test_share=0.25) is None


def test_the_best_auc_of_a_company_is_near_its_propensitys(tmp_path: Path) -> None:
    prepare(tmp_path / "demo", leads=2000, seed=2, console=quiet())
    best = best_reachable(tmp_path / "demo", test_share=0.25)
    assert best is not None
    assert 0.79 <= best.expected <= 0.88
    assert np.isclose(best.expected, best.observed, atol=0.08)

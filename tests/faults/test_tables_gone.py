"""Tables that another program removed or emptied: a stream whose checkpoint is past their rows would never say so."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from leadhouse.conf.errors import LeadhouseError
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.place import find_place
from tests.jobs.damage import a_copy
from tests.jobs.small_company import run_company


def _remove(lake: Lake, table: str) -> None:
    shutil.rmtree(lake.table_path(table))


def _empty(lake: Lake, table: str) -> None:
    lake.open(table).delete()


@pytest.mark.parametrize(
    ("damage", "table", "said"),
    [
        (_remove, "bronze.records", r"expected version \d+, as a batch in ops.batches used it; it is gone"),
        (_remove, "silver.items", "it is gone"),
        (_remove, "gold.receipts", "it is gone"),
        (_empty, "bronze.records", r"expected at least \d+ rows, as the ledger has it; got 0"),
        (_empty, "silver.items", "got 0"),
        (_remove, "ops.batches", "expected the batches that wrote bronze.records, silver.items; got none"),
    ],
)
def test_a_table_that_was_removed_or_emptied_stops_the_run_before_it_writes(
    company: Path, tmp_path: Path, damage: Callable[[Lake, str], None], table: str, said: str
) -> None:
    lake = a_copy(company, tmp_path)
    damage(lake, table)
    before = _versions(lake.root)
    (tmp_path / "landing" / "web").mkdir(parents=True)
    with pytest.raises(LeadhouseError, match=rf"^{table}: .*{said}; restore the table's folder"):
        run_company(lake.root, company / "workspace", tmp_path / "landing")
    assert _versions(lake.root) == before


def _versions(root: Path) -> dict[str, int]:
    place = find_place(root)
    return {table: place.version(table) for table in table_specs() if place.exists(table)}

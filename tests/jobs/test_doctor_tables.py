"""Each damage planted in a table's data files, or in what it is, is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from leadhouse.jobs.runtime.lake import Lake
from tests.jobs.damage import a_copy, commit_of, data_file, truncate, what_is_wrong
from tests.jobs.small_company import rows_of


@pytest.fixture
def lake(company: Path, tmp_path: Path) -> Lake:
    """A copy of a sound lake, to be damaged."""
    return a_copy(company, tmp_path)


def _delete(path: Path) -> None:
    path.unlink()


def _scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "said"),
    [(_delete, "it is gone"), (truncate, "bytes; it has"), (_scribble, "expected to read the rows of")],
)
def test_a_data_file_that_is_not_what_the_log_says_is_named(
    lake: Lake, damage: Callable[[Path], None], said: str
) -> None:
    path = data_file(lake, "silver.signals")
    damage(path)
    (found,) = what_is_wrong(lake)
    assert found.check == "tables"
    assert path.name in found.what
    assert said in found.what


def test_a_row_count_of_the_log_that_the_file_does_not_have_is_named(lake: Lake) -> None:
    commit = commit_of(lake, "silver.signals", 1)
    rows = len(rows_of(lake.root, "silver.signals"))
    text = commit.read_text()
    for said in (f'numRecords\\":{rows},', f'"numOutputRows":"{rows}"'):
        assert said in text
        text = text.replace(said, said.replace(str(rows), str(rows + 1)))
    commit.write_text(text)
    (found,) = what_is_wrong(lake)
    assert f"expected {rows + 1} rows" in found.what
    assert f"read {rows}" in found.what


def test_a_table_that_is_gone_or_has_other_columns_is_named(lake: Lake) -> None:
    shutil.rmtree(lake.table_path("gold.receipts"))
    shutil.rmtree(lake.table_path("silver.consents"))
    DeltaTable.create(lake.table_path("silver.consents"), pa.schema([("tenant", pa.int64()), ("more", pa.string())]))
    found = [entry.what for entry in what_is_wrong(lake)]
    assert "gold.receipts: expected the table, which batches have used; it is gone" in found
    assert "silver.consents.tenant: expected the type string; got long" in found
    assert "silver.consents: expected only its contract's columns; got more too" in found

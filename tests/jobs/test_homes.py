"""Personal data has few homes, and other readers than Spark read every silver and gold table."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.runtime.place import find_place

ALLOWED = ("bronze/records/", "silver/quarantine/", "silver/traits/", "silver/leads/")
TABLES = [name for name in table_specs() if name.split(".")[0] in ("silver", "gold")]


def _plain(path: Path) -> bytes:
    """A file's bytes; of a Parquet file also its values, which are compressed in it."""
    content = path.read_bytes()
    if path.suffix == ".parquet" and "_delta_log" not in path.parts:
        content += repr(pl.read_parquet(path).rows()).encode()
    return content


def test_addresses_are_only_where_they_may_be(company: Path) -> None:
    lake = company / "lake"
    found = sorted(
        str(path.relative_to(lake))
        for path in lake.rglob("*")
        if path.is_file() and any(word in _plain(path).lower() for word in (b"p17@x.com", b"p33@x.com"))
    )
    assert found, "the addresses must be somewhere, or this test sees nothing"
    assert [path for path in found if not path.startswith(ALLOWED)] == []
    assert [path for path in found if "_delta_log" in path] == []


@pytest.mark.parametrize("table", TABLES)
def test_polars_deltalake_and_duckdb_read_every_table(company: Path, table: str) -> None:
    place = find_place(company / "lake")
    rows = place.open(table).to_pyarrow_table()
    assert pl.read_delta(place.table_path(table)).height == rows.num_rows
    dataset = place.open(table).to_pyarrow_dataset()
    (counted,) = duckdb.sql("SELECT count(*), count(tenant) FROM dataset").fetchall()
    assert counted == (rows.num_rows, rows.num_rows)
    assert rows.schema.names == [column.name for column in table_specs()[table].columns]
    del dataset

"""Our own tables explain themselves, their page is up to date, and no change breaks readers unannounced."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import types as T  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.expectations.table_changes import (
    ReleasedTable,
    changes,
    problems,
    read_released,
    released_form,
    write_released,
)
from leadhouse.expectations.tables import Column, TableSpec, spark_type, table_schema, table_specs
from leadhouse.jobs.tables_page import PAGE, RELEASED, main, tables_page

DOCS = Path(__file__).parents[2] / "docs"


def _column(name: str, sql_type: str = "STRING", required: bool = True, key: int | None = None) -> Column:
    return Column(name, sql_type, required, key, None, "What it means.", ())


def _table(*columns: Column, version: str = "1.2.0") -> dict[str, ReleasedTable]:
    return released_form({"gold.x": TableSpec("gold.x", version, "Why.", "One row.", "team", "append", columns)})


OLD = _table(_column("tenant", key=1), _column("score", "DOUBLE", required=False))


def test_every_table_says_what_it_is_whose_it_is_and_what_each_column_means() -> None:
    for spec in table_specs().values():
        assert spec.purpose.endswith("."), spec.name
        assert spec.grain.startswith("One row") or spec.grain.startswith("Two rows"), spec.name
        assert spec.owner, spec.name
        assert spec.storage in ("append", "derived", "record"), spec.name
        assert spec.columns[0].name == "tenant", spec.name
        assert [column.name for column in spec.columns if len(column.description) < 5] == [], spec.name
        keys = sorted(column.key_position for column in spec.columns if column.key_position)
        assert keys == list(range(1, len(keys) + 1)), spec.name


def test_every_source_of_a_column_is_a_column() -> None:
    columns = {f"{spec.name}.{column.name}" for spec in table_specs().values() for column in spec.columns}
    sources = {source for spec in table_specs().values() for column in spec.columns for source in column.sources}
    assert sources - columns == set()


def test_a_schema_carries_the_contracts_types_and_comments() -> None:
    spec = table_specs()["gold.decisions"]
    schema = table_schema(spec)
    assert {field.name: field.metadata["comment"] for field in schema} == {c.name: c.description for c in spec.columns}
    assert (schema["score"].dataType, schema["score"].nullable) == (T.DoubleType(), True)
    assert schema["tenant"].nullable is False
    assert spark_type("ARRAY<STRUCT<rule: STRING, rows: BIGINT>>") == T.ArrayType(
        T.StructType([T.StructField("rule", T.StringType()), T.StructField("rows", T.LongType())])
    )
    assert spark_type("MAP<STRING, DOUBLE>") == T.MapType(T.StringType(), T.DoubleType())


def test_the_page_of_tables_is_up_to_date() -> None:
    assert (DOCS / PAGE).read_text(encoding="utf-8") == tables_page(), "run: python -m leadhouse.jobs.tables_page"


def test_no_change_breaks_readers_without_a_new_major_version() -> None:
    released = read_released((DOCS / RELEASED).read_text(encoding="utf-8"))
    assert problems(released, released_form(table_specs())) == []


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ([_column("tenant", key=1)], "column score removed"),
        ([_column("tenant", key=1), _column("points", "DOUBLE", required=False)], "column score removed"),
        ([_column("tenant", key=1), _column("score", "STRING", required=False)], "retyped from DOUBLE to STRING"),
        ([_column("tenant", key=1), _column("score", "DOUBLE")], "column score made required"),
        ([_column("tenant", required=False, key=1), _column("score", "DOUBLE", False)], "column tenant made nullable"),
        ([_column("tenant"), _column("score", "DOUBLE", required=False)], "column tenant at another place in the key"),
        ([_column("tenant", key=1), _column("score", "DOUBLE", False), _column("new")], "column new added as required"),
    ],
)
def test_breaking_changes_need_a_new_major(columns: list[Column], text: str) -> None:
    found = problems(OLD, _table(*columns, version="1.3.0"))
    assert any(text in line and "expected a new major version after 1.2.0; got 1.3.0" in line for line in found)
    assert problems(OLD, _table(*columns, version="2.0.0")) == []


def test_an_added_nullable_column_needs_a_new_minor_only() -> None:
    columns = (_column("tenant", key=1), _column("score", "DOUBLE", False), _column("note", required=False))
    assert problems(OLD, _table(*columns, version="1.2.1")) == [
        "gold.x: column note added; expected a new minor version after 1.2.0; got 1.2.1"
    ]
    assert problems(OLD, _table(*columns, version="1.10.0")) == []


def test_a_table_may_come_but_not_go() -> None:
    assert problems({}, OLD) == []
    assert problems(OLD, {}) == ["gold.x: table removed; readers rely on it; keep its contract and mark it deprecated"]
    assert changes(OLD, OLD) == []


def test_what_was_released_can_be_read_again() -> None:
    present = released_form(table_specs())
    assert read_released(write_released(present)) == present


def test_a_release_refuses_what_would_break_readers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--docs", str(tmp_path), "--release"]) == 0
    assert (tmp_path / PAGE).read_text(encoding="utf-8") == tables_page()
    released = read_released((tmp_path / RELEASED).read_text(encoding="utf-8"))
    name, table = next(iter(released.items()))
    gone = replace(table.columns[0], name="gone")
    kept = write_released(released | {name: replace(table, columns=(*table.columns, gone))})
    (tmp_path / RELEASED).write_text(kept, encoding="utf-8")
    assert main(["--docs", str(tmp_path), "--release"]) == 2
    assert "column gone removed (or renamed); expected a new major version" in capsys.readouterr().err
    assert (tmp_path / RELEASED).read_text(encoding="utf-8") == kept
    assert main(["--docs", str(tmp_path / "nowhere")]) == 2

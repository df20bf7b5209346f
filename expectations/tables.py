"""Leadhouse's own tables, as their contracts in ``expectations/table_contracts`` declare them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, cast

import yaml
from open_data_contract_standard.model import OpenDataContractStandard, SchemaProperty

if TYPE_CHECKING:
    from pyspark.sql import types as T  # noqa: N812 - the name that PySpark's own documentation uses
    from sqlglot.expressions import DataType

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SCALARS = {
    "TEXT": "StringType",
    "VARCHAR": "StringType",
    "INT": "IntegerType",
    "BIGINT": "LongType",
    "DOUBLE": "DoubleType",
    "BOOLEAN": "BooleanType",
    "BINARY": "BinaryType",
    "DATE": "DateType",
    "TIMESTAMP": "TimestampType",
    "TIMESTAMPTZ": "TimestampType",
}


@dataclass(frozen=True)
class Column:
    """One column of one of our tables."""

    name: str
    sql_type: str
    required: bool
    key_position: int | None
    classification: str | None
    description: str
    sources: tuple[str, ...]
    """Columns that its values come from, as ``layer.table.column``."""


@dataclass(frozen=True)
class TableSpec:
    """One of our tables: its meaning, its owner and its columns."""

    name: str
    """``layer.table``, e.g. ``silver.signals``."""
    version: str
    purpose: str
    grain: str
    owner: str
    storage: str
    """``append`` (facts), ``derived`` (can be computed again) or ``record`` (cannot: kept by a rebuild)."""
    columns: tuple[Column, ...]


@cache
def table_specs() -> dict[str, TableSpec]:
    """Return every table of the lake by name, bronze first."""
    folder = files("leadhouse.expectations").joinpath("table_contracts")
    specs = [
        _table_spec(entry.read_text(encoding="utf-8")) for entry in folder.iterdir() if entry.name.endswith(".yaml")
    ]
    order = {"bronze": 0, "silver": 1, "gold": 2, "ops": 3}
    return {spec.name: spec for spec in sorted(specs, key=lambda spec: (order[spec.name.split(".")[0]], spec.name))}


@cache
def table_schema(spec: TableSpec) -> T.StructType:
    """Return a table's Spark schema, with the contract's descriptions as column comments."""
    from pyspark.sql import types as T  # noqa: N812 - here, so that readers without Spark start fast

    return T.StructType(
        [
            T.StructField(
                column.name, spark_type(column.sql_type), not column.required, {"comment": column.description}
            )
            for column in spec.columns
        ]
    )


def spark_type(sql_type: str) -> T.DataType:
    """Return the Spark type for a SQL type such as ``ARRAY<STRUCT<rule: STRING>>``; needs no session."""
    from sqlglot.expressions import DataType  # here, so that readers without Spark start fast

    return _spark_type(DataType.build(sql_type, dialect="spark"))


def _spark_type(parsed: DataType) -> T.DataType:
    from pyspark.sql import types as T  # noqa: N812 - here, so that readers without Spark start fast

    kind = parsed.this.name
    if kind == "ARRAY":
        return T.ArrayType(_spark_type(parsed.expressions[0]))
    if kind == "MAP":
        key, value = (_spark_type(part) for part in parsed.expressions)
        return T.MapType(key, value)
    if kind == "STRUCT":
        return T.StructType([T.StructField(part.name, _spark_type(part.args["kind"])) for part in parsed.expressions])
    return cast("T.DataType", getattr(T, _SCALARS[kind])())


def _table_spec(text: str) -> TableSpec:
    # The standard's own reader uses YAML's slow loader: a tenth of a second at each start of every command.
    contract = OpenDataContractStandard.model_validate(yaml.load(text, Loader=_LOADER))
    (table,) = contract.schema_ or []
    custom = {entry.property: entry.value for entry in contract.customProperties or []}
    return TableSpec(
        name=str(table.name),
        version=str(contract.version),
        purpose=str(contract.description.purpose if contract.description else ""),
        grain=str(table.dataGranularityDescription),
        owner=str(getattr(contract.team, "name", "")),
        storage=str(custom["storage"]),
        columns=tuple(_column(prop) for prop in table.properties or []),
    )


def _column(prop: SchemaProperty) -> Column:
    return Column(
        name=str(prop.name),
        sql_type=str(prop.physicalType),
        required=bool(prop.required),
        key_position=prop.primaryKeyPosition,
        classification=prop.classification,
        description=str(prop.description),
        sources=tuple(prop.transformSourceObjects or ()),
    )

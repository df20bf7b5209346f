"""Rows that a step uses more than once: few are kept by the driver, many where Spark keeps what is persisted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

FEW_ROWS = 20_000
"""Up to so many rows go through the driver: a Spark job or commit takes a tenth of a second however few they are."""
FEW_BYTES = 16_000_000
"""Up to so many bytes do, however few rows they are."""


def are_few(rows: int, size: int = 0) -> bool:
    """Whether the driver can hold so many rows, of so many bytes altogether."""
    return rows <= FEW_ROWS and size <= FEW_BYTES


class KeptRows:
    """What was kept until it is released."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._persisted: list[DataFrame] = []

    def keep(self, rows: DataFrame, *, few: bool) -> DataFrame:
        """Return the same rows, computed once. ``few``: the driver can hold them, so that what is made of them is
        planned from the rows themselves, without a Spark job for each look at them."""
        if few:
            return driver_rows(self._spark, rows.toArrow(), rows.schema)
        kept = rows.persist(StorageLevel.MEMORY_AND_DISK)
        self._persisted.append(kept)
        return kept

    def keep_counted(self, rows: DataFrame, *by: str, few: bool) -> tuple[DataFrame, Mapping[tuple[Any, ...], int]]:
        """Keep rows, and count those of each combination of some columns' values."""
        if few:
            table = rows.toArrow()
            counted = table.select(by).group_by(list(by)).aggregate([([], "count_all")])
            counts = zip(*[counted.column(name).to_pylist() for name in (*by, "count_all")], strict=True)
            return driver_rows(self._spark, table, rows.schema), {tuple(each[:-1]): each[-1] for each in counts}
        kept = self.keep(rows, few=False)
        return kept, {tuple(row[name] for name in by): row["count"] for row in kept.groupBy(*by).count().collect()}

    def release(self) -> None:
        """Free what Spark keeps."""
        while self._persisted:
            self._persisted.pop().unpersist()


def driver_rows(spark: SparkSession, rows: pa.Table, schema: StructType) -> DataFrame:
    """Return rows that the driver holds as a DataFrame of a schema."""
    # PySpark takes no column without a chunk, which is what no rows are.
    arrays = [column.combine_chunks() if column.num_chunks else pa.array([], column.type) for column in rows.columns]
    return spark.createDataFrame(pa.Table.from_arrays(arrays, schema=rows.schema), schema=schema).coalesce(1)

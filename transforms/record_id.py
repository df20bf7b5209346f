"""The id of a record: where its bytes came from, so that a record that is taken again has the same."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.hashing import identifier

POSITION = ("tenant", "source", "origin", "partition", "position")
"""Columns of bronze.records that say where a record came from."""


def record_id() -> Column:
    """Return the column ``record_id`` (32 hex digits) for rows with the columns of POSITION."""
    return identifier(*[F.col(name) for name in POSITION]).alias("record_id")

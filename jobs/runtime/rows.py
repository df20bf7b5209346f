"""Arrow batches as Python rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

import pyarrow as pa


def python_rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Yield a batch's rows: maps as dicts, moments in UTC; a second column of one name gets its number."""
    given = batch.schema.names
    names = [f"{name}_{place}" if given.index(name) != place else name for place, name in enumerate(given)]
    columns = [_values(batch.column(place)) for place in range(len(given))]
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        # Arrow imports pandas (0.3 s) to make moments with a zone or with nanoseconds; without either it doesn't.
        moments = column.cast(pa.timestamp("us"), safe=False).to_pylist()
        if column.type.tz is None:
            return list(moments)
        return [None if moment is None else moment.replace(tzinfo=UTC) for moment in moments]
    return list(column.to_pylist(maps_as_pydicts="strict"))

"""Whether every table's key, as its contract has it, is there once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.runtime.answers import cell
from leadhouse.jobs.runtime.finding import WRONG, Finding
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.soundness.content import Hashes, are_in, batches, distinct, row_hashes

CHECK = "keys"

_LOOKED_AT = 1_000
"""Repeated hashes whose rows are compared in full."""


def check_keys(place: Place, tables: Sequence[str]) -> list[Finding]:
    """Check that no two rows of a table have one key. Keys hold no personal data."""
    return [finding for table in tables for finding in _table(place, table)]


def key_columns(table: str) -> list[str]:
    """Return the columns of a table's key, in order."""
    keyed = [(column.key_position, column.name) for column in table_specs()[table].columns if column.key_position]
    return [name for _, name in sorted(keyed)]


def _table(place: Place, table: str) -> list[Finding]:
    columns = key_columns(table)
    parts = [row_hashes(batch, columns) for batch in batches(place, table, columns)]
    hashes = np.sort(np.concatenate(parts)) if parts else np.zeros(0, dtype=np.uint64)
    repeated = distinct(hashes[1:][hashes[1:] == hashes[:-1]])
    if not len(repeated):
        return []
    found = _confirmed(place, table, columns, repeated[:_LOOKED_AT])
    if not found:
        return []
    example, times = max(found.items(), key=lambda entry: entry[1])
    total = f"{len(repeated):,}" if len(repeated) > _LOOKED_AT else f"{len(found):,}"
    shown = ", ".join(f"{name} {cell(value)}" for name, value in zip(columns, example, strict=True))
    what = f"{table}: expected each ({', '.join(columns)}) once; {total} repeat, for example {shown}: {times} times"
    return [
        Finding(CHECK, WRONG, what, "see which batches wrote them (column batch) and who wrote those (check writers)")
    ]


def _confirmed(place: Place, table: str, columns: Sequence[str], repeated: Hashes) -> dict[tuple[Any, ...], int]:
    """Return the keys that are really there more than once, of those whose hashes are."""
    counts: dict[tuple[Any, ...], int] = {}
    for batch in batches(place, table, columns):
        hit = np.flatnonzero(are_in(row_hashes(batch, columns), repeated))
        for row in batch.take(pa.array(hit)).to_pylist():
            key = tuple(row[name] for name in columns)
            counts[key] = counts.get(key, 0) + 1
    return {key: times for key, times in counts.items() if times > 1}

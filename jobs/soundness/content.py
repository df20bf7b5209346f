"""The rows of a table's present version, file by file and in batches, however large the table is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leadhouse.jobs.runtime.place import Place

_BATCH_ROWS = 65_536
_MIX = np.uint64(0x9E3779B97F4A7C15)
_NULL = np.uint64(0xD6E8FEB86659FD93)
_FACTORS = np.random.default_rng(20_240_101).integers(1, 2**63, size=4096, dtype=np.uint64) * np.uint64(2) + np.uint64(
    1
)

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class DataFile:
    """A data file that a table's present version is made of, as the log has it."""

    path: Path
    size: int
    rows: int | None


def data_files(place: Place, table: str) -> list[DataFile]:
    """Return the files of a table's present version."""
    root = Path(place.table_path(table))
    actions = pa.table(place.open(table).get_add_actions(flatten=True))
    found = actions.select(["path", "size_bytes", "num_records"]).to_pylist()
    return [DataFile(root / unquote(row["path"]), row["size_bytes"], row["num_records"]) for row in found]


def batches(place: Place, table: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yield these columns of every row of a table."""
    for file in data_files(place, table):
        yield from file_batches(file, columns)


def file_batches(file: DataFile, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of one file; ``columns`` None: all of them. One row group is in memory at a time."""
    with pq.ParquetFile(file.path) as opened:
        yield from opened.iter_batches(batch_size=_BATCH_ROWS, columns=None if columns is None else list(columns))


def groups(batch: pa.RecordBatch, columns: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], Indices]]:
    """Yield each combination of values in these columns with the indices of its rows, in order."""
    if not batch.num_rows:
        return
    code = np.zeros(batch.num_rows, dtype=np.int64)
    for name in columns:
        encoded = batch.column(name).dictionary_encode(null_encoding="encode")
        code = code * len(encoded.dictionary) + encoded.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    for rows in np.split(order, starts[1:]):
        yield tuple(batch.column(name)[int(rows[0])].as_py() for name in columns), rows


def collect(
    batches: Iterator[pa.RecordBatch], by: Sequence[str], value: Callable[[pa.RecordBatch], NDArray[Any]]
) -> dict[tuple[Any, ...], NDArray[Any]]:
    """Return one array of values per combination of the columns ``by``."""
    parts: dict[tuple[Any, ...], list[NDArray[Any]]] = {}
    for batch in batches:
        values = value(batch)
        for key, rows in groups(batch, by):
            parts.setdefault(key, []).append(values[rows])
    return {key: np.concatenate(arrays) for key, arrays in parts.items()}


def row_hashes(batch: pa.RecordBatch, columns: Sequence[str]) -> Hashes:
    """Return one 64-bit hash per row over these columns: equal rows have equal hashes, and hardly any others do."""
    total = np.zeros(batch.num_rows, dtype=np.uint64)
    for name in columns:
        column = batch.column(name)
        total = _mixed(total) + np.where(_is_null(column), _NULL, _hashes(column))
    return total


def distinct(hashes: Hashes) -> Hashes:
    """Return each hash once, in order. (``numpy.unique`` takes twenty times as long.)"""
    ordered = np.sort(hashes)
    return ordered[np.flatnonzero(np.diff(ordered, prepend=ordered[:1] ^ _MIX))]


def are_in(values: Hashes, known: Hashes) -> NDArray[np.bool_]:
    """Say of each value whether it is one of ``known``, which is in order."""
    if not len(known):
        return np.zeros(len(values), dtype=np.bool_)
    found: NDArray[np.bool_] = known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values
    return found


def _hashes(column: pa.Array) -> Hashes:
    if pa.types.is_timestamp(column.type):  # Spark's files have nanoseconds
        column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    if pa.types.is_integer(column.type) or pa.types.is_boolean(column.type):
        numbers = column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False)
        return _mixed(numbers.astype(np.int64).view(np.uint64))
    return _text_hashes(column.cast(pa.large_binary()).fill_null(b""))


def _text_hashes(texts: pa.LargeBinaryArray) -> Hashes:
    """Hash texts as sums of their bytes, each with the factor of its place: one pass over the buffer."""
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int64)[texts.offset : texts.offset + len(texts) + 1]
    lengths = np.diff(offsets)
    data = texts.buffers()[2]
    if data is None or not lengths.any():
        return lengths.astype(np.uint64)
    letters = np.frombuffer(data, dtype=np.uint8)[offsets[0] : offsets[-1]]
    places = np.arange(len(letters)) - np.repeat(offsets[:-1] - offsets[0], lengths)
    products = (letters.astype(np.uint64) + np.uint64(1)) * _FACTORS[places % len(_FACTORS)]
    sums = np.zeros(len(lengths), dtype=np.uint64)
    filled = np.flatnonzero(lengths)
    sums[filled] = np.add.reduceat(products, (offsets[:-1] - offsets[0])[filled])
    return _mixed(sums + lengths.astype(np.uint64))


def _mixed(values: Hashes) -> Hashes:
    values = (values ^ (values >> np.uint64(31))) * _MIX
    mixed: Hashes = values ^ (values >> np.uint64(29))
    return mixed


def _is_null(column: pa.Array) -> NDArray[np.bool_]:
    nulls: NDArray[np.bool_] = pc.is_null(column).to_numpy(zero_copy_only=False)
    return nulls

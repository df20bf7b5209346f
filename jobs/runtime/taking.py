"""Taking listed byte ranges: their bytes, checked against the listing, cut into records as Arrow batches."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from leadhouse.conf.errors import LostBytesError
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.landing import printable
from leadhouse.jobs.runtime.ranges import FileRange, fingerprint
from leadhouse.transforms.records import split
from leadhouse.transforms.splitting import splitting_of

RANGE_SCHEMA = (
    "tenant string, source string, path string, file_version int, from_byte bigint, to_byte bigint, "
    "range_sha256 string, header_id string, format string, separator string, quote string, encoding string, "
    "max_record_bytes bigint"
)
RECORD_SCHEMA = (
    "tenant string, source string, origin string, partition int, position bigint, raw binary, header_id string"
)
FETCHED, LOST = "fetched", "lost"
"""Measures in the ledger: records that were taken; byte ranges, or offsets, that were gone before they were."""
_ROWS_PER_BATCH = 20_000
_BYTES_PER_BATCH = 16_000_000
_BYTES_PER_TASK = 128_000_000


def is_there(landing: Path, entry: FileRange) -> bool:
    """Whether a range can be taken: its file is untouched since the listing, or still holds the same bytes there."""
    try:
        if fingerprint((landing / entry.path).stat()) == entry.stat:
            return True
        read_bytes(landing / entry.path, entry.from_byte, entry.to_byte, entry.range_sha256, entry.path)
    except (OSError, LostBytesError):
        return False
    return True


def lost_bytes(entry: FileRange) -> str:
    """Say that a range's bytes are gone."""
    return _lost(entry.path, entry.from_byte, entry.to_byte)


def read_bytes(file: Path, start: int, end: int, sha256: str, path: str) -> bytes:
    """Return the bytes of a file from ``start`` to ``end``; LostBytesError, naming ``path``, if others were listed."""
    try:
        with file.open("rb") as opened:
            opened.seek(start)
            data = opened.read(end - start)
    except FileNotFoundError:
        data = b""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise LostBytesError(_lost(path, start, end))
    return data


def taken_records(spark: SparkSession, landing: Path, ranges: Sequence[FileRange]) -> DataFrame:
    """Return the records of ranges, with the columns of RECORD_SCHEMA; the files are read by the tasks.

    A task raises LostBytesError if a file has changed since it was listed.
    """
    largest_first = sorted(ranges, key=lambda entry: entry.from_byte - entry.to_byte)
    size = sum(entry.to_byte - entry.from_byte for entry in ranges)
    tasks = max(1, min(len(ranges), max(spark.sparkContext.defaultParallelism, size // _BYTES_PER_TASK)))
    dealt = [_sent(entry) for task in range(tasks) for entry in largest_first[task::tasks]]
    rows = spark.createDataFrame(spark.sparkContext.parallelize(dealt, tasks), RANGE_SCHEMA)
    return rows.mapInArrow(_taking(str(landing)), RECORD_SCHEMA)


def count_records(lake: Lake, batch: str) -> Counter[tuple[str, str]]:
    """Return how many records of each (tenant, source) a micro-batch has written."""
    counts: Counter[tuple[str, str]] = Counter()
    dataset = lake.dataset("bronze.records")
    for part in dataset.to_batches(columns=["tenant", "source"], filter=pc.field("batch") == batch):
        grouped = pa.table(part).group_by(["tenant", "source"]).aggregate([([], "count_all")])
        for row in grouped.to_pylist():
            counts[row["tenant"], row["source"]] += row["count_all"]
    return counts


def record_batches(
    raw: pa.BinaryArray, positions: np.ndarray[tuple[int], np.dtype[np.int64]], columns: dict[str, pa.Scalar]
) -> Iterator[pa.RecordBatch]:
    """Cut records into batches that a worker can hold, each with its position and the range's constant columns."""
    offsets = np.frombuffer(raw.buffers()[1], dtype=np.int32, count=len(raw) + 1) if len(raw) else np.zeros(1)
    start = 0
    while start < len(raw):
        fitting = int(np.searchsorted(offsets, offsets[start] + _BYTES_PER_BATCH, side="right")) - 1
        end = min(max(fitting, start + 1), start + _ROWS_PER_BATCH, len(raw))
        constants = {name: pa.repeat(value, end - start) for name, value in columns.items()}
        varying = {"position": pa.array(positions[start:end]), "raw": raw.slice(start, end - start)}
        yield pa.RecordBatch.from_pydict(
            {
                name: (constants | varying)[name]
                for name in ("tenant", "source", "origin", "partition", "position", "raw", "header_id")
            }
        )
        start = end


def _taking(landing: str) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def take(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                file = Path(landing) / row["path"]
                data = read_bytes(file, row["from_byte"], row["to_byte"], row["range_sha256"], row["path"])
                shape = {name: row[name] for name in ("format", "separator", "quote", "encoding", "max_record_bytes")}
                positions, raw = split(data, splitting_of(**shape))
                columns = {
                    "tenant": pa.scalar(row["tenant"]),
                    "source": pa.scalar(row["source"]),
                    "origin": pa.scalar(row["path"]),
                    "partition": pa.scalar(row["file_version"], pa.int32()),
                    "header_id": pa.scalar(row["header_id"], pa.string()),
                }
                yield from record_batches(raw, positions + row["from_byte"], columns)

    return take


def _sent(entry: FileRange) -> tuple[object, ...]:
    shape = entry.shape
    return (
        *entry.key,
        entry.range_sha256,
        entry.header_id,
        *(shape[name] for name in ("format", "separator", "quote", "encoding", "max_record_bytes")),
    )


def _lost(path: str, start: int, end: int) -> str:
    return (
        f"{printable(path)}: expected bytes {start} to {end} as they were listed; the file is gone or has changed; "
        "land it again"
    )

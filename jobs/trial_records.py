"""The records of a sample file, cut as ingest cuts them, for ``leadhouse contract try``."""

from __future__ import annotations

import fnmatch
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from leadhouse.conf.errors import InputError
from leadhouse.expectations.contract import Contract
from leadhouse.transforms.records import record_bounds, split
from leadhouse.transforms.splitting import byte_order_mark, header_columns, splitting_of

MOST_BYTES = 64_000_000
"""How much of a sample is tried."""
HEADER_ID = "try"


def read_records(
    contract: Contract, sample: Path, received_at: datetime
) -> tuple[pa.Table, tuple[str, ...], tuple[str, ...]]:
    """Cut a sample into records as ingest does: rows with the columns of bronze.records, the header, and notes."""
    shape = contract.shape
    try:
        with sample.open("rb") as file:
            content = file.read(MOST_BYTES)
            whole = not file.read(1)
    except OSError as problem:
        raise InputError(f"{sample}: expected a sample file; {problem.strerror}; check the path") from problem
    try:
        mark = byte_order_mark(content[:4], shape.encoding)
    except InputError as problem:
        raise InputError(f"{sample}: {problem}") from problem
    cut = splitting_of(
        format=shape.format, separator=shape.separator, quote=shape.quote, encoding=shape.encoding,
        max_record_bytes=shape.max_record_bytes,
    )  # fmt: skip
    body = content[mark:]
    notes = []
    if not whole:
        _, _, ends = record_bounds(body, cut, final=False)
        body = body[: int(ends[-1])] if len(ends) else body
        notes.append(f"only the first {len(body):,} bytes of the sample were tried")
    if not fnmatch.fnmatch(sample.name, Path(contract.location.path).name):
        notes.append(
            f"the sample's name doesn't match the contract's path {contract.location.path!r}: it would not be taken"
        )
    starts, raws = split(body, cut)
    header: tuple[str, ...] = ()
    if shape.format == "csv" and len(raws):
        header = header_columns(raws[0].as_py(), encoding=shape.encoding, separator=shape.separator, quote=shape.quote)
        starts, raws = starts[1:], raws.slice(1)
    if not len(raws):
        raise InputError(
            f"{sample}: expected records; got {'only a header' if header else 'an empty file'}; take another sample"
        )
    return _as_records(contract, sample, raws, starts + mark, header, received_at), header, tuple(notes)


def _as_records(
    contract: Contract,
    sample: Path,
    raws: pa.BinaryArray,
    starts: object,
    header: tuple[str, ...],
    received_at: datetime,
) -> pa.Table:
    count = len(raws)
    positions = pa.array(starts, pa.int64())
    constant = {"tenant": contract.tenant, "source": contract.source, "origin": sample.name, "batch": "try"}
    columns = {name: pa.array([value] * count, pa.string()) for name, value in constant.items()}
    columns |= {
        "partition": pa.array([0] * count, pa.int32()),
        "position": positions,
        "raw": raws.cast(pa.binary()),
        "header_id": pa.array([HEADER_ID if header else None] * count, pa.string()),
        "received_at": pa.array([received_at] * count, pa.timestamp("us", "UTC")),
        "record_id": positions.cast(pa.string()),
    }
    return pa.table(columns)

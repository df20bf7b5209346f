"""The peer: Polars and delta-rs doing the same parse and split by hand, in one process without Spark.

It keeps no bronze, makes no ids or hashes, and tells no repeats apart; so it does less than ingest and refine do.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from leadhouse.bench.workload import TYPES, Workload

_EVENT = pl.Struct(
    {
        "event_id": pl.String,
        "type": pl.String,
        "anonymous_id": pl.String,
        "occurred_at": pl.String,
        "page": pl.Struct({"url": pl.String, "seconds": pl.String}),
        "campaign": pl.Struct({"name": pl.String}),
        "client": pl.Struct({"agent": pl.String}),
    }
)


def parse_and_split(workload: Workload, folder: Path) -> None:
    """Read the files' lines, parse them, and write ``silver`` and ``quarantine`` as Delta tables below ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in workload.files:  # file by file, as one would: all at once takes four times the memory
        judged = _judged(_lines(file))
        silver = judged.filter(pl.col("rule").is_null()).drop("raw", "rule")
        silver.write_delta(folder / "silver", mode="append")
        refused = judged.filter(pl.col("rule").is_not_null()).select("file", "line", "rule", "raw")
        refused.write_delta(folder / "quarantine", mode="append")


def _lines(file: Path) -> pl.DataFrame:
    return pl.read_csv(
        file, has_header=False, schema={"raw": pl.String}, separator="\x01", quote_char=None, encoding="utf8-lossy"
    ).select(pl.lit(file.name).alias("file"), pl.int_range(pl.len()).alias("line"), "raw")


def _judged(lines: pl.DataFrame) -> pl.DataFrame:
    """Lines with typed columns and the rule that each breaks, null where it breaks none."""
    # One broken line makes json_decode refuse all of them, so broken ones are found first.
    whole = pl.col("raw").str.json_path_match("$.event_id").is_not_null()
    event = pl.when(whole).then("raw").otherwise(pl.lit("{}")).str.json_decode(_EVENT)
    parsed = lines.with_columns(whole.alias("whole"), event.alias("event")).unnest("event")
    typed = parsed.select(
        "file",
        "line",
        "raw",
        "whole",
        "event_id",
        "type",
        "anonymous_id",
        pl.col("occurred_at").str.to_datetime("%+", time_zone="UTC", strict=False),
        pl.col("page").struct.field("url"),
        pl.col("page").struct.field("seconds").alias("seconds_text"),
        pl.col("page").struct.field("seconds").cast(pl.Float64, strict=False).alias("seconds"),
        pl.col("campaign").struct.field("name").alias("campaign"),
        pl.col("client").struct.field("agent").alias("agent"),
    )
    rule = (
        pl.when(~pl.col("whole")).then(pl.lit("record, or required event_id"))
        .when(~pl.col("type").is_in(TYPES).fill_null(False)).then(pl.lit("valid_values type"))
        .when(pl.col("anonymous_id").is_null()).then(pl.lit("required anonymous_id"))
        .when(pl.col("occurred_at").is_null()).then(pl.lit("type occurred_at"))
        .when(pl.col("seconds_text").is_not_null() & pl.col("seconds").is_null()).then(pl.lit("type seconds"))
        .when(pl.col("seconds") < 0).then(pl.lit("minimum seconds"))
        .when(pl.col("url").str.len_chars() > 2000).then(pl.lit("max_length url"))
    )  # fmt: skip
    return typed.with_columns(rule.alias("rule")).drop("whole", "seconds_text")

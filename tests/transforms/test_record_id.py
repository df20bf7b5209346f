"""A record's id is a hash of its position, and stays what it was in lakes that are there already."""

from __future__ import annotations

import hashlib

from pyspark.sql import SparkSession

from leadhouse.transforms.record_id import POSITION, record_id


def test_the_id_is_a_hash_of_the_position_and_of_nothing_else(spark: SparkSession) -> None:
    here = ("acme", "web", "web/a.jsonl", 1, 17)
    rows = [(*here, "x"), (*here, "y"), (*here[:-1], 18, "x")]
    first, same, other = [
        row["record_id"] for row in spark.createDataFrame(rows, [*POSITION, "raw"]).select(record_id()).collect()
    ]
    written = '{"p0":"acme","p1":"web","p2":"web/a.jsonl","p3":"1","p4":"17"}'
    assert first == same == hashlib.sha256(written.encode()).hexdigest()[:32]
    assert other != first

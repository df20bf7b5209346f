"""Texts to values: what fits, what doesn't, and one canonical form for equal values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from leadhouse.transforms.values import ValueSpec, canonical, fits, present, typed

PLAIN = ValueSpec("string", ".", ("", "Select"), ("yes", "1"), ("no", "0"), "UTC", ())
GERMAN = replace(PLAIN, decimal_mark=",", time_zone="Europe/Berlin", formats=("dd.MM.yyyy HH:mm", "dd.MM.yyyy"))


def _moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


CASES: list[tuple[ValueSpec, str, str | None, object, str | None]] = [
    (PLAIN, "string", " Select ", None, None),
    (PLAIN, "string", " a b ", "a b", "a b"),
    (PLAIN, "integer", "1,234", 1234, "1234"),
    (PLAIN, "integer", "7.0", 7, "7"),
    (PLAIN, "integer", "99999999999999999999", None, None),
    (PLAIN, "number", "2.50", 2.5, "2.5"),
    (PLAIN, "number", "1e3", 1000.0, "1000"),
    (PLAIN, "number", "NaN", None, None),
    (PLAIN, "number", "Infinity", None, None),
    (PLAIN, "number", "12,34", None, None),
    (GERMAN, "number", "1.234,50", 1234.5, "1234.5"),
    (replace(GERMAN, signs=("€", "EUR")), "number", "€ 1.234,50", 1234.5, "1234.5"),
    (replace(GERMAN, signs=("€", "EUR")), "number", "-12,5 EUR", -12.5, "-12.5"),
    (replace(PLAIN, signs=("$",)), "number", "$-1,234", -1234.0, "-1234"),
    (replace(PLAIN, signs=("$",)), "number", "$", None, None),
    (replace(PLAIN, signs=("$",)), "number", "€5", None, None),
    (replace(PLAIN, signs=("%",)), "integer", "12 %", 12, "12"),
    (PLAIN, "integer", "12 %", None, None),
    (PLAIN, "boolean", "YES", True, "true"),
    (PLAIN, "boolean", "maybe", None, None),
    (PLAIN, "date", "2024-02-30", None, None),
    (PLAIN, "date", "2024-02-29", date(2024, 2, 29), "2024-02-29"),
    (GERMAN, "date", "29.02.2024", date(2024, 2, 29), "2024-02-29"),
    (PLAIN, "timestamp", "2024-03-01T10:00:00+02:00", _moment(2024, 3, 1, 8), "2024-03-01T08:00:00.000000Z"),
    (PLAIN, "timestamp", "10:00", None, None),
    (GERMAN, "timestamp", "01.07.2024 10:00", _moment(2024, 7, 1, 8), "2024-07-01T08:00:00.000000Z"),
    (GERMAN, "timestamp", "01.01.2024 10:00", _moment(2024, 1, 1, 9), "2024-01-01T09:00:00.000000Z"),
    # On 31 March 02:30 was skipped: an hour later is meant. On 27 October it came twice: the first is taken.
    (GERMAN, "timestamp", "31.03.2024 02:30", _moment(2024, 3, 31, 1, 30), "2024-03-31T01:30:00.000000Z"),
    (GERMAN, "timestamp", "27.10.2024 02:30", _moment(2024, 10, 27, 0, 30), "2024-10-27T00:30:00.000000Z"),
    (
        replace(PLAIN, formats=("epoch_millis",)),
        "timestamp",
        "1717200000500",
        _moment(2024, 6, 1, 0, 0, 0, 500000),
        None,
    ),
    (replace(PLAIN, formats=("epoch_seconds",)), "timestamp", "1717200000", _moment(2024, 6, 1), None),
]


def test_texts_become_values_or_nothing(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [tuple(text for _, _, text, _, _ in CASES)], ", ".join(f"c{i} string" for i in range(len(CASES)))
    )
    columns = []
    for index, (base, logical_type, _, _, _) in enumerate(CASES):
        spec = replace(base, logical_type=logical_type)
        text = present(F.col(f"c{index}"), spec)
        value = typed(text, spec)
        columns += [
            value.alias(f"v{index}"),
            canonical(text, value, spec).alias(f"t{index}"),
            fits(text, value, spec).alias(f"f{index}"),
        ]
    (row,) = rows.select(*columns).collect()
    for index, (_, logical_type, text, expected, kept) in enumerate(CASES):
        value = row[f"v{index}"]
        value = value.astimezone(UTC) if isinstance(value, datetime) else value
        assert value == expected, (logical_type, text)
        if kept is not None:
            assert row[f"t{index}"] == kept, (logical_type, text)
        if text != " Select ":
            assert bool(row[f"f{index}"]) is (expected is not None), (logical_type, text)


@pytest.mark.parametrize("text", ["2.5", "5 apples", "0x10", "--1", "1,23,4"])
def test_what_is_no_integer_does_not_fit(spark: SparkSession, text: str) -> None:
    spec = replace(PLAIN, logical_type="integer")
    (row,) = (
        spark.createDataFrame([(text,)], "t string").select(fits(F.col("t"), typed(F.col("t"), spec), spec)).collect()
    )
    assert not row[0]

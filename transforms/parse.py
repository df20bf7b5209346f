"""Bronze records to items: the text of every field, and what is wrong with the record as a whole.

A record is parsed into texts first, whatever its format; ``transforms/values.py`` then makes typed values of them. So a
value that doesn't fit its type costs that item a reason, never the batch an exception.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses
from pyspark.sql import types as T  # noqa: N812

from leadhouse.transforms.json_path import Name, json_path
from leadhouse.transforms.json_values import JsonShape, value_at
from leadhouse.transforms.kept_columns import kept_columns

_JAVA_CHARSETS = {
    "utf-16-le": "UTF-16LE",
    "utf-16-be": "UTF-16BE",
    "utf-16": "UTF-16LE",
    "utf-32-le": "UTF-32LE",
    "utf-32-be": "UTF-32BE",
    "utf-8-sig": "utf-8",
    "mac-roman": "x-MacRoman",
}
_CORRUPT = "_corrupt"


@dataclass(frozen=True)
class ParseSpec:
    """How one source's records become items."""

    format: str
    """``csv`` or ``json``."""
    separator: str
    quote: str
    encoding: str
    items: str | None
    """Dotted path of the array whose elements are the items; ``$`` if the record is that array; None: record = item."""
    max_record_bytes: int
    fields: tuple[tuple[str, str], ...]
    """(name, physical name) of every field. In JSON a physical name is a ``json_path`` below the item; ``$.`` before it
    means below the record."""


def parse_records(records: DataFrame, spec: ParseSpec, header: tuple[str, ...] | None) -> DataFrame:
    """Parse records of one source that share a header (None for JSON).

    ``records`` has the columns of bronze.records. Returns tenant, source, record_id, item (from 0), origin,
    partition, position, received_at, problem (rule and message as a struct; null if the record could be parsed) and
    texts (a struct with one STRING for each field, null where the record doesn't have it).
    """
    read = records.select(
        "tenant", "source", "record_id", "origin", "partition", "position", "received_at",
        F.length("raw").alias("size"),
        _text(spec.encoding).alias("text"),
    )  # fmt: skip
    read = read.withColumn("unreadable", _unreadable(spec))
    items = _csv_items(read, spec, header) if spec.format == "csv" else _json_items(read, spec)
    return items.select(
        "tenant", "source", "record_id", "item", "origin", "partition", "position", "received_at", "problem", "texts"
    )  # fmt: skip


def json_fields(records: DataFrame, encoding: str, items: str | None) -> DataFrame:
    """Return the names of the outermost fields that the items of each of a few JSON records have: names ARRAY<STRING>.

    ``records`` has the column raw; ``items`` is that of ``ParseSpec``. Records without items are left out.
    """
    text = _text(encoding)
    if items is None:
        names = F.json_object_keys(text)
    else:
        path, shape = _items_path(items), JsonShape()
        shape.reach(path).each()
        schema = T.ArrayType(T.StringType()) if items == "$" else shape.object_type()
        elements = value_at(F.from_json(text, schema), path)
        of_each = F.transform(elements, lambda element: F.coalesce(F.json_object_keys(element), _no_names()))
        names = F.array_distinct(F.flatten(of_each))
    return records.select(names.alias("names")).where(F.col("names").isNotNull())


def _no_names() -> Column:
    return F.array().cast("ARRAY<STRING>")


def java_charset(encoding: str) -> str:
    """Return Java's name for an encoding that Python knows."""
    name = codecs.lookup(encoding).name
    return _JAVA_CHARSETS.get(name, name)


@kept_columns
def _text(encoding: str) -> Column:
    """A record's bytes as text, without the mark that some programs write before it; null where they are none."""
    return F.ltrim(_decoded(F.col("raw"), encoding), F.lit("\ufeff"))


def _decoded(raw: Column, encoding: str) -> Column:
    charset = java_charset(encoding)
    if charset == "utf-8":
        return F.try_validate_utf8(raw.cast("string"))
    decoded = F.decode(raw, charset)
    return F.when(~decoded.contains("\ufffd"), decoded)


@kept_columns
def _unreadable(spec: ParseSpec) -> Column:
    """Why a record can't be parsed at all, as (rule, message); null if it can."""
    return (
        F.when(
            F.col("size") > spec.max_record_bytes,
            _problem("record_size", F.format_string(f"expected at most {spec.max_record_bytes} bytes; got %d", "size")),
        )
        .when(F.col("text").isNull(), _problem("encoding", F.lit(f"expected {spec.encoding}; got other bytes")))
        .when(F.col("text").contains("\x00"), _problem("encoding", F.lit("expected text; got a NUL character")))
    )


def _problem(rule: str, message: Column) -> Column:
    return F.struct(F.lit(rule).alias("rule"), message.alias("message"))


def _csv_items(read: DataFrame, spec: ParseSpec, header: tuple[str, ...] | None) -> DataFrame:
    columns = header or ()
    schema = ", ".join([*(f"c{index} STRING" for index in range(len(columns))), f"{_CORRUPT} STRING"])
    options = {
        "sep": spec.separator,
        "quote": spec.quote,
        "escape": spec.quote,  # a quote inside quotes is doubled; Spark's default, a backslash, misreads it
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": _CORRUPT,
        "maxCharsPerColumn": "-1",
        "maxColumns": str(max(20480, len(columns) + 1)),
    }
    parsed = read.withColumn("row", F.from_csv(F.when(F.col("unreadable").isNull(), F.col("text")), schema, options))
    first = {name: index for index, name in reversed(list(enumerate(columns)))}
    texts = [
        (F.col("row")[f"c{first[physical]}"] if physical in first else F.lit(None).cast("string")).alias(name)
        for name, physical in spec.fields
    ]
    malformed = F.when(
        F.col(f"row.{_CORRUPT}").isNotNull(),
        _problem(
            "record", F.lit(f"expected {len(columns)} columns as in the header; the row has another number of them")
        ),
    )
    return parsed.select(
        "*",
        F.lit(0).alias("item"),
        F.coalesce("unreadable", malformed).alias("problem"),
        F.struct(*texts).alias("texts"),
    )


def _json_items(read: DataFrame, spec: ParseSpec) -> DataFrame:
    parsed = read.withColumn("row", _json_row(spec)).withColumn("problem", _json_problem(spec))
    if spec.items is None:
        return parsed.withColumns({"item": F.lit(0), "texts": _texts(spec, "row", "row")})
    array = F.when(F.col("problem").isNull(), _array(spec))
    exploded = parsed.select("*", F.posexplode_outer(array).alias("place", "element"))
    # An empty array has no items; a record that can't be parsed stays, to be refused as a whole.
    kept = exploded.where(F.col("place").isNotNull() | F.col("problem").isNotNull())
    return kept.withColumns({"item": F.coalesce("place", F.lit(0)), "texts": _texts(spec, "element", "row")})


@kept_columns
def _json_row(spec: ParseSpec) -> Column:
    schema = _json_schema(spec)
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": _CORRUPT, "allowSingleQuotes": "false"}
    return F.from_json(F.when(F.col("unreadable").isNull(), F.col("text")), schema, options)


@kept_columns
def _json_problem(spec: ParseSpec) -> Column:
    broken = F.col("row").isNull() if spec.items == "$" else F.col("row")[_CORRUPT].isNotNull()
    return F.coalesce(
        F.col("unreadable"),
        F.when(broken, _problem("record", F.lit(_expected_json(spec)))),
        F.when(_has_trailing_text(), _problem("record", F.lit("expected one JSON value a line; got more after it"))),
        F.when(_array(spec).isNull(), _problem("record", F.lit(f"expected an array at {spec.items}; got none"))),
    )


def _expected_json(spec: ParseSpec) -> str:
    what = "an array of objects" if spec.items == "$" else "an object"
    return f"expected a line that is {what} in JSON, with the nesting that the contract names; got something else"


def _has_trailing_text() -> Column:
    """Whether something follows the JSON value: Spark's parser stops at its end.

    Outside strings a closing brace is followed only by a comma, a bracket or the end, so the check, which parses again,
    is needed for few records.
    """
    suspect = F.col("text").rlike(r"[}\]]\s*[^\s,}\]]")
    again = F.from_json(F.concat(F.lit("["), F.col("text"), F.lit("]")), "ARRAY<STRING>", {"mode": "PERMISSIVE"})
    return suspect & (F.coalesce(F.size(again), F.lit(0)) != 1)


def _json_schema(spec: ParseSpec) -> T.ArrayType | T.StructType:
    """The schema to read JSON with: the fields' paths, every value as text, and the corrupt record."""
    record, item = JsonShape(), JsonShape()
    if spec.items is None:
        item = record
    elif spec.items != "$":
        item = record.reach(_items_path(spec.items)).each()
    for _, physical in spec.fields:
        (record if physical.startswith("$.") else item).reach(json_path(physical.removeprefix("$.")))
    if spec.items == "$":
        return T.ArrayType(item.object_type())
    return record.object_type().add(_CORRUPT, T.StringType())


def _items_path(items: str) -> list[Name]:
    return [] if items == "$" else [Name(name) for name in items.split(".")]


def _array(spec: ParseSpec) -> Column:
    """The array of items in a parsed record; without one, something that is never null."""
    if spec.items is None:
        return F.lit(True)
    return value_at(F.col("row"), _items_path(spec.items))


@kept_columns
def _texts(spec: ParseSpec, item: str, record: str) -> Column:
    """The text of every field; ``item`` and ``record`` are the columns that have them."""

    def text(physical: str) -> Column:
        absolute = physical.startswith("$.")
        return value_at(F.col(record if absolute else item), json_path(physical.removeprefix("$.")))

    return F.struct(*[text(physical).alias(name) for name, physical in spec.fields])

"""Paths into JSON, beside Python's own walk through the same lines."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from leadhouse.transforms.json_path import Name, Place, Saying, clashes, json_path, outermost_name
from leadhouse.transforms.json_values import JsonShape, value_at

LINES: list[dict[str, Any]] = [
    {"answers": [{"field": {"id": "f1"}, "email": "kim@example.org"}, {"field": {"id": "f2"}, "number": 12}]},
    {"answers": [{"field": {"id": "f2"}, "number": 3}, {"field": {"id": "f1"}, "email": "pat@example.org"}]},
    {"answers": [{"field": None}, {"field": {"id": "f1"}}, {"field": {"id": "f1"}, "email": "second@example.org"}]},
    {"answers": [], "tags": ["spring", "promo"], "data[email]": "lee@example.org"},
    {"answers": None, "tags": [], "entry": [{"changes": [{"name": "a.b", "values": ["x", "y"]}]}]},
]
EXPECTED = {
    "answers[field.id=f1].email": ["kim@example.org", "pat@example.org", None, None, None],
    "answers[field.id=f2].number": ["12", "3", None, None, None],
    "answers[1].email": [None, "pat@example.org", None, None, None],
    "tags[1]": [None, None, None, "promo", None],
    "data[email]": [None, None, None, "lee@example.org", None],
    "entry[0].changes[name=a.b].values[1]": [None, None, None, None, "y"],
}


def test_a_path_reads_what_stands_there_or_nothing(spark: SparkSession) -> None:
    shape = JsonShape()
    for text in EXPECTED:
        shape.reach(json_path(text))
    rows = spark.createDataFrame(
        [(number, json.dumps(line)) for number, line in enumerate(LINES)], "n INT, line STRING"
    )
    read = rows.withColumn("row", F.from_json("line", shape.object_type()))
    columns = [value_at(F.col("row"), json_path(text)).alias(f"c{place}") for place, text in enumerate(EXPECTED)]
    found = read.orderBy("n").select(*columns).collect()
    assert {text: [row[place] for row in found] for place, text in enumerate(EXPECTED)} == EXPECTED


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("a.b", (Name("a"), Name("b"))),
        ("a[0].b", (Name("a"), Place(0), Name("b"))),
        ("a[b.c=d.e].f", (Name("a"), Saying(("b", "c"), "d.e"), Name("f"))),
        ("a[q=How many?][1]", (Name("a"), Saying(("q",), "How many?"), Place(1))),
        ("data[email]", (Name("data[email]"),)),
        ("data[user.email].x", (Name("data[user.email]"), Name("x"))),
    ],
)
def test_brackets_pick_an_element_or_belong_to_the_name(text: str, steps: tuple[object, ...]) -> None:
    assert json_path(text) == steps
    assert Name(outermost_name(text)) == steps[0]


def test_a_value_is_text_an_object_or_an_array_and_one_of_them_for_all() -> None:
    assert clashes(["a.b", "a.c", "d[0].e", "d[f=g].h", "d[f=g].f"]) == []
    assert clashes(["a", "a.b"]) == ["'a' reads 'a' as text, 'a.b' as an object"]
    assert clashes(["a.b", "a[0].b"]) == ["'a.b' reads 'a' as an object, 'a[0].b' as an array"]
    assert clashes(["a[0]", "a[k=v].b"]) == ["'a[0]' reads 'a.[]' as text, 'a[k=v].b' as an object"]

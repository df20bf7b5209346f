"""What a ``json_path`` reads: the type to parse JSON with, and the value in what was parsed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses
from pyspark.sql import types as T  # noqa: N812

from leadhouse.transforms.json_path import Name, Place, Saying


def value_at(column: Column, path: Iterable[Name | Place | Saying]) -> Column:
    """Return what a parsed JSON value has at a path; null where it doesn't go so far."""
    return reduce(_next, path, column)


def _next(column: Column, step: Name | Place | Saying) -> Column:
    if isinstance(step, Name):
        return column.getField(step.name)
    if isinstance(step, Place):
        return F.get(column, F.lit(step.place))
    path = [Name(name) for name in step.names]
    return F.get(F.filter(column, lambda element: value_at(element, path) == step.value), F.lit(0))


@dataclass
class JsonShape:
    """What is to be read of a JSON value: the fields of an object, the elements of an array, or else its text."""

    fields: dict[str, JsonShape] = field(default_factory=dict)
    elements: JsonShape | None = None

    def reach(self, path: Iterable[Name | Place | Saying]) -> JsonShape:
        """Return the shape at a path below this one, which from now on is read, too."""
        shape = self
        for step in path:
            if isinstance(step, Name):
                shape = shape.fields.setdefault(step.name, JsonShape())
                continue
            shape = shape.each()
            if isinstance(step, Saying):
                shape.reach(Name(name) for name in step.names)
        return shape

    def each(self) -> JsonShape:
        """Return the shape of an array's elements."""
        if self.elements is None:
            self.elements = JsonShape()
        return self.elements

    def object_type(self) -> T.StructType:
        """Return the Spark type of an object of this shape."""
        return T.StructType([T.StructField(name, shape.data_type()) for name, shape in self.fields.items()])

    def data_type(self) -> T.DataType:
        """Return the Spark type of a value of this shape."""
        if self.elements is not None:
            return T.ArrayType(self.elements.data_type())
        return self.object_type() if self.fields else T.StringType()

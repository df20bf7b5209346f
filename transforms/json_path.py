"""Paths into JSON: names with dots between them, and elements of arrays by their place or by what they say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses
from pyspark.sql import types as T  # noqa: N812

_PICK = r"\[(?:\d+|[^\[\]=]+=[^\[\]]*)\]"
_PICKED = re.compile(rf"(.+?)((?:{_PICK})+)", re.DOTALL)
_DOT = re.compile(r"\.(?![^\[\]]*\])")


@dataclass(frozen=True)
class Name:
    """A step from an object to what stands under a name."""

    name: str


@dataclass(frozen=True)
class Place:
    """A step from an array to its element at a place, from 0."""

    place: int


@dataclass(frozen=True)
class Saying:
    """A step from an array to its first element that says ``value`` at a path of names."""

    names: tuple[str, ...]
    value: str


JsonPath = tuple[Name | Place | Saying, ...]


def json_path(text: str) -> JsonPath:
    """Read a path, e.g. ``contact.emails[0].address`` or ``answers[field.id=f1].email``.

    What is in brackets but neither a place nor says ``names=value`` belongs to the name: ``data[email]`` is one.
    """
    steps: list[Name | Place | Saying] = []
    for part in _DOT.split(text):
        picked = _PICKED.fullmatch(part)
        steps.append(Name(picked[1] if picked else part))
        steps += [_pick(pick[1:-1]) for pick in re.findall(_PICK, picked[2])] if picked else []
    return tuple(steps)


def outermost_name(text: str) -> str:
    """Return the name that a path begins with."""
    picked = _PICKED.fullmatch(first := _DOT.split(text)[0])
    return picked[1] if picked else first


def clashes(paths: Iterable[str]) -> list[str]:
    """Say which paths can't be read together: a value is text, an object or an array, and not one of them for each."""
    kinds: dict[tuple[str, ...], tuple[str, str]] = {}
    found = []
    for text in paths:
        place: tuple[str, ...] = ()
        steps = json_path(text)
        for step, following in zip(steps, (*steps[1:], None), strict=True):
            place = (*place, step.name if isinstance(step, Name) else "[]")
            kind = "text" if following is None else "an object" if isinstance(following, Name) else "an array"
            before, first = kinds.setdefault(place, (kind, text))
            if before != kind:
                found.append(f"{first!r} reads {'.'.join(place)!r} as {before}, {text!r} as {kind}")
    return found


def _pick(text: str) -> Place | Saying:
    names, says, value = text.partition("=")
    return Saying(tuple(names.split(".")), value) if says else Place(int(text))


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

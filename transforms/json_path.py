"""Paths into JSON: names with dots between them, and elements of arrays by their place or by what they say.

No Spark here: contracts are read, and their paths with them, by commands that only look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

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

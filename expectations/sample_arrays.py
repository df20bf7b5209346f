"""Arrays in a JSON sample whose elements can be fields: those that say in every row what they are, and those that are
alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LOOKED_AT = 1_000
"""Rows of the sample that tell how an array is built."""
_MOST = 50
_COMMON = 0.3
"""What an element is must be said in about so many of the rows: else it is what the element holds."""
_LONGEST = 60
_ENOUGH = 3
"""So many rows with an array show by themselves what its elements have in common."""
_VALUE = re.compile(r"(^|_)(values?|answers?|text|content|data|number|date|response)(_|$)", re.IGNORECASE)
_SAYS_WHAT = re.compile(r"(^|[._])(name|key|ref|slug|code|property|question|label|title|field|\w*id|type|kind)$", re.I)
_NO_PATH = re.compile(r"[\[\]=\x00-\x1f]|^\s|\s$|^$")


@dataclass(frozen=True)
class Pick:
    """How an element is picked from an array."""

    by: str | None
    """Dotted path in the element to what says which one it is; None: it is the only one."""
    values: frozenset[str] = frozenset()
    """What is said there."""

    def elements(self, array: Sequence[Any]) -> Iterator[tuple[str, Any]]:
        """Return each element that can be picked, after the step of a ``json_path`` that does it."""
        if self.by is None:
            yield from (("[0]", element) for element in array[:1])
            return
        for element in array:
            said = dict(_leaves(element)).get(self.by) if isinstance(element, dict) else None
            if said is not None and str(said) in self.values:
                yield f"[{self.by}={said}]", element

    def tells(self, path: str) -> bool:
        """Whether what stands at a dotted path in the element only says which one it is."""
        folder = self.by.rpartition(".")[0] if self.by else ""
        return path == self.by or bool(folder and path.startswith(f"{folder}."))


def picks(rows: Sequence[Mapping[str, Any]]) -> dict[str, Pick]:
    """Find the arrays whose elements can be fields, by their paths: dotted, ``[]`` for what is in an array."""
    arrays: dict[str, list[list[Any]]] = {}
    for row in rows[:_LOOKED_AT]:
        _collect(row, "", arrays)
    return {path: pick for path, found in arrays.items() if (pick := _pick(found)) is not None}


def plain_path(path: str) -> str:
    """Return a path without which elements of arrays it goes through: ``answers[].email``."""
    return re.sub(r"\[[^\]]*\]", "[]", path)


def _collect(value: Any, path: str, arrays: dict[str, list[list[Any]]]) -> None:
    if isinstance(value, dict):
        for name, below in value.items():
            _collect(below, f"{path}.{name}" if path else name, arrays)
    elif isinstance(value, list) and value:
        arrays.setdefault(path, []).append(value)
        for element in value:
            _collect(element, f"{path}[]", arrays)


def _pick(arrays: list[list[Any]]) -> Pick | None:
    alone = max(len(array) for array in arrays) == 1
    elements = [element for array in arrays for element in array]
    if all(isinstance(element, dict) for element in elements):
        said = [[dict(_leaves(element)) for element in array] for array in arrays]
        everywhere = set.intersection(*[set(leaves) for array in said for leaves in array])
        for path in sorted(filter(_SAYS_WHAT.search, everywhere), key=_preference):
            values = _names(said, path)
            if values and (len(arrays) >= _ENOUGH or _holds_values(said, Pick(path))):
                return Pick(path, values)
    return Pick(None) if alone and not any(isinstance(element, list) for element in elements) else None


def _holds_values(arrays: list[list[dict[str, Any]]], pick: Pick) -> bool:
    """Whether elements are names with one value each, rather than records such as people."""
    elements = [element for array in arrays for element in array]
    told = [[path for path in leaves if not pick.tells(path) and not _SAYS_WHAT.search(path)] for leaves in elements]
    same = {path for paths in told for path in paths}
    return max(map(len, told)) <= 1 and (len(same) > 1 or all(_VALUE.search(path) for path in same))


def _preference(path: str) -> tuple[int, int, str]:
    """Names before numbers, and before what several elements may have in common; the outermost first."""
    leaf = path.rpartition(".")[2].lower()
    rank = 2 if leaf in ("type", "kind") else 1 if leaf.endswith("id") else 0
    return rank, path.count("."), path


def _names(arrays: list[list[dict[str, Any]]], path: str) -> frozenset[str]:
    """What elements say at a path, if it tells them apart; else nothing."""
    said = [[element[path] for element in array] for array in arrays]
    values = {value for array in said for value in array}
    plain = all(isinstance(value, str | int) and not isinstance(value, bool) for value in values)
    if not plain or any(len(set(array)) < len(array) for array in said):
        return frozenset()
    names = frozenset(str(value) for value in values)
    common = sum(len(array) for array in said) >= _COMMON * len(said) * len(names)
    fits = len(names) <= _MOST and not any(len(name) > _LONGEST or _NO_PATH.search(name) for name in names)
    return names if common and fits else frozenset()


def _leaves(element: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The plain values of an element and of what is nested one deep in it, by their dotted paths."""
    for name, value in element.items():
        if not isinstance(name, str) or "." in name or _NO_PATH.search(name):
            continue
        if isinstance(value, dict) and depth == 0:
            yield from _leaves(value, f"{name}.", 1)
        elif value is not None and not isinstance(value, dict | list):
            yield prefix + name, value

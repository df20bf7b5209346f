"""The problems of one contract file, gathered so that all can be reported at once."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

_WORDS = {
    bool: "true or false",
    dict: "a mapping",
    float: "a number",
    int: "a whole number",
    list: "a list",
    object: "a value",
    str: "a text",
}


class Problems:
    """The problems found in one file so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[str] = []

    def add(self, where: str, what: str) -> None:
        """Add a problem: where in the file, and what was expected and came."""
        self.found.append(f"{self.file}: {where}: {what}" if where else f"{self.file}: {what}")


def checked(
    entries: Any, known: Mapping[str, type | tuple[str, ...]], where: str, problems: Problems
) -> dict[str, Any]:
    """Return a list of ``{property, value}`` as a mapping, refusing unknown properties and values of the wrong kind.

    ``known`` gives for each property its type, or the values that it may take.
    """
    values: dict[str, Any] = {}
    for entry in entries or []:
        name, value = entry.get("property"), entry.get("value")
        expected = known.get(str(name))
        if expected is None:
            near = get_close_matches(str(name), known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"
            problems.add(where, f"unknown property {name!r}{hint}")
        elif str(name) in values:
            problems.add(f"{where}.{name}", "expected once; it is there twice; drop one")
        elif isinstance(expected, tuple):
            if value not in expected:
                problems.add(f"{where}.{name}", f"expected one of {', '.join(expected)}; got {value!r}")
            else:
                values[str(name)] = value
        elif not isinstance(value, (int, float) if expected is float else expected) or (
            expected in (int, float) and isinstance(value, bool)
        ):
            # Of a mapping, which may hold what nobody should read, only the kind is told.
            came = "nothing" if value is None else type(value).__name__ if expected is dict else repr(value)
            problems.add(f"{where}.{name}", f"expected {_WORDS[expected]}; got {came}")
        else:
            values[str(name)] = value
    return values

"""TOML tables as frozen values, strictly: what a dataclass doesn't name is an error, and all errors come at once."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

_WRONG = object()
"""Stands for a value that was refused: the default takes its place while the other problems are looked for."""


def build(cls: type, document: object, where: str, problems: list[str]) -> Any:
    """Build a frozen dataclass from a TOML table; None if it can't be built.

    Adds to ``problems`` what is wrong, each with ``where`` it is: an unknown key, a missing one, a value of the wrong
    type. What was refused has its default meanwhile, so that the other problems are found too.
    """
    if not isinstance(document, Mapping):
        problems.append(f"{where}: expected a table; got {document!r}")
        return None
    known = {entry.name: entry for entry in fields(cls)}
    hints = typing.get_type_hints(cls)
    for key in document.keys() - known.keys():
        problems.append(f"{where}: unknown key {key!r}; known are {', '.join(sorted(known))}")
    values: dict[str, Any] = {}
    for name, entry in known.items():
        if name in document:
            value = _value(hints[name], document[name], f"{where}: {name}", problems)
            if value is not _WRONG:
                values[name] = value
            elif entry.default is MISSING and entry.default_factory is MISSING:
                return None
        elif entry.default is MISSING and entry.default_factory is MISSING:
            problems.append(f"{where}: expected the key {name!r}; it is missing")
            return None
    return cls(**values)


def _value(hint: Any, value: object, where: str, problems: list[str]) -> Any:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        hint = next(option for option in typing.get_args(hint) if option is not type(None))
        return _value(hint, value, where, problems)
    if origin is tuple:
        if not isinstance(value, list):
            problems.append(f"{where}: expected a list; got {value!r}")
            return _WRONG
        parts = tuple(_value(typing.get_args(hint)[0], part, where, problems) for part in value)
        return _WRONG if _WRONG in parts else parts
    if isinstance(hint, type) and hasattr(hint, "__dataclass_fields__"):
        built = build(hint, value, where, problems)
        return _WRONG if built is None else built
    if origin is not None:  # Mapping[str, Destination]
        if not isinstance(value, Mapping):
            problems.append(f"{where}: expected a table; got {value!r}")
            return _WRONG
        part = typing.get_args(hint)[1]
        return types.MappingProxyType(
            {name: build(part, entry, f"{where}.{name}", problems) for name, entry in value.items()}
        )
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is not bool and isinstance(value, bool)):
        problems.append(f"{where}: expected {hint.__name__}; got {value!r}")
        return _WRONG
    return value

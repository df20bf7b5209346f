"""A contract file's bytes as a YAML document that has the standard's own form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
import yaml

from leadhouse.conf.errors import InputError
from leadhouse.expectations.odcs_problems import Problems
from leadhouse.expectations.yaml_reading import OnceLoader

_KINDS = {type(None): "an empty file", list: "a list", str: "one text"}


def read_document(content: bytes, file: str) -> Mapping[str, Any]:
    """Return the document in a contract's bytes; ``file`` names it in messages.

    Raises InputError if it is no YAML mapping, else with everything that the standard's JSON Schema finds wrong.
    """
    document = _mapping(content, file)
    problems = Problems(file)
    for error in _validator().iter_errors(document):
        problems.add(_place(error.absolute_path), _sentence(error))
    if problems.found:
        raise InputError(problems.found)
    return document


def _mapping(content: bytes, file: str) -> Mapping[str, Any]:
    try:
        document = yaml.load(content.decode("utf-8"), Loader=OnceLoader)
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError) as problem:
        where = " ".join(str(problem).split())
        raise InputError(f"{file}: expected YAML in UTF-8; {where}; mend that line") from problem
    if not isinstance(document, Mapping):
        came = _KINDS.get(type(document), "one value")
        raise InputError(f"{file}: expected a contract (a YAML mapping); got {came}; see docs/onboarding.md")
    return document


@cache
def _validator() -> Any:
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


def _place(path: Iterable[str | int]) -> str:
    place = ""
    for part in path:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    return place


def _sentence(error: jsonschema.ValidationError) -> str:
    deepest = error
    while deepest.context:  # of several alternatives the one that came furthest says most
        deepest = max(deepest.context, key=lambda inner: len(inner.absolute_path))
    return f"{deepest.message[:300]} (Open Data Contract Standard)"

"""Reads a workspace's ``lists/*.yaml`` strictly: unknown keys are refused, all problems of all files reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from leadhouse.conf.errors import InputError
from leadhouse.conf.names import name_problem
from leadhouse.expectations.contract import Contract
from leadhouse.expectations.yaml_reading import OnceLoader
from leadhouse.transforms.expression import Expression, read_expression
from leadhouse.transforms.lists import CRM_TASK, ListSpec, in_order

LEGAL_BASES = ("legitimate_interest", "contract", "consent")
_REQUIRED = ("name", "channel", "purpose", "eligible")
_KNOWN = (*_REQUIRED, "description", "priority", "rank_by", "capacity_per_day", "hold_out", "legal_basis",
          "max_input_age_hours")  # fmt: skip
_WORD = re.compile(r"[a-z][a-z0-9_]{0,62}")


def read_lists(files: Iterable[Path], contracts: Iterable[Contract]) -> tuple[ListSpec, ...]:
    """Read list files and return their lists in the order in which they take leads.

    ``contracts`` say which traits there are. Raises InputError with every problem of every file.
    """
    return parse_lists({path.name: path.read_bytes() for path in files}, contracts)


def parse_lists(documents: Mapping[str, bytes], contracts: Iterable[Contract]) -> tuple[ListSpec, ...]:
    """Read lists from the bytes of their files, by file name. As ``read_lists`` otherwise."""
    contracts = tuple(contracts)
    traits = trait_types(contracts)
    promised = any(contract.freshness_hours is not None for contract in contracts)
    problems: list[str] = []
    lists: list[ListSpec] = []
    seen: dict[str, str] = {}
    for file, content in sorted(documents.items()):
        entry = _parse(file, content, traits, problems)
        if entry is None:
            continue
        # Two names that differ only in their case would be one file on many machines.
        if (other := seen.setdefault(entry.name.lower(), file)) != file:
            problems.append(f"{file}: name: expected a name of its own; {other} has {entry.name!r} too; rename one")
        lists.append(entry)
        if entry.max_input_age_hours is not None and not promised:
            problems.append(
                f"{file}: max_input_age_hours: expected a contract that promises freshness (slaProperties); none does; "
                "add it to the contracts of this list's inputs"
            )
    if problems:
        raise InputError(problems)
    return in_order(tuple(lists))


def trait_types(contracts: Iterable[Contract]) -> dict[str, str]:
    """Return the logical type of every trait that a contract declares; a trait with two types is text."""
    types: dict[str, str] = {}
    for contract in contracts:
        for field in contract.fields_with("trait"):
            known = types.setdefault(field.name, field.logical_type)
            if known != field.logical_type:
                types[field.name] = "string"
    return types


def _parse(file: str, content: bytes, traits: Mapping[str, str], problems: list[str]) -> ListSpec | None:
    """Read one file; None, with its problems added, if it is not as expected."""
    try:
        document = yaml.load(content.decode("utf-8"), Loader=OnceLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as problem:
        reason = " ".join(str(problem).split()) or type(problem).__name__
        problems.append(f"{file}: expected YAML; it can't be read ({reason}); mend it")
        return None
    if not isinstance(document, dict):
        problems.append(f"{file}: expected keys such as name and eligible; got {type(document).__name__}")
        return None
    before = len(problems)
    problems += [f"{file}: unknown key {key!r}; known are {', '.join(_KNOWN)}" for key in document if key not in _KNOWN]
    problems += [f"{file}: expected the key {key!r}; it is missing" for key in _REQUIRED if document.get(key) is None]
    problems += [f"{file}: {problem}" for problem in _value_problems(document)]
    eligible = _expression(file, "eligible", document.get("eligible"), "boolean", traits, problems)
    rank_by = _expression(file, "rank_by", document.get("rank_by", "score"), "number", traits, problems)
    if len(problems) > before or eligible is None or rank_by is None:
        return None
    return ListSpec(
        name=document["name"],
        channel=document["channel"],
        purpose=document["purpose"],
        eligible=eligible,
        rank_by=rank_by,
        priority=document.get("priority", 0),
        capacity_per_day=document.get("capacity_per_day"),
        hold_out=float(document.get("hold_out", 0.0)),
        legal_basis=document.get("legal_basis"),
        max_input_age_hours=document.get("max_input_age_hours"),
        description=document.get("description") or "",
    )


def _expression(
    file: str, key: str, text: object, kind: str, traits: Mapping[str, str], problems: list[str]
) -> Expression | None:
    if text is None:
        return None  # a missing key is a problem of its own
    if isinstance(text, bool | int | float):
        text = str(text).lower()  # YAML reads ``eligible: true`` as a boolean
    try:
        return read_expression(text, traits=traits, kind=kind)
    except InputError as problem:
        problems += [f"{file}: {key}: {line}" for line in problem.problems]
        return None


def _value_problems(document: Mapping[str, object]) -> list[str]:
    """What is wrong with the values of the keys that are there, expressions left out."""
    problems = []
    if document.get("name") is not None and (problem := name_problem(document["name"], "name")):
        problems.append(problem)
    for key, (fits, expected) in _EXPECTED.items():
        if document.get(key) is not None and not fits(document[key]):
            problems.append(f"{key}: expected {expected}; got {document[key]!r}")
    if document.get("legal_basis") is not None and document.get("channel") != CRM_TASK:
        problems.append(
            f"legal_basis: only {CRM_TASK} may claim one, since it contacts nobody; for another channel the lead's own "
            "consent or a contract's legal basis is needed; remove the key"
        )
    return problems


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


_EXPECTED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "channel": (_is_word, "a word of a-z, 0-9 and _ such as email or crm_task"),
    "purpose": (_is_word, "a word of a-z, 0-9 and _ such as marketing"),
    "description": (lambda value: isinstance(value, str), "text"),
    "priority": (_whole, "a whole number"),
    "capacity_per_day": (lambda value: _whole(value) and 1 <= value <= 2**31 - 1, "a whole number of at least 1"),
    "hold_out": (
        lambda value: isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1,
        "a share of at least 0 and less than 1",
    ),
    "legal_basis": (lambda value: value in LEGAL_BASES, f"one of {', '.join(LEGAL_BASES)}"),
    "max_input_age_hours": (
        lambda value: isinstance(value, int | float) and not isinstance(value, bool) and value > 0,
        "a number of hours above 0",
    ),
}

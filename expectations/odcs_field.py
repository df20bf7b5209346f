"""Reads one field of a contract file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from leadhouse.expectations.contract import LOGICAL_TYPES, ROLES, Consent, Field, Shape
from leadhouse.expectations.odcs_problems import Problems, checked
from leadhouse.transforms.json_path import clashes

FIELD_PROPERTIES: Mapping[str, type | tuple[str, ...]] = {
    "role": object,
    "namespace": str,
    "known": ("at_creation", "later"),
    "formats": list,
    "signs": list,
    "positiveValues": list,
    "consent": dict,
    "feature": bool,
}
"""What a field's ``customProperties`` may hold."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_OPTIONS = ("pattern", "minimum", "maximum", "maxLength", "format")
_TIME_ROLES = ("created_at", "occurred_at", "updated_at", "outcome_at")


def read_field(prop: Mapping[str, Any], shape: Shape, problems: Problems) -> Field:
    """Read a property of the contract's schema; what is wrong with it goes to ``problems``."""
    name = str(prop.get("name"))
    custom = checked(prop.get("customProperties"), FIELD_PROPERTIES, f"{name}.customProperties", problems)
    roles = custom.get("role", [])
    roles = tuple(roles) if isinstance(roles, list) else (roles,)
    options = prop.get("logicalTypeOptions") or {}
    _check_field(name, prop, roles, options, problems)
    formats = custom.get("formats") or ([options["format"]] if "format" in options else [])
    field = Field(
        name=name,
        physical_name=str(prop.get("physicalName", name)),
        logical_type=str(prop.get("logicalType", "string")),
        required=bool(prop.get("required", False)),
        unique=bool(prop.get("unique", False)),
        key_position=(prop.get("primaryKeyPosition") or 1) if prop.get("primaryKey") else None,
        classification=prop.get("classification"),
        description=str(prop.get("description", "")),
        roles=tuple(role for role in roles if role in ROLES),
        namespace=custom.get("namespace"),
        known=custom.get("known", "at_creation"),
        valid_values=_valid_values(prop),
        pattern=options.get("pattern"),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        max_length=options.get("maxLength"),
        formats=tuple(str(entry) for entry in formats) or shape.formats,
        signs=tuple(str(entry) for entry in custom.get("signs", ())),
        consent=_consent(name, custom.get("consent"), roles, problems),
        positive_values=tuple(str(value) for value in custom.get("positiveValues", ())),
        feature=custom.get("feature", False),
    )
    if field.signs and (field.logical_type not in ("integer", "number") or not all(field.signs)):
        problems.add(name, f"signs: expected some text each, of an integer or a number; got {list(field.signs)}")
    if field.feature and field.personal:
        problems.add(name, "feature: expected it of a sensitive field; this one is personal, which no feature may be")
    return field


def _check_field(
    name: str, prop: Mapping[str, Any], roles: tuple[Any, ...], options: Mapping[str, Any], problems: Problems
) -> None:
    if not _NAME.fullmatch(name):
        problems.add(
            name,
            "expected a name of small letters, digits and '_', starting with a letter (physicalName may be anything)",
        )
    logical_type = prop.get("logicalType", "string")
    if logical_type not in LOGICAL_TYPES:
        problems.add(name, f"logicalType: expected one of {', '.join(LOGICAL_TYPES)}; got {logical_type!r}")
    for role in roles:
        if role not in ROLES:
            problems.add(name, f"role: expected one of {', '.join(ROLES)}; got {role!r}")
        elif role in _TIME_ROLES and logical_type not in ("timestamp", "date"):
            problems.add(name, f"role {role}: expected a timestamp or date; got logicalType {logical_type}")
    for option in options.keys() - set(_OPTIONS):
        problems.add(name, f"logicalTypeOptions: expected {', '.join(_OPTIONS)}; got {option!r}")
    if "pattern" in options:
        try:
            re.compile(options["pattern"])
        except re.error as problem:
            problems.add(name, f"pattern: expected a regular expression; {problem}")


def _valid_values(prop: Mapping[str, Any]) -> tuple[str, ...]:
    for entry in prop.get("quality") or []:
        if (entry.get("metric") or entry.get("rule")) == "invalidValues" and entry.get("mustBe") == 0:
            return tuple(str(value) for value in (entry.get("arguments") or {}).get("validValues", ()))
    return tuple(str(entry.get("value")) for entry in prop.get("enum") or [])


def _consent(name: str, value: Mapping[str, Any] | None, roles: tuple[Any, ...], problems: Problems) -> Consent | None:
    if value is None:
        if "consent" in roles:
            problems.add(
                name,
                "role consent: expected the customProperty consent {channel, purpose, means, legalBasis}; it is "
                "missing",
            )
        return None
    unknown = value.keys() - {"channel", "purpose", "means", "legalBasis"}
    means, basis = value.get("means", "given"), value.get("legalBasis", "consent")
    if unknown:
        problems.add(
            name, f"consent: unknown key {', '.join(sorted(unknown))}; known are channel, purpose, means, legalBasis"
        )
    if means not in ("given", "withdrawn"):
        problems.add(name, f"consent.means: expected given or withdrawn; got {means!r}")
    if basis not in ("consent", "legitimate_interest", "contract"):
        problems.add(name, f"consent.legalBasis: expected consent, legitimate_interest or contract; got {basis!r}")
    return Consent(str(value.get("channel", "*")), str(value.get("purpose", "*")), str(means), str(basis))


def check_paths(fields: tuple[Field, ...], items: str | None, problems: Problems) -> None:
    """Add what keeps the fields' JSON paths from being read together."""
    of_record = [field.physical_name[2:] for field in fields if field.physical_name.startswith("$.")]
    of_item = [field.physical_name for field in fields if not field.physical_name.startswith("$.")]
    for clash in clashes([*of_record, *of_item]) if items is None else [*clashes(of_record), *clashes(of_item)]:
        problems.add(
            "schema[0].properties",
            f"expected each JSON value to be read in one way; {clash}; name only what the records have",
        )

"""Reads the quality rules of a contract file, for the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadhouse.expectations.contract import QualityRule
from leadhouse.expectations.odcs_problems import Problems

OPERATORS = (
    "mustBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
)
METRICS = ("rowCount", "nullValues", "missingValues", "duplicateValues", "invalidValues")


def read_rules(table: Mapping[str, Any], problems: Problems) -> tuple[QualityRule, ...]:
    """Read the rules of a table of the contract's schema, its fields' included."""
    rules = [
        read_quality(entry, None, f"schema[0].quality[{i}]", problems)
        for i, entry in enumerate(table.get("quality") or [])
    ]
    for prop in table.get("properties") or []:
        where = f"{prop.get('name')}.quality"
        rules += [
            read_quality(entry, prop.get("name"), f"{where}[{i}]", problems)
            for i, entry in enumerate(prop.get("quality") or [])
        ]
    return tuple(rule for rule in rules if rule is not None)


def read_quality(entry: Mapping[str, Any], column: str | None, where: str, problems: Problems) -> QualityRule | None:
    """Read a quality rule for the gate. None for a row rule (no value may be invalid), which needs no gate."""
    metric = entry.get("metric") or entry.get("rule")
    operators = [operator for operator in OPERATORS if operator in entry]
    if metric not in METRICS:
        problems.add(where, f"expected a metric of {', '.join(METRICS)}; got {metric!r}")
        return None
    if len(operators) != 1:
        problems.add(where, f"expected one of {', '.join(OPERATORS)}; got {', '.join(operators) or 'none'}")
        return None
    if (column is None) != (
        metric == "rowCount" or (metric == "duplicateValues" and bool((entry.get("arguments") or {}).get("properties")))
    ):
        problems.add(
            where, f"{metric} belongs to {'the whole item (schema[0].quality)' if column else 'a field'}; move it"
        )
        return None
    operator = operators[0]
    bound = entry[operator]
    threshold = tuple(bound) if isinstance(bound, list) else (bound,)
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in threshold):
        problems.add(f"{where}.{operator}", f"expected a number; got {bound!r}")
        return None
    if metric != "rowCount" and operator not in ("mustBe", "mustBeLessThan", "mustBeLessOrEqualTo", "mustBeBetween"):
        problems.add(where, f"{metric}: expected how many may be bad (mustBe 0, mustBeLessThan …); got {operator}")
        return None
    if metric == "invalidValues" and not {"validValues", "pattern"} & (entry.get("arguments") or {}).keys():
        problems.add(f"{where}.arguments", "expected validValues or pattern; got neither")
        return None
    if metric == "invalidValues" and operator == "mustBe" and threshold == (0,):
        return None
    unit = entry.get("unit", "rows")
    if unit not in ("rows", "percent"):
        problems.add(f"{where}.unit", f"expected 'rows' or 'percent'; got {unit!r}")
    return QualityRule(
        name=str(entry.get("name") or f"{metric} {operator} {' and '.join(str(value) for value in threshold)}"),
        metric=str(metric),
        column=column,
        operator=operator,
        threshold=tuple(float(value) for value in threshold),
        unit=str(unit),
        arguments=tuple(
            (name, tuple(value) if isinstance(value, list) else value)
            for name, value in sorted((entry.get("arguments") or {}).items())
        ),
    )

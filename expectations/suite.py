"""A contract's quality rules as a Great Expectations suite, as plain values: which expectation with which arguments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from leadhouse.expectations.contract import Contract, QualityRule

LEAST_ACCEPTED = 0.5
"""A batch of which less than this share passes the row rules is held: its source has changed, or it is another file."""


@dataclass(frozen=True)
class ExpectationSpec:
    """One expectation: the name of its class in Great Expectations and its arguments."""

    expectation: str
    arguments: tuple[tuple[str, Any], ...]

    @property
    def column(self) -> str | None:
        """The column that it is about, if it is about one."""
        return dict(self.arguments).get("column")


def suite(contract: Contract, *, items: int, accepted: int) -> tuple[ExpectationSpec, ...]:
    """Return what must hold for a batch of ``accepted`` good items out of ``items``.

    Rules about a share of the rows don't judge a batch of fewer than the contract's ``minRows`` items: by chance alone,
    one bad row in ten would hold it.
    """
    large = items >= contract.min_rows
    specs = []
    if large:
        specs.append(_spec("ExpectTableRowCountToBeBetween", min_value=math.ceil(items * LEAST_ACCEPTED)))
    for rule in contract.quality:
        if rule.unit == "rows" or large:
            specs.append(_expectation(rule, accepted))
    for field in contract.fields:
        if field.unique and field.key_position is None and accepted:
            specs.append(_spec("ExpectColumnValuesToBeUnique", column=field.name))
    return tuple(specs)


def judged_fields(contract: Contract) -> frozenset[str]:
    """Return the names of the fields that the contract's suite looks at."""
    named = {rule.column for rule in contract.quality if rule.column}
    named |= {str(name) for rule in contract.quality for name in dict(rule.arguments).get("properties") or ()}  # type: ignore[attr-defined]
    return frozenset(named | {field.name for field in contract.fields if field.unique})


def _expectation(rule: QualityRule, rows: int) -> ExpectationSpec:
    if rule.metric == "rowCount":
        least, most = _bounds(rule)
        return _spec("ExpectTableRowCountToBeBetween", min_value=least, max_value=most)
    arguments: dict[str, Any] = dict(rule.arguments)
    mostly = _mostly(rule, rows)
    if rule.metric == "duplicateValues":
        if rule.column is None:
            return _spec("ExpectCompoundColumnsToBeUnique", column_list=list(arguments["properties"]), mostly=mostly)
        return _spec("ExpectColumnValuesToBeUnique", column=rule.column, mostly=mostly)
    if rule.metric == "invalidValues":
        if "pattern" in arguments:
            return _spec(
                "ExpectColumnValuesToMatchRegex", column=rule.column, regex=arguments["pattern"], mostly=mostly
            )
        return _spec(
            "ExpectColumnValuesToBeInSet", column=rule.column, value_set=list(arguments["validValues"]), mostly=mostly
        )
    return _spec("ExpectColumnValuesToNotBeNull", column=rule.column, mostly=mostly)


def _bounds(rule: QualityRule) -> tuple[int | None, int | None]:
    """A row count's least and most, from the standard's operators."""
    first = rule.threshold[0]
    return {
        "mustBe": (int(first), int(first)),
        "mustBeGreaterThan": (math.floor(first) + 1, None),
        "mustBeGreaterOrEqualTo": (math.ceil(first), None),
        "mustBeLessThan": (None, math.ceil(first) - 1),
        "mustBeLessOrEqualTo": (None, math.floor(first)),
        "mustBeBetween": (math.ceil(first), math.floor(rule.threshold[-1])),
    }[rule.operator]


def _mostly(rule: QualityRule, rows: int) -> float:
    """The share that must be good, from how many may be bad; ``mustBeLessThan`` leaves the bound itself out."""
    share = rule.threshold[-1] / 100 if rule.unit == "percent" else rule.threshold[-1] / max(rows, 1)
    strict = 0.5 / max(rows, 1) if rule.operator == "mustBeLessThan" else 0.0
    return min(1.0, max(0.0, 1.0 - share + strict))


def _spec(expectation: str, **arguments: Any) -> ExpectationSpec:
    return ExpectationSpec(expectation, tuple((name, value) for name, value in arguments.items() if value is not None))

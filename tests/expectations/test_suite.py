"""Quality rules become expectations whose bounds mean what the standard says."""

from __future__ import annotations

import pytest

from leadhouse.expectations.contract import Contract, Field, Location, QualityRule, Shape
from leadhouse.expectations.suite import suite


def _contract(*rules: QualityRule) -> Contract:
    return Contract(
        "acme", "crm", "1.0.0", "", "crm.yaml", "", "", Location("local", "*.csv"), Shape("csv"),
        (Field("size", "size", "string"),), rules,
    )  # fmt: skip


def _rule(
    metric: str, operator: str, *threshold: float, column: str | None = "size", unit: str = "rows"
) -> QualityRule:
    return QualityRule("r", metric, column, operator, threshold, unit)


@pytest.mark.parametrize(
    ("operator", "threshold", "bounds"),
    [
        ("mustBeGreaterThan", (0,), {"min_value": 1}),
        ("mustBeLessThan", (10,), {"max_value": 9}),
        ("mustBe", (5,), {"min_value": 5, "max_value": 5}),
        ("mustBeBetween", (2, 4), {"min_value": 2, "max_value": 4}),
    ],
)
def test_row_counts_have_the_operators_bounds(
    operator: str, threshold: tuple[float, ...], bounds: dict[str, int]
) -> None:
    specs = suite(_contract(_rule("rowCount", operator, *threshold, column=None)), items=3, accepted=3)
    assert dict(specs[0].arguments) == bounds


def test_less_than_leaves_its_bound_out_and_less_or_equal_does_not() -> None:
    less, equal = (
        dict(suite(_contract(_rule("nullValues", operator, 5, unit="percent")), items=200, accepted=200)[-1].arguments)[
            "mostly"
        ]
        for operator in ("mustBeLessThan", "mustBeLessOrEqualTo")
    )
    assert 190 / 200 < less < 191 / 200
    assert equal == pytest.approx(190 / 200)


def test_shares_do_not_judge_a_small_batch_but_counts_do() -> None:
    rules = (_rule("nullValues", "mustBeLessThan", 5, unit="percent"), _rule("nullValues", "mustBe", 0))
    assert len(suite(_contract(*rules), items=99, accepted=99)) == 1
    assert len(suite(_contract(*rules), items=100, accepted=100)) == 3  # and: at least half of the items are good

"""The gate: both engines agree, and what can't be judged fails."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from leadhouse.expectations import gate
from leadhouse.expectations.suite import ExpectationSpec

SUITE = (
    ExpectationSpec("ExpectTableRowCountToBeBetween", (("min_value", 3),)),
    ExpectationSpec("ExpectColumnValuesToNotBeNull", (("column", "size"), ("mostly", 0.9))),
    ExpectationSpec("ExpectColumnValuesToBeUnique", (("column", "name"),)),
    ExpectationSpec("ExpectColumnValuesToBeInSet", (("column", "size"), ("value_set", [1, 2]), ("mostly", 0.5))),
)


@pytest.mark.parametrize("engine", ["pandas", "spark"])
def test_both_engines_find_the_same(spark: SparkSession, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "PANDAS_ROWS", 100 if engine == "pandas" else 0)
    rows = spark.createDataFrame([("a", 1), ("b", None), ("b", 2)], "name string, size int")
    verdicts = gate.judge(rows, SUITE, size=3)
    assert [verdict.success for verdict in verdicts] == [True, False, False, True]
    assert verdicts[1].column == "size"
    assert "33.3 %" in verdicts[1].observed


def test_what_cannot_be_judged_fails(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a",)], "name string")
    missing = (ExpectationSpec("ExpectColumnValuesToNotBeNull", (("column", "nowhere"),)),)
    unknown = (ExpectationSpec("ExpectMiracles", ()),)
    for suite in (missing, unknown):
        (verdict,) = gate.judge(rows, suite, size=1)
        assert not verdict.success
        assert "could not judge" in verdict.observed


def test_a_crash_before_anything_is_judged_fails_every_expectation(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(engine: str) -> None:
        raise RuntimeError(f"no {engine}, and a word of somebody@x.com")

    monkeypatch.setattr(gate, "_batch_definition", crash)
    verdicts = gate.judge(spark.createDataFrame([("a", 1)], "name string, size int"), SUITE, size=1)
    assert {verdict.observed for verdict in verdicts} == {"Great Expectations could not judge it: RuntimeError"}
    assert not any(verdict.success for verdict in verdicts)

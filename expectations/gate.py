"""The quality gate: the only place that runs Great Expectations.

The gate's unit is one tenant's one source in one batch (DESIGN's law 9): a failing unit is held as a whole. Small
batches go through Great Expectations' pandas engine, which takes a quarter of a second where the Spark engine takes
one.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import cache
from typing import Any

from pyspark.sql import DataFrame

from leadhouse.expectations.suite import ExpectationSpec

PANDAS_ROWS = 20_000
"""Batches up to this size are judged on the driver, by pandas."""

_TEXT_LIMIT = 200


@dataclass(frozen=True)
class Verdict:
    """What one expectation found."""

    expectation: str
    column: str | None
    success: bool
    observed: str


def judge(rows: DataFrame, suite: tuple[ExpectationSpec, ...], *, size: int) -> tuple[Verdict, ...]:
    """Judge a batch's accepted rows (one typed column for each field), ``size`` of them, by a suite.

    A crash of Great Expectations counts as a failure of the expectation it happened in: what can't be judged is held.
    """
    if not suite:
        return ()
    data: Any = rows.toPandas() if size <= PANDAS_ROWS else rows
    try:
        engine = _batch_definition("pandas" if size <= PANDAS_ROWS else "spark")
        batch = engine.get_batch(batch_parameters={"dataframe": data})
    except Exception as crash:  # noqa: BLE001 - what the gate can't judge is held, whatever the reason
        return tuple(_unjudged(spec, crash) for spec in suite)
    return tuple(_judge_one(batch, spec) for spec in suite)


def _judge_one(batch: Any, spec: ExpectationSpec) -> Verdict:
    import great_expectations.expectations as gxe

    try:
        expectation = getattr(gxe, spec.expectation)(**dict(spec.arguments))
        result = batch.validate(expectation, result_format="BOOLEAN_ONLY")
        if result.success:
            return Verdict(spec.expectation, spec.column, True, "")
        if (result.exception_info or {}).get("raised_exception") or _crashed(result.exception_info):
            return _unjudged(spec)
        detail = batch.validate(expectation, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
        return Verdict(spec.expectation, spec.column, False, _observed(spec, detail.result))
    except Exception as crash:  # noqa: BLE001 - what the gate can't judge is held, whatever the reason
        return _unjudged(spec, crash)


def _unjudged(spec: ExpectationSpec, crash: Exception | None = None) -> Verdict:
    """Say that there is no verdict; of a crash its class alone, since its words may quote rows."""
    reason = f": {type(crash).__name__}" if crash else ""
    return Verdict(spec.expectation, spec.column, False, f"Great Expectations could not judge it{reason}")


def _observed(spec: ExpectationSpec, result: dict[str, Any]) -> str:
    wanted = ", ".join(f"{name} {value}" for name, value in spec.arguments if name not in ("column", "column_list"))
    if "observed_value" in result:
        return f"expected {wanted}; got {result['observed_value']}"[:_TEXT_LIMIT]
    return f"expected {wanted or 'all'}; {result.get('unexpected_percent', 100.0):.1f} % are otherwise"[:_TEXT_LIMIT]


def _crashed(exception_info: Any) -> bool:
    if not isinstance(exception_info, dict):
        return False
    return any(isinstance(entry, dict) and entry.get("raised_exception") for entry in exception_info.values())


@cache
def _batch_definition(engine: str) -> Any:
    """One ephemeral context for the process; without persist=False every batch would leak a cached plan."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    if engine == "pandas":
        asset: Any = context.data_sources.add_pandas("pandas").add_dataframe_asset("batch")
    else:
        asset = context.data_sources.add_spark("spark", persist=False).add_dataframe_asset("batch")
    return asset.add_batch_definition_whole_dataframe("whole")

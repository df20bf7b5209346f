"""Cases to decide on, and the lists that they are decided for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.decisions import decide
from leadhouse.transforms.expression import Expression, read_expression
from leadhouse.transforms.lists import ListSpec

TICK = datetime(2024, 5, 10, 15, tzinfo=UTC)
CASE = "eligible boolean, legal_basis string, refusal string, rank_value double, arm string, incumbent boolean"
CASES = (
    "tenant string, lead_id string, tick timestamp, known timestamp, status string, score double, grade string, "
    f"model_version string, barred string, arms map<string,string>, cases array<struct<{CASE}>>"
)
BASIS = "consent"


def expression(text: str, kind: str = "boolean") -> Expression:
    return read_expression(text, traits={"size": "integer"}, kind=kind)


def a_list(name: str, eligible: str = "true", **more: Any) -> ListSpec:
    spec = ListSpec(name, "crm_task", "sales", expression(eligible), expression("score", "number"))
    return replace(spec, **more)


def case(
    rank: float | None = 0.5,
    *,
    eligible: bool = True,
    basis: str | None = BASIS,
    arm: str = "treated",
    inc: bool = False,
) -> tuple[Any, ...]:
    return eligible, basis, "no consent for email, marketing", rank, arm, inc


def lead(name: str, *cases: tuple[Any, ...], barred: str | None = None, status: str = "scored") -> tuple[Any, ...]:
    return "t", name, TICK, TICK, status, 0.5, "B", "m/1", barred, {}, list(cases)


def at_a_tick(placed: DataFrame, *, lists: tuple[ListSpec, ...]) -> DataFrame:
    """What is decided at a tick, where nothing stands."""
    moments = placed.select("tenant", F.lit(False).alias("between")).distinct()
    standing = placed.where("false").select("tenant", "lead_id", F.lit("").alias("list"), F.lit(1).alias("rank"))
    return decide(placed, moments, standing, lists=lists)


def identities(spark: SparkSession, **lead_of: str) -> DataFrame:
    rows = [("t", key, now, True, TICK, "refine/1/0") for key, now in lead_of.items()]
    return spark.createDataFrame(
        rows, "tenant string, identity_key string, lead_id string, is_lead boolean, known_at timestamp, batch string"
    )

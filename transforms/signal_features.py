"""Features from signals: counts over windows of days, recency, decayed intensity, campaigns, time between.

Every sum is one of integers and every other value a minimum or maximum, so the order of rows changes nothing.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.feature_names import HALF_LIFE_DAYS, WEIGHT_UNIT, WINDOWS_DAYS
from leadhouse.transforms.knowledge import DAY_MICROS, MOMENT, seen_at


def signal_features(moments: DataFrame, signals: DataFrame) -> DataFrame:
    """Return the signal features of each moment that has any signal before it.

    In: moments (tenant, lead_id, as_of, known); signals of leads (tenant, lead_id, signal_type, channel, campaign,
    occurred_at, known_at). Out: the moment's columns and numbers ARRAY<STRUCT<name STRING, value DOUBLE>>.
    A count of 0 is left out.
    """
    totals = _totals(seen_at(moments, signals)).select(*MOMENT, _numbers().alias("numbers"), _is_campaign())
    return (
        totals.groupBy(*MOMENT)
        .agg(F.flatten(F.collect_list("numbers")).alias("numbers"), F.sum("campaign").alias("campaigns"))
        .select(*MOMENT, F.concat("numbers", _kept(_entry("campaigns", _positive("campaigns")))).alias("numbers"))
    )


def _totals(seen: DataFrame) -> DataFrame:
    """Add up each moment's signals: all of them, and those of one type, of one channel, of one campaign."""
    aspects = F.array(
        _aspect("all", F.lit("")),
        _aspect("type", "signal_type"),
        _aspect("channel", "channel"),
        _aspect("campaign", "campaign"),
    )
    weight = F.round(F.lit(WEIGHT_UNIT) * F.pow(F.lit(2.0), -F.col("days") / F.lit(HALF_LIFE_DAYS))).cast("bigint")
    counted = ("days", "signals", "first_age", "last_age")
    weighed = _by_age(seen).select(
        *MOMENT,
        *counted,
        (weight * F.col("signals")).alias("weight"),
        F.explode(F.array_compact(aspects)).alias("aspect"),
    )
    return (
        weighed.select(*MOMENT, *counted, "weight", "aspect.*")
        .groupBy(*MOMENT, "aspect", "of")
        .agg(
            *[
                F.sum((F.col("days") < days).cast("bigint") * F.col("signals")).alias(f"count_{days}d")
                for days in WINDOWS_DAYS
            ],
            F.sum("signals").alias("signals"),
            F.sum("weight").alias("weight"),
            F.max("first_age").alias("first_age"),
            F.min("last_age").alias("last_age"),
        )
    )


def _by_age(seen: DataFrame) -> DataFrame:
    """Count each moment's signals that are of one kind and as many whole days old: no window tells them apart.

    A lead's busy day becomes a few rows, before each row is counted under several aspects.
    """
    age = F.unix_micros("as_of") - F.unix_micros("occurred_at")
    days = ((F.col("age") - F.col("age") % DAY_MICROS) / F.lit(DAY_MICROS)).cast("bigint")
    kind = ("signal_type", "channel", "campaign")
    return (
        seen.select(*MOMENT, *kind, age.alias("age"))
        .select(*MOMENT, *kind, "age", days.alias("days"))
        .groupBy(*MOMENT, *kind, "days")
        .agg(F.count("*").alias("signals"), F.max("age").alias("first_age"), F.min("age").alias("last_age"))
    )


def _aspect(name: str, of: Column | str) -> Column:
    """One thing that a signal is counted under; null, so left out, where the signal doesn't have it."""
    value = F.col(of) if isinstance(of, str) else of
    return F.when(value.isNotNull(), F.struct(F.lit(name).alias("aspect"), value.alias("of")))


def _numbers() -> Column:
    """The named values of one row of totals."""
    aspect, whole = F.col("aspect"), F.col("aspect") == "all"
    about = F.when(whole, "").otherwise(F.concat(F.lit(":"), aspect, F.lit(":"), "of"))
    counted = aspect != "campaign"
    counts = [
        _entry(F.concat(F.lit(f"count_{days}d"), about), F.when(counted, _positive(f"count_{days}d")))
        for days in WINDOWS_DAYS
    ]
    recency = F.when(whole | (aspect == "type"), F.col("last_age") / F.lit(DAY_MICROS))
    gaps = F.col("signals") - 1
    between = (F.col("first_age") - F.col("last_age")) / (gaps * DAY_MICROS)
    return _kept(
        *counts,
        _entry("intensity", F.when(whole, _positive("weight") / F.lit(WEIGHT_UNIT))),
        _entry(F.concat(F.lit("days_since"), about), recency),
        _entry("days_between", F.when(whole & (gaps > 0), between)),
    )


def _is_campaign() -> Column:
    return (F.col("aspect") == "campaign").cast("bigint").alias("campaign")


def _positive(name: str) -> Column:
    return F.when(F.col(name) > 0, F.col(name))


def _entry(name: Column | str, value: Column) -> Column:
    """A named value; null, so left out, where the value is."""
    label = F.lit(name) if isinstance(name, str) else name
    return F.when(value.isNotNull(), F.struct(label.alias("name"), value.cast("double").alias("value")))


def _kept(*entries: Column) -> Column:
    return F.array_compact(F.array(*entries))

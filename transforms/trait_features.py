"""Features from traits: the latest value known at a moment, as a number or a category; and the lead's age."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.feature_names import trait_feature
from leadhouse.transforms.knowledge import DAY_MICROS, MOMENT, seen_at

CREATED_AT = "created_at"


@dataclass(frozen=True)
class TraitKind:
    """How one source's trait is typed. A trait without one is no feature."""

    tenant: str
    source: str
    name: str
    kind: str
    """``number``, ``boolean``, ``date``, ``timestamp`` or ``string``."""
    known: str = "at_creation"
    """``at_creation`` or ``later``: what is known later is no feature."""


def trait_features(moments: DataFrame, traits: DataFrame, kinds: tuple[TraitKind, ...]) -> DataFrame:
    """Return the trait features of each moment that has any.

    In: moments (tenant, lead_id, as_of, known); traits of leads (tenant, lead_id, source, name, value, trait_id,
    occurred_at, stated_at, known_at). Out: the moment's columns, numbers ARRAY<STRUCT<name, value DOUBLE>> and
    categories ARRAY<STRUCT<name, value STRING>>. Of a trait's values the one stated last holds, as in silver.leads,
    those stated by ``known`` before later ones (a corrected value counts from its correction on, where the source
    dates it); of several creation dates the first. Dates and times become the days from the value to as_of; what
    can't be read as its kind is missing.
    """
    usable = traits.withColumn("kind", _kind_of(kinds)).where(F.col("kind").isNotNull())
    in_time = (F.col("stated_at") <= F.col("known")).alias("in_time")
    latest = F.max(F.struct(in_time, "stated_at", "occurred_at", "trait_id", "value", "kind")).alias("latest")
    last = seen_at(moments, usable).groupBy(*MOMENT, "name").agg(latest, F.min("value").alias("first"))
    creation = F.col("name") == CREATED_AT
    named = last.select(
        *MOMENT,
        F.when(creation, "age_days").otherwise(F.concat(F.lit(trait_feature("")), "name")).alias("feature"),
        F.when(creation, F.col("first")).otherwise(F.col("latest.value")).alias("value"),
        "latest.kind",
    )
    number, category = _number(), F.when(F.col("kind") == "string", F.col("value"))
    return named.groupBy(*MOMENT).agg(_entries(number).alias("numbers"), _entries(category).alias("categories"))


def _kind_of(kinds: tuple[TraitKind, ...]) -> Column:
    """The kind of a row's trait; null for what is no feature. Sets, since a chain of comparisons per kind is slow."""
    key = F.concat_ws("\x1f", "tenant", "source", "name")
    kind = F.when(F.col("name") == CREATED_AT, "timestamp")
    for name in sorted({entry.kind for entry in kinds}):
        keys = sorted(
            "\x1f".join((entry.tenant, entry.source, entry.name))
            for entry in kinds
            if entry.kind == name and entry.known == "at_creation" and entry.name != CREATED_AT
        )
        if keys:
            kind = kind.when(key.isin(keys), name)
    return kind


def _number() -> Column:
    value, kind = F.col("value"), F.col("kind")
    plain = value.try_cast("double")
    since = F.unix_micros(F.col("as_of")) - F.unix_micros(value.try_cast("timestamp"))
    return (
        F.when((kind == "number") & ~F.isnan(plain) & (F.abs(plain) != float("inf")), plain)
        .when(kind == "boolean", F.when(value == "true", 1.0).when(value == "false", 0.0))
        .when(kind.isin("date", "timestamp"), since / F.lit(DAY_MICROS))
    )


def _entries(value: Column) -> Column:
    """Collect (feature, value) where there is a value: collect_list leaves nulls out."""
    return F.collect_list(F.when(value.isNotNull(), F.struct(F.col("feature").alias("name"), value.alias("value"))))

"""Features of leads at moments: f(as_of, known), the same definition for training and for scoring."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.feature_names import FeatureName, is_count, parse_feature_name, trait_feature
from leadhouse.transforms.hashing import content_hash
from leadhouse.transforms.knowledge import MOMENT, current_leads, facts_of_leads
from leadhouse.transforms.signal_features import signal_features
from leadhouse.transforms.trait_features import TraitKind, trait_features

__all__ = ["FeatureName", "TraitKind", "is_count", "lead_features", "parse_feature_name", "trait_feature"]

_NUMBERS = "ARRAY<STRUCT<name: STRING, value: DOUBLE>>"
_CATEGORIES = "ARRAY<STRUCT<name: STRING, value: STRING>>"


def lead_features(
    moments: DataFrame,
    *,
    signals: DataFrame,
    traits: DataFrame,
    identities: DataFrame,
    kinds: tuple[TraitKind, ...],
) -> DataFrame:
    """Return what was known about each lead at each moment, from facts with occurred_at ≤ as_of and known_at ≤ known.

    In: moments (tenant, lead_id, as_of, known), each once, one or several per lead; rows of silver.signals and
    silver.traits without contradicted ones; rows of silver.identities as they were known when the moments' leads were
    named (a merge learned later must not have renamed them); the kinds of the traits that may become features.
    Out: tenant, lead_id, as_of, known, numbers MAP<STRING, DOUBLE>, categories MAP<STRING, STRING>, content_hash, one
    row per moment. Both maps are in the order of their names. The hash covers all but ``known``: lakes that learned the
    same at other times hash equal.
    """
    whose = current_leads(identities)
    asked = moments.select(*MOMENT)
    from_signals = signal_features(asked, facts_of_leads(signals, whose)).withColumnRenamed("numbers", "signal_numbers")
    from_traits = trait_features(asked, facts_of_leads(traits, whose), kinds)
    numbers = F.concat(_or_empty("signal_numbers", _NUMBERS), _or_empty("numbers", _NUMBERS))
    together = (
        asked.join(from_signals, [*MOMENT], "left")
        .join(from_traits, [*MOMENT], "left")
        .select(
            *MOMENT,
            F.array_sort(numbers).alias("numbers"),
            F.array_sort(_or_empty("categories", _CATEGORIES)).alias("categories"),
        )
    )
    hashed = ("tenant", "lead_id", "as_of", "numbers", "categories")
    return together.select(
        "tenant",
        "lead_id",
        "as_of",
        "known",
        F.map_from_entries("numbers").alias("numbers"),
        F.map_from_entries("categories").alias("categories"),
        content_hash({name: F.col(name) for name in hashed}).alias("content_hash"),
    )


def _or_empty(name: str, sql_type: str) -> Column:
    return F.coalesce(F.col(name), F.array().cast(sql_type))

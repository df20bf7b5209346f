"""The keys of an item: whom it names, which row or event it speaks of, and what tells it from any other item."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.fact_mapping import FactMapping, IdentityField
from leadhouse.transforms.hashing import keyed_hash
from leadhouse.transforms.identity import KINDS, identity_key, normalised
from leadhouse.transforms.kept_columns import kept_columns


def keyed_items(items: DataFrame, mapping: FactMapping, key: bytes) -> DataFrame:
    """Add to items (with the structs texts and row): item_key, entity_key, identity_key and ``identity`` (all its
    keys).

    ``identity_key`` is the item's anchor, the strongest of its keys; null where it names nobody.
    """
    return items.withColumn("identity", _identity(mapping, key)).withColumns(_keys(mapping, key))


@kept_columns
def _identity(mapping: FactMapping, key: bytes) -> Column:
    """All keys of an item."""
    keys = [_key_column(field, mapping.default_region, key) for field in mapping.identities]
    return F.struct(*[column.alias(f"k{index}") for index, column in enumerate(keys)]) if keys else F.lit(None)


@kept_columns
def _keys(mapping: FactMapping, key: bytes) -> dict[str, Column]:
    """The three keys by which an item is told from others, from ``identity`` and its texts."""
    strongest = sorted(enumerate(mapping.identities), key=lambda entry: KINDS.index(entry[1].kind))
    named = [F.col("identity")[f"k{index}"] for index, _ in strongest]
    anchor = F.coalesce(*named) if named else F.lit(None).cast("string")
    texts = [F.coalesce(F.col("texts")[name], F.lit("\x00")) for name in mapping.key_fields]
    whole = [F.coalesce(F.col("texts")[name], F.lit("\x00")) for name in mapping.all_fields]
    space = F.lit("global" if mapping.global_key else mapping.source)
    content = keyed_hash(key, space, *whole)
    entity = keyed_hash(key, space, *texts) if texts else F.coalesce(anchor, content)
    own = entity if mapping.keyed_events else content
    return {"identity_key": anchor, "entity_key": entity, "item_key": own}


def _key_column(field: IdentityField, default_region: str, key: bytes) -> Column:
    value = normalised(field.kind, F.col("row")[field.field], default_region)
    return identity_key(field.kind, field.namespace, value, key)

"""Items to facts: signals, traits, outcomes, consents and identity links.

Every function takes the accepted items of one source, as ``keyed_items`` keyed them, and ends in its table's columns.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.fact_mapping import ConsentField, FactMapping, OutcomeField, TraitField
from leadhouse.transforms.hashing import content_hash, identifier
from leadhouse.transforms.identity import KINDS, normalised
from leadhouse.transforms.kept_columns import kept_columns
from leadhouse.transforms.values import canonical


def signals(items: DataFrame, mapping: FactMapping, batch: str) -> DataFrame:
    """Return the items' signals, with the columns of silver.signals. Items that name nobody have none."""
    rows = items.select(*_signal(mapping)).where(F.col("signal_type").isNotNull())
    return _ended(
        rows,
        batch,
        ("tenant", "signal_id", "source", "identity_key", "signal_type", "channel", "campaign", "occurred_at"),
    )


@kept_columns
def _signal(mapping: FactMapping) -> tuple[Column, ...]:
    occurred = _moment(mapping.occurred_at, mapping.created_at)
    return (
        F.col("tenant"),
        F.col("item_key").alias("signal_id"),
        F.lit(mapping.source).alias("source"),
        F.col("identity_key"),
        F.coalesce(_value(mapping.signal_type_field), F.lit(mapping.signal_type)).alias("signal_type"),
        F.coalesce(_value(mapping.channel_field), F.lit(mapping.channel)).cast("string").alias("channel"),
        _value(mapping.campaign_field).alias("campaign"),
        occurred.alias("occurred_at"),
        _known(mapping, occurred).alias("known_at"),
        F.col("record_id"),
        F.col("item"),
    )


def traits(items: DataFrame, mapping: FactMapping, batch: str) -> DataFrame:
    """Return what the items say about leads, one row per field with a value, with the columns of silver.traits."""
    stated = _moment(mapping.updated_at, mapping.occurred_at, mapping.outcome_at)
    said = [_said(field, mapping, stated) for field in mapping.traits]
    exploded = _each(items.withColumn("stated_at", stated), F.array_compact(F.array(*said)))
    times = [F.col("said.occurred_at"), F.col("stated_at")]
    rows = exploded.select(
        "tenant",
        identifier(
            F.col("tenant"),
            F.lit(mapping.source),
            F.col("identity_key"),
            F.col("said.name"),
            F.col("said.value"),
            *times,
        ).alias("trait_id"),
        F.lit(mapping.source).alias("source"),
        "identity_key",
        F.col("said.name").alias("name"),
        F.col("said.value").alias("value"),
        F.col("said.occurred_at").alias("occurred_at"),
        "stated_at",
        _known(mapping, F.col("said.occurred_at")).alias("known_at"),
        "record_id",
        "item",
    )
    # Without a time of its own a value counts from its arrival, which is no part of what it says.
    timed = ("occurred_at",) if mapping.created_at or mapping.updated_at or mapping.occurred_at else ()
    return _ended(rows, batch, ("tenant", "source", "identity_key", "name", "value", *timed))


def outcomes(items: DataFrame, mapping: FactMapping, batch: str) -> DataFrame:
    """Return the items' outcomes, with the columns of silver.outcomes."""
    happened = (
        F.col("row")[mapping.outcome_at].cast("timestamp") if mapping.outcome_at else F.lit(None).cast("timestamp")
    )
    fallback = _moment(mapping.updated_at, mapping.occurred_at)
    said = [
        F.struct(
            F.lit(field.outcome).alias("outcome"),
            _happened(field, happened if mapping.outcome_at else None).alias("value"),
        )
        for field in mapping.outcomes
    ]
    exploded = _each(items.withColumn("happened_at", happened), F.array(*said))
    timed = F.col("happened_at").isNotNull() | F.lit(mapping.occurred_at is not None)
    occurred = F.coalesce("happened_at", fallback)
    told = exploded.where(F.col("said.value").isNotNull())
    rows = told.select(
        "tenant",
        identifier(
            F.col("tenant"),
            F.lit(mapping.source),
            F.col("identity_key"),
            F.col("said.outcome"),
            F.col("said.value"),
            occurred,
        ).alias("outcome_id"),
        F.lit(mapping.source).alias("source"),
        "identity_key",
        F.col("said.outcome").alias("outcome"),
        F.col("said.value").alias("value"),
        timed.alias("timed"),
        occurred.alias("occurred_at"),
        _known(mapping, occurred).alias("known_at"),
        "record_id",
        "item",
    )
    return _ended(rows, batch, ("tenant", "source", "identity_key", "outcome", "value", "timed"), timed=True)


def consents(items: DataFrame, mapping: FactMapping, batch: str) -> DataFrame:
    """Return the items' consents and withdrawals, with the columns of silver.consents.

    A statement about a channel belongs to that channel's contact point where the item names it, else to the person.
    """
    occurred = _moment(mapping.occurred_at, mapping.updated_at, mapping.created_at, mapping.outcome_at)
    said = [
        F.struct(
            F.lit(field.channel).alias("channel"),
            F.lit(field.purpose).alias("purpose"),
            _status(field).alias("status"),
            F.lit(field.legal_basis).alias("legal_basis"),
            _contact_key(mapping, field.channel).alias("identity_key"),
        )
        for field in mapping.consents
    ]
    exploded = _each(items.withColumn("occurred_at", occurred), F.array(*said))
    rows = exploded.where(F.col("said.status").isNotNull()).select(
        "tenant",
        identifier(
            F.col("tenant"),
            F.lit(mapping.source),
            *[F.col(f"said.{part}") for part in ("identity_key", "channel", "purpose", "status")],
            F.col("occurred_at"),
        ).alias("consent_id"),
        F.lit(mapping.source).alias("source"),
        *[
            F.col(f"said.{part}").alias(part)
            for part in ("identity_key", "channel", "purpose", "status", "legal_basis")
        ],
        "occurred_at",
        _known(mapping, F.col("occurred_at")).alias("known_at"),
        "record_id",
        "item",
    )
    timed = ("occurred_at",) if mapping.occurred_at or mapping.updated_at or mapping.created_at else ()
    return _ended(
        rows, batch, ("tenant", "source", "identity_key", "channel", "purpose", "status", "legal_basis", *timed)
    )


def identity_links(items: DataFrame, mapping: FactMapping, batch: str) -> DataFrame:
    """Return which keys the items name together, with the columns of silver.identity_links, each pair once a batch."""
    named = items.select(*_naming(mapping)).where(F.size("keys") > 0)
    if len(mapping.identities) == 1:
        exploded = named.withColumn("other", F.col("keys")[0])
    else:
        # A key beside others needs no row of its own: the pairs name it.
        alone = F.size("keys") == 1
        others = F.when(alone, F.col("keys")).otherwise(
            F.filter("keys", lambda key: key["key"] != F.col("keys")[0].key)
        )
        exploded = named.withColumn("other", F.explode(others))
    pairs = exploded.select("*", F.col("keys")[0].alias("anchor"))
    # A key's kind is part of what is hashed, so the keys alone tell two pairs apart.
    told = F.struct(
        "known_at", "occurred_at", "record_id", "item", "anchor.kind", F.col("other.kind").alias("other_kind")
    )
    by_pair = pairs.groupBy(F.col("anchor.key").alias("identity_key"), F.col("other.key").alias("other_key"), "tenant")
    rows = by_pair.agg(F.min(told).alias("first")).select(*_link(mapping.source, mapping.creates_lead))
    return _ended(rows, batch, ("tenant", "source", "identity_key", "kind", "other_key", "other_kind", "creates_lead"))


@kept_columns
def _naming(mapping: FactMapping) -> tuple[Column, ...]:
    occurred = _moment(mapping.created_at, mapping.occurred_at, mapping.outcome_at)
    return (
        F.col("tenant"),
        occurred.alias("occurred_at"),
        _known(mapping, occurred).alias("known_at"),
        F.col("record_id"),
        F.col("item"),
        _named_keys(mapping).alias("keys"),
    )


@kept_columns
def _link(source: str, creates_lead: bool) -> tuple[Column, ...]:
    pair = (F.col("identity_key"), F.col("other_key"))
    return (
        F.col("tenant"),
        identifier(F.col("tenant"), F.lit(source), *pair, F.lit(creates_lead)).alias("link_id"),
        F.lit(source).alias("source"),
        F.col("identity_key"),
        F.col("first.kind").alias("kind"),
        F.col("other_key"),
        F.col("first.other_kind").alias("other_kind"),
        F.lit(creates_lead).alias("creates_lead"),
        *[F.col(f"first.{name}").alias(name) for name in ("occurred_at", "known_at", "record_id", "item")],
    )


def _named_keys(mapping: FactMapping) -> Column:
    """All keys that an item names, strongest first, as an array of (kind, key)."""
    ordered = sorted(enumerate(mapping.identities), key=lambda entry: KINDS.index(entry[1].kind))
    keys = [
        F.when(
            F.col("identity")[f"k{index}"].isNotNull(),
            F.struct(F.lit(field.kind).alias("kind"), F.col("identity")[f"k{index}"].alias("key")),
        )
        for index, field in ordered
    ]
    return F.array_compact(F.array(*keys))


def _each(items: DataFrame, statements: Column) -> DataFrame:
    """A row for each of an item's statements, in the column ``said``.

    They are a column first: Spark drops the wrong ones beside an explode that calls Python (phone numbers).
    """
    return items.withColumn("statements", statements).select("*", F.explode("statements").alias("said"))


def _ended(rows: DataFrame, batch: str, business: tuple[str, ...], *, timed: bool = False) -> DataFrame:
    """Add what every fact ends in: its batch, and the hash of what it says; ``timed``: and when, where it says so."""
    return rows.select("*", F.lit(batch).alias("batch"), _said_hash(business, timed).alias("content_hash"))


@kept_columns
def _said_hash(business: tuple[str, ...], timed: bool) -> Column:
    more = {"more0": F.when(F.col("timed"), F.col("occurred_at"))} if timed else {}
    return content_hash({name: F.col(name) for name in business} | more)


def _value(field: str | None) -> Column:
    return F.lit(None).cast("string") if field is None else F.col("row")[field].cast("string")


def _moment(*fields: str | None) -> Column:
    """The first of these fields that has a value, else when the record was received."""
    return F.coalesce(*[F.col("row")[field].cast("timestamp") for field in fields if field], F.col("received_at"))


def _known(mapping: FactMapping, occurred: Column) -> Column:
    return F.least(occurred, F.col("known_at")) if mapping.backfill else F.col("known_at")


def _said(field: TraitField, mapping: FactMapping, stated: Column) -> Column:
    """One trait's name, value and time; null where the item is silent about it."""
    text, value = F.col("texts")[field.field], F.col("row")[field.field]
    kept = normalised(field.kind, value, mapping.default_region) if field.kind else canonical(text, value, field.values)
    occurred = (
        _moment(mapping.created_at, mapping.updated_at, mapping.occurred_at, mapping.outcome_at)
        if field.at_creation
        else stated
    )
    return F.when(
        kept.isNotNull(), F.struct(F.lit(field.trait).alias("name"), kept.alias("value"), occurred.alias("occurred_at"))
    )


def _happened(field: OutcomeField, happened_at: Column | None) -> Column:
    if field.field is None:
        return F.lit(True) if happened_at is None else F.when(happened_at.isNotNull(), True)
    value = F.col("row")[field.field]
    if field.logical_type == "boolean":
        return value
    if field.positive_values:
        return value.cast("string").isin(*field.positive_values)
    return value.cast("double") > 0


def _status(field: ConsentField) -> Column:
    opposite = "withdrawn" if field.true_status == "given" else "given"
    value = F.col("row")[field.field].cast("boolean")
    # A cleared opt-out box is no consent: only what is stated counts.
    return F.when(value, field.true_status).when(~value, None if field.true_status == "withdrawn" else opposite)


def _contact_key(mapping: FactMapping, channel: str) -> Column:
    kind = {"email": "email", "phone": "phone", "sms": "phone", "whatsapp": "phone"}.get(channel)
    keys = [F.col("identity")[f"k{index}"] for index, field in enumerate(mapping.identities) if field.kind == kind]
    return F.coalesce(*keys, F.col("identity_key"))

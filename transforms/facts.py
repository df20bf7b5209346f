"""Items to facts: signals, traits, outcomes, consents and identity links.

Every function takes the accepted items of one source, keyed by ``keyed_items``, and ends in its table's columns.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.hashing import content_hash, identifier, keyed_hash
from leadhouse.transforms.identity import KINDS, identity_key, normalised
from leadhouse.transforms.values import ValueSpec, canonical


@dataclass(frozen=True)
class IdentityField:
    """A field whose value names a person."""

    field: str
    kind: str
    namespace: str


@dataclass(frozen=True)
class TraitField:
    """A field whose value is kept as a trait."""

    field: str
    trait: str
    """Name of the trait: the field's own, or a reserved one."""
    values: ValueSpec
    at_creation: bool
    kind: str | None = None
    """``email`` or ``phone`` for contact points, which are kept in their normalised form."""


@dataclass(frozen=True)
class ConsentField:
    """A field that states a consent or its withdrawal."""

    field: str
    channel: str
    purpose: str
    true_status: str
    legal_basis: str


@dataclass(frozen=True)
class OutcomeField:
    """A field, or a row by being there, that states an outcome."""

    field: str | None
    outcome: str
    logical_type: str
    positive_values: tuple[str, ...]


@dataclass(frozen=True)
class FactMapping:
    """What the items of one source say, field by field. Made from its contract by ``expectations/mapping.py``."""

    source: str
    key_fields: tuple[str, ...]
    all_fields: tuple[str, ...]
    events: bool
    """Whether an item with a known key is a repetition whatever else it says."""
    global_key: bool
    backfill: bool
    creates_lead: bool
    identities: tuple[IdentityField, ...]
    traits: tuple[TraitField, ...]
    consents: tuple[ConsentField, ...]
    outcomes: tuple[OutcomeField, ...]
    signal_type: str | None
    """Constant signal type; a field's value comes before it."""
    channel: str | None
    signal_type_field: str | None
    channel_field: str | None
    campaign_field: str | None
    created_at: str | None
    occurred_at: str | None
    updated_at: str | None
    outcome_at: str | None
    default_region: str

    @property
    def states_signals(self) -> bool:
        """Whether its items are signals."""
        return bool(self.signal_type or self.signal_type_field)

    @property
    def says_when(self) -> bool:
        """Whether its rows say when they were last changed, so that the order of arrival doesn't matter."""
        return bool(self.updated_at or self.events)


def keyed_items(items: DataFrame, mapping: FactMapping, key: bytes) -> DataFrame:
    """Add to items (with the structs texts and row): item_key, entity_key, identity_key and ``identity`` (all its
    keys).

    ``identity_key`` is the item's anchor, the strongest of its keys; null where it names nobody.
    """
    keys = [_key_column(field, mapping.default_region, key) for field in mapping.identities]
    named = F.struct(*[column.alias(f"k{index}") for index, column in enumerate(keys)]) if keys else F.lit(None)
    strongest = sorted(range(len(keys)), key=lambda index: KINDS.index(mapping.identities[index].kind))
    keyed = items.withColumn("identity", named)
    anchor = (
        F.coalesce(*[F.col("identity")[f"k{index}"] for index in strongest]) if keys else F.lit(None).cast("string")
    )
    texts = [F.coalesce(F.col("texts")[name], F.lit("\x00")) for name in mapping.key_fields]
    whole = [F.coalesce(F.col("texts")[name], F.lit("\x00")) for name in mapping.all_fields]
    space = F.lit("global" if mapping.global_key else mapping.source)
    content = keyed_hash(key, space, *whole)
    entity = keyed_hash(key, space, *texts) if texts else F.coalesce(anchor, content)
    own = entity if mapping.events and texts else content
    return keyed.withColumn("identity_key", anchor).withColumn("entity_key", entity).withColumn("item_key", own)


def signals(items: DataFrame, mapping: FactMapping, batch: str) -> DataFrame:
    """Return the items' signals, with the columns of silver.signals. Items that name nobody have none."""
    occurred = _moment(mapping.occurred_at, mapping.created_at)
    signal_type = F.coalesce(_value(mapping.signal_type_field), F.lit(mapping.signal_type))
    channel = F.coalesce(_value(mapping.channel_field), F.lit(mapping.channel)).cast("string")
    rows = items.where(signal_type.isNotNull()).select(
        "tenant",
        F.col("item_key").alias("signal_id"),
        F.lit(mapping.source).alias("source"),
        "identity_key",
        signal_type.alias("signal_type"),
        channel.alias("channel"),
        _value(mapping.campaign_field).alias("campaign"),
        occurred.alias("occurred_at"),
        _known(mapping, occurred).alias("known_at"),
        "record_id",
        "item",
    )
    return _ended(
        rows,
        batch,
        ("tenant", "signal_id", "source", "identity_key", "signal_type", "channel", "campaign", "occurred_at"),
    )


def traits(items: DataFrame, mapping: FactMapping, batch: str) -> DataFrame:
    """Return what the items say about leads, one row per field with a value, with the columns of silver.traits."""
    stated = _moment(mapping.updated_at, mapping.occurred_at, mapping.outcome_at)
    said = [_said(field, mapping, stated) for field in mapping.traits]
    exploded = items.select("*", stated.alias("stated_at"), F.explode(F.array_compact(F.array(*said))).alias("said"))
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
    exploded = items.select("*", happened.alias("happened_at"), F.explode(F.array(*said)).alias("said"))
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
    when = F.when(F.col("timed"), F.col("occurred_at"))
    return _ended(rows, batch, ("tenant", "source", "identity_key", "outcome", "value", "timed"), when)


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
    exploded = items.select("*", occurred.alias("occurred_at"), F.explode(F.array(*said)).alias("said"))
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
    keys = [
        F.when(
            F.col("identity")[f"k{index}"].isNotNull(),
            F.struct(F.lit(field.kind).alias("kind"), F.col("identity")[f"k{index}"].alias("key")),
        )
        for index, field in enumerate(mapping.identities)
    ]
    strongest = F.element_at(F.col("keys"), 1)
    ordered = sorted(range(len(keys)), key=lambda index: KINDS.index(mapping.identities[index].kind))
    occurred = _moment(mapping.created_at, mapping.occurred_at, mapping.outcome_at)
    exploded = (
        items.select(
            "*",
            occurred.alias("occurred_at"),
            F.array_compact(F.array(*[keys[index] for index in ordered])).alias("keys"),
        )
        .where(F.size("keys") > 0)
        .select("*", F.explode("keys").alias("other"), strongest.alias("anchor"))
        # A key beside others needs no row of its own: the pairs name it.
        .where((F.col("other.key") != F.col("anchor.key")) | (F.size("keys") == 1))
    )
    pairs = exploded.select(
        "tenant",
        F.col("anchor.key").alias("identity_key"),
        F.col("anchor.kind").alias("kind"),
        F.col("other.key").alias("other_key"),
        F.col("other.kind").alias("other_kind"),
        "occurred_at",
        _known(mapping, F.col("occurred_at")).alias("known_at"),
        "record_id",
        "item",
    )
    first = pairs.groupBy("tenant", "identity_key", "kind", "other_key", "other_kind").agg(
        F.min(F.struct("known_at", "occurred_at", "record_id", "item")).alias("first")
    )
    rows = first.select(
        "tenant",
        identifier(
            F.col("tenant"),
            F.lit(mapping.source),
            F.col("identity_key"),
            F.col("other_key"),
            F.lit(mapping.creates_lead),
        ).alias("link_id"),
        F.lit(mapping.source).alias("source"),
        "identity_key",
        "kind",
        "other_key",
        "other_kind",
        F.lit(mapping.creates_lead).alias("creates_lead"),
        F.col("first.occurred_at").alias("occurred_at"),
        F.col("first.known_at").alias("known_at"),
        F.col("first.record_id").alias("record_id"),
        F.col("first.item").alias("item"),
    )
    return _ended(rows, batch, ("tenant", "source", "identity_key", "kind", "other_key", "other_kind", "creates_lead"))


def _ended(rows: DataFrame, batch: str, business: tuple[str, ...], *more: Column) -> DataFrame:
    """Add what every fact ends in: its batch, and the hash of what it says."""
    columns = {name: F.col(name) for name in business} | {f"more{index}": column for index, column in enumerate(more)}
    return rows.select("*", F.lit(batch).alias("batch"), content_hash(columns).alias("content_hash"))


def _key_column(field: IdentityField, default_region: str, key: bytes) -> Column:
    value = normalised(field.kind, F.col("row")[field.field], default_region)
    return identity_key(field.kind, field.namespace, value, key)


def _value(field: str | None) -> Column:
    return F.lit(None).cast("string") if field is None else F.col("row")[field].cast("string")


def _moment(*fields: str | None) -> Column:
    """The first of these fields that has a value, else when the record was received."""
    return F.coalesce(*[F.col("row")[field].cast("timestamp") for field in fields if field], F.col("received_at"))


def _known(mapping: FactMapping, occurred: Column) -> Column:
    return F.least(occurred, F.col("received_at")) if mapping.backfill else F.col("received_at")


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

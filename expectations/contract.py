"""What a source's contract says, as frozen values. ``expectations/odcs.py`` reads them from a contract file."""

from __future__ import annotations

from dataclasses import dataclass, field

from leadhouse.conf.secrets import Secret

LOGICAL_TYPES = ("string", "integer", "number", "boolean", "timestamp", "date")

ROLES = (
    "external_id",
    "anonymous_id",
    "email",
    "phone",
    "company",
    "country",
    "created_at",
    "occurred_at",
    "updated_at",
    "signal_type",
    "channel",
    "campaign",
    "trait",
    "outcome",
    "outcome_at",
    "consent",
    "deleted",
)

IDENTITY_ROLES = ("external_id", "email", "phone", "anonymous_id")
"""Roles that name a person, strongest first."""


@dataclass(frozen=True)
class Consent:
    """What a consent field means when it is true; when it is false it means the opposite."""

    channel: str
    """Channel that it covers; ``*`` for all."""
    purpose: str
    """Purpose that it covers; ``*`` for all."""
    means: str
    """``given`` or ``withdrawn`` (an opt-out field)."""
    legal_basis: str
    """``consent``, ``legitimate_interest`` or ``contract``."""


@dataclass(frozen=True)
class Field:
    """One field of a source."""

    name: str
    """The field's name in the contract; names its trait and its feature."""
    physical_name: str
    """The column in the header, or the dotted path in the JSON payload."""
    logical_type: str
    """One of LOGICAL_TYPES."""
    required: bool = False
    unique: bool = False
    key_position: int | None = None
    """Place in the key that identifies an item, from 1."""
    classification: str | None = None
    """``confidential`` or ``restricted`` for personal data, ``sensitive`` for what is no feature unless declared."""
    description: str = ""
    roles: tuple[str, ...] = ()
    namespace: str | None = None
    """For external ids: sources with the same namespace mean the same thing by the same id."""
    known: str = "at_creation"
    """``at_creation`` or ``later``: what is known later never becomes a feature."""
    valid_values: tuple[str, ...] = ()
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    formats: tuple[str, ...] = ()
    """Spark date-time patterns, tried in this order; without any, ISO 8601."""
    signs: tuple[str, ...] = ()
    """For a number: what may stand before or after it and is no part of it, e.g. ``€`` or ``%``."""
    consent: Consent | None = None
    positive_values: tuple[str, ...] = ()
    """For an outcome in text: the values that mean that it happened; any other means that it didn't."""
    feature: bool = False
    """Declares that the field may be a feature although it is sensitive; of personal data nothing ever is."""

    @property
    def personal(self) -> bool:
        """Whether the field's values are personal data, which stay out of gold, ops and logs."""
        return self.classification in ("confidential", "restricted") or bool(
            {"email", "phone", "external_id", "anonymous_id", "company"} & set(self.roles)
        )


@dataclass(frozen=True)
class Subscription:
    """How a topic is read."""

    brokers: str
    """``host:port``, with commas between several."""
    is_pattern: bool = False
    """Whether the location's path is a regular expression for many topics, rather than the name of one."""
    starting: str = "earliest"
    """``earliest`` or ``latest``: where to begin with a topic that was never read."""
    max_offsets: int = 500_000
    """So many offsets of the source make a micro-batch at the most."""
    options: tuple[tuple[str, str | Secret], ...] = ()
    """Settings of Kafka's consumer: TLS, SASL."""

    @property
    def begins_at_end(self) -> bool:
        """Whether only what comes later is taken of a topic that was never read."""
        return self.starting == "latest"


@dataclass(frozen=True)
class Location:
    """Where a source lands."""

    kind: str
    """``local`` (a folder) or ``kafka``."""
    path: str
    """A glob below the landing folder, a topic, or a pattern of topics."""
    subscription: Subscription | None = None
    """For ``kafka``."""


@dataclass(frozen=True)
class Shape:
    """How a source's bytes are to be read."""

    format: str
    """``csv`` or ``json`` (one object a line)."""
    separator: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    decimal_mark: str = "."
    null_tokens: tuple[str, ...] = ("",)
    true_tokens: tuple[str, ...] = ("true", "yes", "y", "1", "t")
    false_tokens: tuple[str, ...] = ("false", "no", "n", "0", "f")
    time_zone: str = "UTC"
    formats: tuple[str, ...] = ()
    """Date-time patterns for fields that declare none of their own."""
    items: str | None = None
    """Dotted path of the array in a JSON payload whose elements are the items; None: the payload is the item; ``$``:
    the payload itself is an array."""
    max_record_bytes: int = 1_000_000


@dataclass(frozen=True)
class QualityRule:
    """One quality rule for the gate, in the standard's words."""

    name: str
    metric: str
    """``rowCount``, ``nullValues``, ``missingValues``, ``duplicateValues``, ``invalidValues`` or ``sql``."""
    column: str | None
    """Field that it is about; None for the whole batch."""
    operator: str
    """``mustBe``, ``mustBeLessThan``, ``mustBeBetween`` … as in the standard."""
    threshold: tuple[float, ...]
    unit: str
    """``rows`` or ``percent``."""
    arguments: tuple[tuple[str, object], ...] = ()
    query: str | None = None


@dataclass(frozen=True)
class Contract:
    """Everything that Leadhouse knows about one source."""

    tenant: str
    source: str
    version: str
    content_hash: str
    """SHA-256 of the contract file's bytes."""
    file: str
    owner: str
    description: str
    location: Location
    shape: Shape
    fields: tuple[Field, ...]
    quality: tuple[QualityRule, ...] = ()
    delivery: str = "events"
    """``events`` (each row happened once), ``incremental`` (changed rows) or ``full`` (all rows each time)."""
    history: str = "live"
    """``live``: known when received; ``backfill``: known when it occurred."""
    creates_leads: bool = False
    """Whether its records are leads, rather than events about leads."""
    signal_type: str | None = None
    """Signal type of every item, where no field says it."""
    channel: str | None = None
    outcome: str | None = None
    """Name of the outcome that a row states by being there, with or without a field ``outcome_at``."""
    global_key: bool = False
    """Whether its key means the same event in every source that says so."""
    max_shrink: float = 0.3
    """Share of a full export's rows that may be gone from the next; more of them, and the gate holds it."""
    min_rows: int = 100
    """Below this the gate's share rules don't judge a batch by itself."""
    adapter: str | None = None
    """Name of the function in ``transforms/sources`` that turns the vendor's payload into items."""
    retention_days: int | None = None
    freshness_hours: float | None = None
    content: bytes = field(default=b"", repr=False)
    """The contract file's bytes."""

    def fields_with(self, role: str) -> tuple[Field, ...]:
        """Return the fields that carry a role, in the contract's order."""
        return tuple(field for field in self.fields if role in field.roles)

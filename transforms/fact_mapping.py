"""What the items of one source say, field by field: which field names whom, and which becomes which fact."""

from __future__ import annotations

from dataclasses import dataclass

from leadhouse.transforms.values import ValueSpec


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
    def fields_in_facts(self) -> frozenset[str]:
        """Names of the fields that become part of a fact; the others are only judged."""
        named = {
            *(identity.field for identity in self.identities),
            *(trait.field for trait in self.traits),
            *(consent.field for consent in self.consents),
            *(outcome.field for outcome in self.outcomes if outcome.field),
        }
        alone = (
            self.signal_type_field, self.channel_field, self.campaign_field,
            self.created_at, self.occurred_at, self.updated_at, self.outcome_at,
        )  # fmt: skip
        return frozenset(named | {name for name in alone if name})

    @property
    def keyed_events(self) -> bool:
        """Whether its items are events told apart by a key, so that the key alone makes two the same."""
        return self.events and bool(self.key_fields)

    @property
    def says_when(self) -> bool:
        """Whether its rows say when they were last changed, so that the order of arrival doesn't matter."""
        return bool(self.updated_at or self.events)

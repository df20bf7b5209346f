"""A contract's mapping: which field says what about whom."""

from __future__ import annotations

from leadhouse.expectations.contract import Contract, Field
from leadhouse.expectations.rules import value_spec
from leadhouse.transforms.fact_mapping import ConsentField, FactMapping, IdentityField, OutcomeField, TraitField
from leadhouse.transforms.identity import KINDS
from leadhouse.transforms.parse import ParseSpec

CONTACT_NAMESPACE = "contact"
"""E-mail addresses and phone numbers mean the same person in every source."""
ANONYMOUS_NAMESPACE = "anonymous"
"""Anonymous ids, too, unless their contract gives them a namespace."""
DEFAULT_OUTCOME = "converted"

_ROLE_TRAITS = ("external_id", "email", "phone", "company", "country", "created_at", "deleted")
"""Roles that are kept as traits under their own name, where the source's records are leads."""


def parse_spec(contract: Contract) -> ParseSpec:
    """Return how the contract's records are parsed."""
    shape = contract.shape
    return ParseSpec(
        format=shape.format,
        separator=shape.separator,
        quote=shape.quote,
        encoding=shape.encoding,
        items=shape.items,
        max_record_bytes=shape.max_record_bytes,
        fields=tuple((field.name, field.physical_name) for field in contract.fields),
    )


def fact_mapping(contract: Contract, default_region: str) -> FactMapping:
    """Return what the contract's items say. ``default_region`` is that of phone numbers without a country code."""
    keyed = sorted((field.key_position, field.name) for field in contract.fields if field.key_position)
    return FactMapping(
        source=contract.source,
        key_fields=tuple(name for _, name in keyed),
        all_fields=tuple(field.name for field in contract.fields),
        events=contract.delivery == "events",
        global_key=contract.global_key,
        backfill=contract.history == "backfill",
        creates_lead=contract.creates_leads,
        identities=tuple(_identities(contract)),
        traits=tuple(_traits(contract)),
        consents=tuple(_consents(contract)),
        outcomes=tuple(_outcomes(contract)),
        signal_type=contract.signal_type,
        channel=contract.channel,
        signal_type_field=_name(contract, "signal_type"),
        channel_field=_name(contract, "channel"),
        campaign_field=_name(contract, "campaign"),
        created_at=_name(contract, "created_at"),
        occurred_at=_name(contract, "occurred_at"),
        updated_at=_name(contract, "updated_at"),
        outcome_at=_name(contract, "outcome_at"),
        default_region=default_region,
    )


def outcome_names(contract: Contract) -> tuple[str, ...]:
    """Return the outcomes that the contract's items state."""
    return tuple(dict.fromkeys(field.outcome for field in _outcomes(contract)))


def _identities(contract: Contract) -> list[IdentityField]:
    spaces = {"external_id": contract.source, "anonymous_id": ANONYMOUS_NAMESPACE}
    return [
        IdentityField(field.name, kind, field.namespace or spaces.get(kind, CONTACT_NAMESPACE))
        for kind in KINDS
        for field in contract.fields_with(kind)
    ]


def _traits(contract: Contract) -> list[TraitField]:
    traits = []
    for field in contract.fields:
        names = [role for role in _ROLE_TRAITS if role in field.roles] if contract.creates_leads else []
        names += [field.name] if "trait" in field.roles else []
        for name in names:
            kind = name if name in ("email", "phone") else None
            traits.append(TraitField(field.name, name, value_spec(contract, field), field.known == "at_creation", kind))
    return traits


def _consents(contract: Contract) -> list[ConsentField]:
    return [
        ConsentField(
            field.name, field.consent.channel, field.consent.purpose, field.consent.means, field.consent.legal_basis
        )
        for field in contract.fields
        if field.consent is not None
    ]


def _outcomes(contract: Contract) -> list[OutcomeField]:
    stated = [
        OutcomeField(field.name, contract.outcome or field.name, field.logical_type, field.positive_values)
        for field in contract.fields_with("outcome")
    ]
    if stated or not (contract.outcome or contract.fields_with("outcome_at")):
        return stated
    return [OutcomeField(None, contract.outcome or DEFAULT_OUTCOME, "boolean", ())]


def _name(contract: Contract, role: str) -> str | None:
    fields: tuple[Field, ...] = contract.fields_with(role)
    return fields[0].name if fields else None

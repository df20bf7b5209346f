"""Which traits of a contract may become features, and how they are typed."""

from __future__ import annotations

from collections.abc import Iterable

from leadhouse.expectations.contract import Contract, Field
from leadhouse.transforms.features import TraitKind, trait_feature

RESERVED_TRAITS = ("created_at", "email", "phone", "company", "country", "external_id", "deleted")
"""Traits that come from roles; of them only country may become a feature."""

SENSITIVE = "sensitive"
"""The classification of protected attributes, such as age or religion."""
_KINDS = {"integer": "number"}


def trait_kinds(contracts: Iterable[Contract]) -> tuple[TraitKind, ...]:
    """Return the typed traits of all contracts, in the contracts' order.

    Fields with personal values are left out, and so are those with sensitive ones unless they are declared as features,
    and reserved traits other than country; a field that is known later is there with ``known="later"``, which keeps it
    out of the features.
    """
    return tuple(
        TraitKind(
            contract.tenant, contract.source, name, _KINDS.get(field.logical_type, field.logical_type), field.known
        )
        for contract in contracts
        for field in contract.fields
        if not field.personal and (field.classification != SENSITIVE or field.feature)
        for name in _trait_names(field)
    )


def sensitive_features(contracts: Iterable[Contract], tenant: str) -> frozenset[str]:
    """Return the names of the features that a tenant's contracts declare as such although they are sensitive."""
    return frozenset(
        trait_feature(name)
        for contract in contracts
        if contract.tenant == tenant
        for field in contract.fields
        if field.classification == SENSITIVE and field.feature and not field.personal
        for name in _trait_names(field)
    )


def _trait_names(field: Field) -> tuple[str, ...]:
    """The traits that a field's value is stored under: a role's own name, and the field's as a trait."""
    own = (field.name,) if "trait" in field.roles and field.name not in RESERVED_TRAITS else ()
    return (("country",) if "country" in field.roles else ()) + own

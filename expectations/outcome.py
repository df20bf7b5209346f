"""Which outcome a tenant's model learns."""

from __future__ import annotations

from collections.abc import Sequence

from leadhouse.conf.errors import InputError
from leadhouse.expectations.contract import Contract
from leadhouse.expectations.mapping import outcome_names


def outcome_of(tenant: str, contracts: Sequence[Contract], chosen: str | None) -> str | None:
    """Return the outcome to learn for a tenant: the chosen one, else the only one that its contracts declare.

    None if they declare none. Raises InputError if there are several to choose from, or none by the chosen name.
    """
    names = sorted({name for contract in contracts if contract.tenant == tenant for name in outcome_names(contract)})
    if chosen is None and len(names) > 1:
        raise InputError(
            f"settings.toml: training.outcome: expected one of {', '.join(names)}; it is not set; name the one to learn"
        )
    if chosen is not None and names and chosen not in names:
        raise InputError(
            f"settings.toml: training.outcome: expected one of {', '.join(names)}; got {chosen!r}; name one"
        )
    return chosen if chosen in names else next(iter(names), None)

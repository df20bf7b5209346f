"""Which tenants learn from each other's leads: those that the settings name, and that foretell the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from leadhouse.conf.errors import InputError
from leadhouse.conf.settings import Training
from leadhouse.expectations.contract import Contract
from leadhouse.expectations.outcome import outcome_of

_DIGITS = 8


@dataclass(frozen=True)
class Circle:
    """Tenants that learn one model together; none where nothing is shared."""

    tenants: tuple[str, ...] = ()
    """Sorted. Nobody else's rows are learned from, and nobody else is scored by what comes of it."""
    outcome: str | None = None
    """What they all foretell; None where there are no tenants."""
    notes: tuple[str, ...] = ()
    """Who was to share and doesn't, and why."""

    @property
    def name(self) -> str:
        """What stands in a tenant's place for the shared model: no tenant can be called so, for its ``~``.

        It says whose rows are learned from. Where another tenant joins, or one leaves, the model is another one: what
        had learned from a tenant that left scores nobody any more.
        """
        return f"shared~{hashlib.sha256('/'.join(self.tenants).encode()).hexdigest()[:_DIGITS]}"


def circle_of(contracts: Sequence[Contract], training: Training) -> Circle:
    """Return the tenants that share, of those that ``training.share`` names.

    Who declares no outcome doesn't; and where the outcomes' names differ, nobody does. Raises InputError where
    ``training.share`` names a tenant of no contract, or as ``outcome_of`` does.
    """
    known = {contract.tenant for contract in contracts}
    unknown = [tenant for tenant in training.share if tenant not in known]
    if unknown:
        raise InputError(
            f"settings.toml: training.share: expected tenants that contracts name ({', '.join(sorted(known)) or 'none'}"
            f"); got {', '.join(unknown)}; mend the name, or add the tenant's contract first"
        )
    outcomes = {tenant: outcome_of(tenant, contracts, training.outcome) for tenant in sorted(training.share)}
    declared = {tenant: outcome for tenant, outcome in outcomes.items() if outcome is not None}
    notes = tuple(f"{one}: shares nothing: no contract declares an outcome" for one in outcomes if one not in declared)
    if len(set(declared.values())) > 1:
        each = ", ".join(f"{outcome} of {tenant}" for tenant, outcome in declared.items())
        differ = f"no shared model: the outcomes differ: {each}; give them one name in the contracts"
        return Circle(notes=(*notes, differ))
    if len(declared) < 2:
        return Circle(notes=notes)
    return Circle(tuple(declared), next(iter(declared.values())), notes)

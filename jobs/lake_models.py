"""The models of a lake, opened by those who look at them or have a word about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from leadhouse.conf.errors import InputError
from leadhouse.conf.workspace import open_workspace
from leadhouse.expectations.odcs import read_contracts
from leadhouse.expectations.sharing import Circle, circle_of
from leadhouse.jobs.champion import champion_of
from leadhouse.jobs.runtime.place import Place, find_place
from leadhouse.models.registry import Registry
from leadhouse.models.version import Version


@dataclass(frozen=True)
class LakeModels:
    """Where the models are, and whose."""

    place: Place
    registry: Registry
    tenants: tuple[str, ...]
    circle: Circle
    """Who of them learns together."""

    @property
    def owners(self) -> tuple[str, ...]:
        """The tenants, and the circle if there is one: each has versions of its own."""
        return (*self.tenants, self.circle.name) if self.circle.tenants else self.tenants

    def version(self, label: str) -> tuple[str, Version]:
        """Return a version and its owner. Raises InputError if there is none of that label."""
        found = {version.label: (owner, version) for owner in self.owners for version in self.registry.versions(owner)}
        if label not in found:
            have = ", ".join(found) or "none"
            raise InputError(f"models: expected a version, of which there are {have}; got {label!r}; see 'models list'")
        return found[label]

    def scoring(self) -> dict[str, Version | None]:
        """Return per tenant the version that scores its leads; None where there is none."""
        return {tenant: champion_of(self.registry, tenant, self.circle) for tenant in self.tenants}


def open_models(lake: Path, workspace: Path) -> LakeModels:
    """Open a lake's models. Raises InputError if there is no lake or no workspace, or if one is not as expected."""
    opened, place = open_workspace(workspace), find_place(lake)
    contracts = read_contracts(opened.contract_files, opened.settings.tenant)
    tenants = tuple(sorted({contract.tenant for contract in contracts}))
    registry = Registry(place.root / "models", opened.settings.mlflow.tracking_uri)
    return LakeModels(place, registry, tenants, circle_of(contracts, opened.settings.training))

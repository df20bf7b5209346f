"""What a registered model version is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Version:
    """One registered version of a tenant's model, or of one that tenants share."""

    name: str
    """``leadhouse-<tenant>``; of a shared model its circle's name is in the tenant's place."""
    number: str
    model_hash: str
    training_key: str
    """Equal for models learned from equal data by an equal plan."""
    was_promoted: bool = False
    """Whether it has been champion before."""
    was_judged: bool = False
    """Whether it was decided about already: promoted or refused."""
    beside: str = ""
    """The circle of tenants in which it was refused; empty where its tenant shared nothing then."""

    @property
    def owner(self) -> str:
        """The tenant whose model it is, or the circle of tenants."""
        return self.name.removeprefix(model_name(""))

    @property
    def label(self) -> str:
        """Name and number as they stand in gold.lead_scores.model_version."""
        return f"{self.name}/{self.number}"


def model_name(tenant: str) -> str:
    """Return the registered model's name for a tenant."""
    return f"leadhouse-{tenant}"

"""What a valid contract leaves open: no error, but something that its author should know."""

from __future__ import annotations

from leadhouse.expectations.contract import IDENTITY_ROLES, Contract

_TIMES = ("created_at", "occurred_at", "updated_at", "outcome_at")


def advice(contract: Contract) -> tuple[str, ...]:
    """Return what the author of a contract should know about it, one sentence each."""
    return tuple(_identity(contract) + _times(contract) + _consent(contract) + _fields(contract))


def _identity(contract: Contract) -> list[str]:
    found = []
    identities = [field for role in IDENTITY_ROLES for field in contract.fields_with(role)]
    if not identities:
        found.append("no field names a person (roles external_id, email, phone, anonymous_id): no row is about a lead")
    found += [
        f"{field.name}: an id without namespace is this source's own; sources that share it need the same namespace"
        for field in contract.fields_with("external_id")
        if field.namespace is None
    ]
    if not any(field.key_position for field in contract.fields):
        what = (
            "equal rows count as one event" if contract.delivery == "events" else "every different row is a new version"
        )
        found.append(f"no field is the key (primaryKey): {what}")
    if contract.delivery == "full" and not contract.creates_leads:
        found.append("delivery is full, but its rows are no leads: absence from an export says nothing")
    return found


def _times(contract: Contract) -> list[str]:
    found = []
    if contract.delivery != "events" and not contract.fields_with("updated_at"):
        found.append("no field has role updated_at: of two rows about one lead, the one that lands later wins")
    if contract.delivery == "events" and not any(contract.fields_with(role) for role in ("occurred_at", "outcome_at")):
        found.append("no field has role occurred_at: events count as happening when they are received")
    if contract.history == "backfill" and not any(contract.fields_with(role) for role in _TIMES):
        found.append("history is backfill, but no field says when anything happened: it has no effect")
    if (
        contract.fields_with("outcome")
        and not contract.fields_with("outcome_at")
        and not contract.fields_with("occurred_at")
    ):
        found.append("no field has role outcome_at: the model can't be judged by time, only across folds")
    return found


def _consent(contract: Contract) -> list[str]:
    if not contract.creates_leads or any(field.consent for field in contract.fields):
        return []
    return [
        "no field has role consent: unless another source states consent, its leads can only be ranked inside the CRM "
        "(channel crm_task with a legal basis)"
    ]


def _fields(contract: Contract) -> list[str]:
    found = []
    for field in contract.fields:
        if field.personal and field.classification is None and {"email", "phone"} & set(field.roles):
            found.append(
                f"{field.name}: personal by its role; classification: confidential would say so to other tools"
            )
        if (
            len(field.roles) > 1
            and "outcome" in field.roles
            and "trait" in field.roles
            and field.known == "at_creation"
        ):
            found.append(
                f"{field.name}: an outcome as a feature would tell the model the answer; declare it known later"
            )
    return found

"""Consent: which statements of a lead allow or forbid a list's channel and purpose.

The newest statement holds, and of two of one moment the withdrawal. A withdrawal counts whichever of the lead's contact
points it came from and whatever moment it claims; a consent counts only from the tick's past, and for a channel with a
contact point of its own (e-mail, phone) only if it was given for the one in use or for the person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.identity import identity_key
from leadhouse.transforms.lists import ANY, CRM_TASK, ListSpec

GIVEN, WITHDRAWN = "given", "withdrawn"
CONTACT_POINTS = {"email": "email", "phone": "phone", "call": "phone", "sms": "phone", "whatsapp": "phone"}
"""Channel → kind of the contact point that it uses. Other channels use none that we know."""


def contact_keys(
    leads: DataFrame, identities: DataFrame, *, keys: Mapping[str, bytes], namespaces: Sequence[str]
) -> DataFrame:
    """Return all identity keys that speak for each lead.

    In: rows of silver.leads and silver.identities; per tenant the secret that keys its hashes; the namespaces that
    contracts keep contact points in. Out: tenant, lead_id, identity_key STRING, kind STRING (null if no identity row
    has the key), in_use BOOLEAN (whether it is the lead's present e-mail address or phone number, which may be
    one that it shares: a switchboard, info@).
    """
    kinds = identities.groupBy("tenant", "identity_key").agg(F.max("kind").alias("kind"))
    own = (
        leads.select("tenant", "lead_id", F.explode("identity_keys").alias("identity_key"))
        .join(kinds, ["tenant", "identity_key"], "left")
        .select("tenant", "lead_id", "identity_key", "kind", F.lit(False).alias("in_use"))
    )
    present = [_present_key(kind, space, keys) for kind in ("email", "phone") for space in sorted(set(namespaces))]
    used = (
        leads.select("tenant", "lead_id", F.explode(F.array_compact(F.array(*present))).alias("point"))
        .select("tenant", "lead_id", "point.identity_key", "point.kind", F.lit(True).alias("in_use"))
    )  # fmt: skip
    return (
        own.unionByName(used)
        .groupBy("tenant", "lead_id", "identity_key")
        .agg(F.max("kind").alias("kind"), F.max("in_use").alias("in_use"))
        .select("tenant", "lead_id", "identity_key", "kind", "in_use")
    )


def standing_consents(
    consents: DataFrame, contacts: DataFrame, ticks: DataFrame, *, lists: tuple[ListSpec, ...]
) -> DataFrame:
    """Return, for each lead that said anything, what holds for each channel and purpose that a list needs.

    In: rows of silver.consents; the result of ``contact_keys``; ticks (tenant, as_of, known), one row per tenant.
    Out: tenant, lead_id, statements MAP<STRING, STRUCT<status, legal_basis>> by ``consent_key``.
    """
    needs = sorted({(entry.channel, entry.purpose) for entry in lists})
    wanted = F.array(*[_need(channel, purpose) for channel, purpose in needs]) if needs else _no_needs()
    said = (
        consents.select(
            "tenant",
            "consent_id",
            "identity_key",
            "channel",
            "purpose",
            "status",
            "legal_basis",
            "occurred_at",
            "known_at",
        )
        .join(F.broadcast(ticks.select("tenant", "as_of", "known")), "tenant")
        .join(contacts, ["tenant", "identity_key"])
        .select("*", F.explode(wanted).alias("need"))
    )
    covers = F.col("channel").isin(ANY) | (F.col("channel") == F.col("need.channel"))
    covers &= F.col("purpose").isin(ANY) | (F.col("purpose") == F.col("need.purpose"))
    known = (F.col("occurred_at") <= F.col("as_of")) & (F.col("known_at") <= F.col("known"))
    other_point = F.col("kind").eqNullSafe(F.col("need.point")) & F.col("kind").isNotNull() & ~F.col("in_use")
    counts = (F.col("status") == WITHDRAWN) | (known & ~other_point)
    newest = F.struct("occurred_at", (F.col("status") == WITHDRAWN).alias("withdrawn"), "known_at", "consent_id")
    latest = said.where(covers & counts).groupBy("tenant", "lead_id", F.col("need.key").alias("key"))
    held = latest.agg(F.max_by(F.struct("status", "legal_basis"), newest).alias("statement"))
    entries = F.array_sort(F.collect_list(F.struct("key", "statement")))
    return (
        held.groupBy("tenant", "lead_id")
        .agg(F.map_from_entries(entries).alias("statements"))
        .select("tenant", "lead_id", "statements")
    )


def consent_key(channel: str, purpose: str) -> str:
    """Return the key of a channel and purpose in ``statements``."""
    return f"{channel}/{purpose}"


def legal_basis(spec: ListSpec) -> Column:
    """Return what allows a list to take a lead, over the column ``statements``; null if nothing does.

    crm_task contacts nobody: without any statement it is allowed on the list's own legal basis.
    """
    statement = _statement(spec)
    allowed = F.when(statement["status"] == GIVEN, statement["legal_basis"])
    if spec.channel == CRM_TASK:
        return allowed.when(statement.isNull(), F.lit(spec.legal_basis or "legitimate_interest"))
    return allowed


def refusal(spec: ListSpec) -> Column:
    """Return why a list may not take a lead that ``legal_basis`` is null for, in words."""
    about = f"{spec.channel}, {spec.purpose}"
    withdrawn = _statement(spec)["status"] == WITHDRAWN
    return F.when(withdrawn, F.lit(f"consent withdrawn for {about}")).otherwise(F.lit(f"no consent for {about}"))


def _statement(spec: ListSpec) -> Column:
    return F.try_element_at(F.col("statements"), F.lit(consent_key(spec.channel, spec.purpose)))


def _present_key(kind: str, namespace: str, keys: Mapping[str, bytes]) -> Column:
    """The key of the lead's present contact point of a kind, as (identity_key, kind); null where there is none."""
    hashed = F.lit(None).cast("string")
    for tenant, key in sorted(keys.items()):
        hashed = F.when(F.col("tenant") == tenant, identity_key(kind, namespace, F.col(kind), key)).otherwise(hashed)
    return F.when(hashed.isNotNull(), F.struct(hashed.alias("identity_key"), F.lit(kind).alias("kind")))


def _need(channel: str, purpose: str) -> Column:
    point = CONTACT_POINTS.get(channel)
    return F.struct(
        F.lit(channel).alias("channel"),
        F.lit(purpose).alias("purpose"),
        F.lit(consent_key(channel, purpose)).alias("key"),
        F.lit(point).cast("string").alias("point"),
    )


def _no_needs() -> Column:
    return F.array().cast("array<struct<channel: string, purpose: string, key: string, point: string>>")

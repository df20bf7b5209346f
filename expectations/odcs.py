"""Reads a contract file, an Open Data Contract Standard 3.1 document in YAML, into a Contract.

The standard's own JSON Schema checks the document's form; what Leadhouse needs beyond it is checked here. Every problem
of a file is reported at once. The standard leaves room for a tool's own words in ``customProperties``: those that
Leadhouse knows are the keys of CONTRACT_PROPERTIES and FIELD_PROPERTIES; any other is refused, so that a slip of the
pen is not silently ignored.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from leadhouse.conf.errors import InputError
from leadhouse.conf.names import name_problem
from leadhouse.expectations.contract import Contract, Field
from leadhouse.expectations.odcs_document import read_document
from leadhouse.expectations.odcs_field import check_paths, read_field
from leadhouse.expectations.odcs_problems import Problems, checked
from leadhouse.expectations.odcs_quality import read_rules
from leadhouse.expectations.odcs_server import read_server

CONTRACT_PROPERTIES: Mapping[str, type | tuple[str, ...]] = {
    "delivery": ("events", "incremental", "full"),
    "history": ("live", "backfill"),
    "createsLeads": bool,
    "nullTokens": list,
    "trueTokens": list,
    "falseTokens": list,
    "delimiter": str,
    "quote": str,
    "decimalMark": (".", ","),
    "timeZone": str,
    "dateFormats": list,
    "items": str,
    "signalType": str,
    "channel": str,
    "outcome": str,
    "globalKey": bool,
    "minRows": int,
    "maxShrink": float,
    "maxRecordBytes": int,
    "adapter": str,
    "topic": str,
    "topicPattern": str,
    "startingOffsets": ("earliest", "latest"),
    "maxOffsetsPerTrigger": int,
    "kafka": dict,
}
"""What a contract's own ``customProperties`` may hold: property → type, or the values that it may take."""

_SINGLE_ROLES = (
    "created_at",
    "occurred_at",
    "updated_at",
    "outcome_at",
    "deleted",
    "signal_type",
    "campaign",
    "channel",
)
"""Roles that one field of a contract may have at the most."""
_UNITS = {
    "d": 1.0,
    "day": 1.0,
    "days": 1.0,
    "h": 1 / 24,
    "hour": 1 / 24,
    "hours": 1 / 24,
    "y": 365.0,
    "year": 365.0,
    "years": 365.0,
}
"""Days in each unit of a service level."""


def read_contract(path: Path, default_tenant: str) -> Contract:
    """Read one contract file. Raises InputError with every problem found, each naming the file and the field."""
    return parse_contract(_bytes(path), path.name, default_tenant)


def read_contracts(paths: Iterable[Path], default_tenant: str) -> tuple[Contract, ...]:
    """Read a workspace's contracts. Raises InputError with the problems of all files, two sources of one name
    included."""
    contracts: list[Contract] = []
    problems: list[str] = []
    for path in paths:
        try:
            contracts.append(read_contract(path, default_tenant))
        except InputError as problem:
            problems += problem.problems
    by_name: dict[tuple[str, str], str] = {}
    for contract in contracts:
        first = by_name.setdefault((contract.tenant, contract.source), contract.file)
        if first != contract.file:
            problems.append(
                f"{contract.file}: name: expected a source of its own; {contract.source!r} is also in {first}; "
                "rename one"
            )
    if problems:
        raise InputError(problems)
    return tuple(contracts)


@lru_cache(maxsize=1_000)  # every micro-batch asks for the contracts that its intent pins
def parse_contract(content: bytes, file: str, default_tenant: str) -> Contract:
    """Parse a contract's bytes; ``file`` names it in messages. Raises InputError with every problem found."""
    document = read_document(content, file)
    problems = Problems(file)
    contract = _contract(document, content, file, default_tenant, problems)
    if problems.found or contract is None:
        raise InputError(problems.found)
    return contract


def _contract(
    document: Mapping[str, Any], content: bytes, file: str, default_tenant: str, problems: Problems
) -> Contract | None:
    custom = checked(document.get("customProperties"), CONTRACT_PROPERTIES, "customProperties", problems)
    tenant = document.get("tenant", default_tenant)
    for what in (name_problem(tenant, "tenant"), name_problem(document.get("name"), "name")):
        if what:
            problems.add("", what)
    tables = document.get("schema") or []
    if len(tables) != 1:
        problems.add("schema", f"expected exactly one entry, the shape of one item; got {len(tables)}")
        return None
    location, shape = read_server(document.get("servers") or [], custom, problems)
    fields = tuple(read_field(prop, shape, problems) for prop in tables[0].get("properties") or [])
    delivery = custom.get("delivery", "events")
    _check_fields(fields, custom, problems)
    if shape.format == "json":
        check_paths(fields, shape.items, problems)
    return Contract(
        tenant=str(tenant),
        source=str(document.get("name")),
        version=str(document.get("version")),
        content_hash=hashlib.sha256(content).hexdigest(),
        content=content,
        file=file,
        owner=_owner(document.get("team")),
        description=str((document.get("description") or {}).get("purpose", "")),
        location=location,
        shape=shape,
        fields=fields,
        quality=read_rules(tables[0], problems),
        delivery=delivery,
        history=custom.get("history", "live"),
        creates_leads=custom.get("createsLeads", delivery != "events"),
        signal_type=custom.get("signalType"),
        channel=custom.get("channel"),
        outcome=custom.get("outcome"),
        global_key=custom.get("globalKey", False),
        max_shrink=custom.get("maxShrink", 0.3),
        min_rows=custom.get("minRows", 100),
        adapter=custom.get("adapter"),
        retention_days=_retention_days(document.get("slaProperties"), problems),
        freshness_hours=_freshness_hours(document.get("slaProperties"), problems),
    )


def _check_fields(fields: tuple[Field, ...], custom: Mapping[str, Any], problems: Problems) -> None:
    for attribute in ("name", "physical_name"):
        seen: set[str] = set()
        for field in fields:
            value = getattr(field, attribute)
            if value in seen:
                problems.add(
                    field.name, f"expected a {attribute.replace('_', ' ')} of its own; {value!r} is used twice"
                )
            seen.add(value)
    if not fields:
        problems.add("schema[0].properties", "expected at least one field; got none")
    for role in _SINGLE_ROLES:
        carriers = [field.name for field in fields if role in field.roles]
        if len(carriers) > 1:
            problems.add("schema[0].properties", f"expected one field with role {role}; got {', '.join(carriers)}")
    if custom.get("delivery") == "full" and not any(field.key_position for field in fields):
        problems.add(
            "schema[0].properties",
            "expected a key (primaryKey) where delivery is full, since absence is told by it; got none; name the key, "
            "or set delivery to incremental",
        )
    for field in fields:
        if custom.get("delivery") == "full" and field.key_position and not field.required:
            problems.add(field.name, "expected a required key where delivery is full; got an optional one; require it")
    if custom.get("minRows", 0) < 0:
        problems.add("customProperties.minRows", f"expected 0 or more; got {custom['minRows']}")
    if not 0 <= custom.get("maxShrink", 0.0) <= 1:
        problems.add("customProperties.maxShrink", f"expected a share from 0 to 1; got {custom['maxShrink']}")
    if custom.get("delivery", "events") == "events" and custom.get("createsLeads") is not True:
        has_signal = custom.get("signalType") or any("signal_type" in field.roles for field in fields)
        states = any({"outcome", "outcome_at", "consent"} & set(field.roles) for field in fields)
        if not has_signal and not states:
            problems.add(
                "schema[0].properties",
                "expected events to say what happened: a field with role signal_type, outcome or consent, or the "
                "customProperty signalType; got none (for rows about leads set delivery to incremental or full)",
            )


def _service_days(entries: Any, name: str, problems: Problems) -> float | None:
    """A service level in days; None where the contract states none."""
    for entry in entries or []:
        if entry.get("property") == name:
            unit, value = entry.get("unit", "d"), entry.get("value")
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if unit in _UNITS and number and 0 < value < math.inf:
                return float(value * _UNITS[unit])
            problems.add(
                f"slaProperties.{name}",
                f"expected a number above 0 of {', '.join(_UNITS)}; got {value!r} {unit!r}",
            )
            return None
    return None


def _retention_days(entries: Any, problems: Problems) -> int | None:
    days = _service_days(entries, "retention", problems)
    if days is None or days == int(days):
        return None if days is None else int(days)
    problems.add("slaProperties.retention", f"expected whole days, since facts expire by the day; got {days:g} days")
    return None


def _freshness_hours(entries: Any, problems: Problems) -> float | None:
    days = _service_days(entries, "freshness", problems)
    return None if days is None else days * 24


def _owner(team: Any) -> str:
    if isinstance(team, Mapping):
        return str(team.get("name", ""))
    return ", ".join(str(member.get("username", "")) for member in team or [])


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise InputError(f"{path}: expected a contract file; {problem.strerror}; check the path") from problem

"""Reads a contract file, an Open Data Contract Standard 3.1 document in YAML, into a Contract.

The standard's own JSON Schema checks the document's form; what Leadhouse needs beyond it is checked here. Every problem
of a file is reported at once. The standard leaves room for a tool's own words in ``customProperties``: those that
Leadhouse knows are the keys of CONTRACT_PROPERTIES and FIELD_PROPERTIES; any other is refused, so that a slip of the
pen
is not silently ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from leadhouse.conf.errors import InputError
from leadhouse.conf.names import name_problem
from leadhouse.expectations.contract import Contract, Field, Location, QualityRule, Shape
from leadhouse.expectations.odcs_field import read_field, read_quality
from leadhouse.expectations.odcs_problems import Problems, checked

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
    "maxRecordBytes": int,
    "adapter": str,
    "topic": str,
}
"""What a contract's own ``customProperties`` may hold: property → type, or the values that it may take."""


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


def parse_contract(content: bytes, file: str, default_tenant: str) -> Contract:
    """Parse a contract's bytes; ``file`` names it in messages. Raises InputError with every problem found."""
    document = _document(content, file)
    problems = Problems(file)
    for error in _validator().iter_errors(document):
        problems.add(_place(error.absolute_path), _sentence(error))
    if problems.found:
        raise InputError(problems.found)
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
    location, shape = _server(document.get("servers") or [], custom, problems)
    fields = tuple(read_field(prop, shape, problems) for prop in tables[0].get("properties") or [])
    delivery = custom.get("delivery", "events")
    _check_fields(fields, custom, problems)
    return Contract(
        tenant=str(tenant),
        source=str(document.get("name")),
        version=str(document.get("version")),
        content_hash=hashlib.sha256(content).hexdigest(),
        file=file,
        owner=_owner(document.get("team")),
        description=str((document.get("description") or {}).get("purpose", "")),
        location=location,
        shape=shape,
        fields=fields,
        quality=_quality(tables[0], problems),
        delivery=delivery,
        history=custom.get("history", "live"),
        creates_leads=custom.get("createsLeads", delivery != "events"),
        signal_type=custom.get("signalType"),
        channel=custom.get("channel"),
        outcome=custom.get("outcome"),
        global_key=custom.get("globalKey", False),
        min_rows=custom.get("minRows", 100),
        adapter=custom.get("adapter"),
        retention_days=_days(document.get("slaProperties"), "retention", 1, problems),
        freshness_hours=_days(document.get("slaProperties"), "freshness", 24, problems),
    )


def _server(
    servers: Sequence[Mapping[str, Any]], custom: Mapping[str, Any], problems: Problems
) -> tuple[Location, Shape]:
    if len(servers) != 1:
        problems.add("servers", f"expected exactly one server, where the source lands; got {len(servers)}")
        servers = [*servers, {"type": "local", "path": "*", "format": "csv"}]
    server = servers[0]
    kind, path, form = server.get("type"), server.get("path"), server.get("format")
    if kind not in ("local", "kafka"):
        problems.add("servers[0].type", f"expected 'local' or 'kafka'; got {kind!r}")
    if kind == "kafka":
        path = custom.get("topic")
        form = form or "json"
        if not path:
            problems.add("customProperties.topic", "expected the topic to subscribe to; it is missing")
    elif not isinstance(path, str) or not path or path.startswith("/") or ".." in Path(path).parts or "\\" in path:
        problems.add("servers[0].path", f"expected a glob below the landing folder, without '..'; got {path!r}")
    if form not in ("csv", "json"):
        problems.add("servers[0].format", f"expected 'csv' or 'json' (one object a line); got {form!r}")
    separator, quote = custom.get("delimiter", ","), custom.get("quote", '"')
    for name, mark in (("customProperties.delimiter", separator), ("customProperties.quote", quote)):
        if len(mark) != 1:
            problems.add(name, f"expected one character; got {mark!r}")
    encoding = str(server.get("encoding", "utf-8"))
    try:
        "".encode(encoding)
    except LookupError:
        problems.add("servers[0].encoding", f"expected an encoding such as utf-8 or windows-1252; got {encoding!r}")
    shape = Shape(
        format=str(form),
        separator=separator,
        quote=quote,
        encoding=encoding.lower(),
        decimal_mark=custom.get("decimalMark", "."),
        null_tokens=_texts(custom, "nullTokens", ("",)),
        true_tokens=_texts(custom, "trueTokens", Shape("csv").true_tokens),
        false_tokens=_texts(custom, "falseTokens", Shape("csv").false_tokens),
        time_zone=_time_zone(custom.get("timeZone", "UTC"), problems),
        formats=_texts(custom, "dateFormats", ()),
        items=custom.get("items"),
        max_record_bytes=custom.get("maxRecordBytes", 1_000_000),
    )
    return Location(str(kind), str(path)), shape


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
    for role in (
        "created_at",
        "occurred_at",
        "updated_at",
        "outcome_at",
        "deleted",
        "signal_type",
        "campaign",
        "channel",
    ):
        carriers = [field.name for field in fields if role in field.roles]
        if len(carriers) > 1:
            problems.add("schema[0].properties", f"expected one field with role {role}; got {', '.join(carriers)}")
    if custom.get("delivery", "events") == "events" and custom.get("createsLeads") is not True:
        has_signal = custom.get("signalType") or any("signal_type" in field.roles for field in fields)
        states = any({"outcome", "outcome_at", "consent"} & set(field.roles) for field in fields)
        if not has_signal and not states:
            problems.add(
                "schema[0].properties",
                "expected events to say what happened: a field with role signal_type, outcome or consent, or the "
                "customProperty signalType; got none (for rows about leads set delivery to incremental or full)",
            )


def _quality(table: Mapping[str, Any], problems: Problems) -> tuple[QualityRule, ...]:
    rules = [
        read_quality(entry, None, f"schema[0].quality[{i}]", problems)
        for i, entry in enumerate(table.get("quality") or [])
    ]
    for prop in table.get("properties") or []:
        where = f"{prop.get('name')}.quality"
        rules += [
            read_quality(entry, prop.get("name"), f"{where}[{i}]", problems)
            for i, entry in enumerate(prop.get("quality") or [])
        ]
    return tuple(rule for rule in rules if rule is not None)


def _days(entries: Any, name: str, per_day: float, problems: Problems) -> Any:
    """A service level in days (``per_day`` 1) or hours (24); None where the contract states none."""
    units = {
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
    for entry in entries or []:
        if entry.get("property") == name:
            unit, value = entry.get("unit", "d"), entry.get("value")
            if unit not in units or isinstance(value, bool) or not isinstance(value, int | float):
                problems.add(
                    f"slaProperties.{name}", f"expected a number of {', '.join(units)}; got {value!r} {unit!r}"
                )
                return None
            days = value * units[unit] * per_day
            return int(days) if per_day == 1 else days
    return None


def _time_zone(name: str, problems: Problems) -> str:
    from zoneinfo import available_timezones

    if name not in available_timezones():
        problems.add("customProperties.timeZone", f"expected a zone such as Europe/Berlin; got {name!r}")
    return name


def _texts(custom: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(value) for value in custom[name]) if name in custom else default


def _owner(team: Any) -> str:
    if isinstance(team, Mapping):
        return str(team.get("name", ""))
    return ", ".join(str(member.get("username", "")) for member in team or [])


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise InputError(f"{path}: expected a contract file; {problem.strerror}; check the path") from problem


def _document(content: bytes, file: str) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(content.decode("utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as problem:
        where = " ".join(str(problem).split())
        raise InputError(f"{file}: expected YAML in UTF-8; {where}; mend that line") from problem
    if not isinstance(document, Mapping):
        raise InputError(
            f"{file}: expected a contract (a YAML mapping); got {type(document).__name__}; see docs/onboarding.md"
        )
    return document


@cache
def _validator() -> Any:
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


def _place(path: Iterable[str | int]) -> str:
    place = ""
    for part in path:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    return place


def _sentence(error: jsonschema.ValidationError) -> str:
    deepest = error
    while deepest.context:  # of several alternatives the one that came furthest says most
        deepest = max(deepest.context, key=lambda inner: len(inner.absolute_path))
    return f"{deepest.message[:300]} (Open Data Contract Standard)"

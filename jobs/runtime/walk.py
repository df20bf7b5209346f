"""The walk from what was sent back to its bytes: receipt, decision, lead, facts, records, file ranges."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from leadhouse.conf.errors import InputError
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.runtime.answers import decoded
from leadhouse.jobs.runtime.reader import Reader, quoted

LATEST = 20
"""Rows shown of each kind; the rest is counted."""
SHORTEST_ID = 6
FACTS = ("signals", "traits", "outcomes", "consents")

_IDS = (
    ("action", "gold.outbox", "action_id"),
    ("action", "gold.receipts", "action_id"),
    ("decision", "gold.decisions", "decision_id"),
    ("lead", "silver.identities", "identity_key"),
    ("lead", "silver.identities", "lead_id"),
    ("record", "bronze.records", "record_id"),
)

Row = dict[str, Any]


def walk(reader: Reader, wanted: str) -> Row:
    """Return everything that leads from an id to its source bytes, as plain data.

    ``wanted`` is an action_id, decision_id, lead_id, identity key or record_id, or the first SHORTEST_ID or more
    characters of one. Raises InputError if it names nothing, or more than one thing.
    """
    kind, tenant, found = _find(reader, wanted)
    story: Row = {"id": found, "kind": kind, "tenant": tenant}
    if kind == "record":
        return story | _from_record(reader, tenant, found)
    if kind == "action":
        story |= _from_action(reader, tenant, found)
        decision = story["outbox"] or (story["receipts"] or [{}])[0]
        return story | _from_decision(reader, tenant, decision.get("decision_id"), decision.get("lead_id"))
    if kind == "decision":
        return story | _from_decision(reader, tenant, found, None)
    return story | _from_lead(reader, tenant, found)


def _find(reader: Reader, wanted: str) -> tuple[str, str, str]:
    if not re.fullmatch(rf"[A-Za-z0-9_-]{{{SHORTEST_ID},64}}", wanted):
        raise InputError(
            f"id: expected an action_id, decision_id, lead_id, identity key or record_id, or at least its first "
            f'{SHORTEST_ID} characters; got {wanted!r}; find one with: leadhouse sql "SELECT * FROM gold.decisions"'
        )
    matches: dict[tuple[str, str, str], None] = {}
    for kind, table, column in _IDS:
        if kind == "record" and matches:  # the largest table last, and only if it must be
            break
        for row in _starting_with(reader, table, column, wanted):
            matches[(kind, row["tenant"], row["id"])] = None
    exact = [match for match in matches if match[2] == wanted]
    candidates = exact or list(matches)
    if not candidates:
        raise InputError(f"id: expected something in this lake; nothing begins with {wanted!r}; check it")
    if len(candidates) > 1:
        shown = ", ".join(f"{kind} {found} ({tenant})" for kind, tenant, found in candidates[:5])
        raise InputError(f"id: expected one thing; {wanted!r} begins several: {shown}; give more of it")
    return candidates[0]


def _starting_with(reader: Reader, table: str, column: str, wanted: str) -> list[Row]:
    return reader.fetch(
        f"SELECT DISTINCT tenant, {column} AS id FROM {table} WHERE starts_with({column}, {quoted(wanted)}) LIMIT 6",
    )


def _from_action(reader: Reader, tenant: str, action: str) -> Row:
    same = f"tenant = {quoted(tenant)} AND action_id = {quoted(action)}"
    return {
        "receipts": _select(reader, "gold.receipts", same, order="sent_at DESC", limit=LATEST),
        "outbox": _first(_select(reader, "gold.outbox", same, order="planned_at DESC", limit=1)),
    }


def _from_decision(reader: Reader, tenant: str, decision_id: str | None, lead_id: str | None) -> Row:
    """Tell a decision with what it knew; without a decision (a lead that left its list), only the lead."""
    decision = None
    if decision_id is not None:
        where = f"tenant = {quoted(tenant)} AND decision_id = {quoted(decision_id)}"
        decision = _first(_select(reader, "gold.decisions", where, limit=1))
    if decision is None:
        return {"decision": None} | _story_of(reader, tenant, str(lead_id), None, None)
    batch = _select(reader, "ops.batches", f"batch = {quoted(decision['batch'])} AND kind = 'intent'", limit=1)
    evidence = {key: batch[0][key] for key in ("run_id", "reads", "definitions")} if batch else None
    return {"decision": decision, "evidence": evidence} | _story_of(
        reader, tenant, decision["lead_id"], decision["tick"], decision["known"]
    )


def _from_lead(reader: Reader, tenant: str, key: str) -> Row:
    story = _story_of(reader, tenant, key, None, None)
    lead = quoted(story["lead"]["lead_id"])
    same = f"tenant = {quoted(tenant)} AND lead_id = {lead}"
    decisions = _select(reader, "gold.decisions", same, order="tick DESC", limit=1)
    return {
        "receipts": _select(reader, "gold.receipts", same, order="sent_at DESC", limit=LATEST),
        "decision": _first(decisions),
        "lists": _select(reader, "gold.engagement_lists", same, order="tick DESC", limit=LATEST),
    } | story


def _story_of(reader: Reader, tenant: str, lead: str, as_of: datetime | None, known: datetime | None) -> Row:
    """Tell a lead: its keys, its facts (no later than ``as_of`` and ``known``), and the records that they come from."""
    lead_id, keys = _identity(reader, tenant, lead, known)
    facts = {name: _facts(reader, name, tenant, [row["identity_key"] for row in keys], as_of, known) for name in FACTS}
    findings = f"tenant = {quoted(tenant)} AND lead_id = {quoted(lead_id)}"
    shown = [row["record_id"] for name in FACTS for row in facts[name]["shown"]]
    return {
        "lead": {"lead_id": lead_id, "keys": keys},
        "facts": facts,
        "findings": _select(reader, "silver.findings", findings, order="known_at DESC", limit=LATEST),
        "records": _records(reader, tenant, shown),
    }


def _identity(reader: Reader, tenant: str, key: str, known: datetime | None) -> tuple[str, list[Row]]:
    """Return the lead that a key (or an earlier lead_id, which is a key too) belongs to, with all its keys.

    ``known`` asks for the lead as it was known then; a key unknown at that time stands alone.
    """
    until = f" AND known_at <= {_moment(known)}" if known is not None else ""
    latest = (
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY identity_key ORDER BY known_at DESC, batch DESC) AS "
        f"place FROM silver.identities WHERE tenant = {quoted(tenant)}{until}) WHERE place = 1"
    )
    own = reader.fetch(f"SELECT lead_id FROM ({latest}) WHERE identity_key = {quoted(key)}")
    lead_id = str(own[0]["lead_id"]) if own else key
    keys = reader.fetch(
        f"SELECT identity_key, kind, is_lead, shared, known_at FROM ({latest}) WHERE lead_id = {quoted(lead_id)} "
        "ORDER BY kind, identity_key",
    )
    return lead_id, keys or [{"identity_key": lead_id, "kind": None, "is_lead": None, "shared": None, "known_at": None}]


def _facts(
    reader: Reader, name: str, tenant: str, keys: list[str], as_of: datetime | None, known: datetime | None
) -> Row:
    where = f"tenant = {quoted(tenant)} AND identity_key IN ({_listed(keys)})"
    if as_of is not None:
        where += f" AND occurred_at <= {_moment(as_of)}"
    if known is not None:
        where += f" AND known_at <= {_moment(known)}"
    table = f"silver.{name}"
    total = reader.fetch(f"SELECT count(*) AS total FROM {table} WHERE {where}")[0]["total"]
    shown = _select(reader, table, where, order="occurred_at DESC, record_id, item", limit=LATEST)
    return {"total": total, "shown": shown}


def _from_record(reader: Reader, tenant: str, record: str) -> Row:
    same = f"tenant = {quoted(tenant)} AND record_id = {quoted(record)}"
    facts = {}
    for name in FACTS:
        total = reader.fetch(f"SELECT count(*) AS total FROM silver.{name} WHERE {same}")[0]["total"]
        shown = _select(reader, f"silver.{name}", same, order="item, occurred_at", limit=LATEST)
        facts[name] = {"total": total, "shown": shown}
    return {"records": _records(reader, tenant, [record]), "facts": facts}


def _records(reader: Reader, tenant: str, ids: Iterable[str]) -> list[Row]:
    """Return records with their raw text, the file range they lie in, and what became of their items."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return []
    among = f"tenant = {quoted(tenant)} AND record_id IN ({_listed(wanted)})"
    records = _select(reader, "bronze.records", among, order="received_at DESC, origin, position", limit=len(wanted))
    by_record: dict[str, dict[str, list[Row]]] = {row["record_id"]: {} for row in records}
    for name in ("silver.items", "silver.quarantine", "ops.held"):
        for row in _select(reader, name, among, order="record_id", limit=len(wanted) * LATEST):
            if row["record_id"] in by_record:
                by_record[row["record_id"]].setdefault(name.partition(".")[2], []).append(row)
    ranges = _ranges(reader, tenant, records)
    return [_with_text(row) | {"file": _range_of(row, ranges)} | by_record[row["record_id"]] for row in records]


def _with_text(record: Row) -> Row:
    raw: bytes = record.pop("raw")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        record["raw_base64"] = base64.b64encode(raw).decode()
    return record | {"text": decoded(raw), "bytes": len(raw)}


def _ranges(reader: Reader, tenant: str, records: list[Row]) -> list[Row]:
    """Return the file ranges that records lie in, the one seen last first; none for records of a topic."""
    places = [
        f"source = {quoted(record['source'])} AND path = {quoted(record['origin'])} "
        f"AND file_version = {int(record['partition'])} "
        f"AND from_byte <= {int(record['position'])} AND to_byte > {int(record['position'])}"
        for record in records
    ]
    if not places:
        return []
    where = f"tenant = {quoted(tenant)} AND (({') OR ('.join(places)}))"
    return _select(reader, "bronze.files", where, order="seen_at DESC", limit=len(places) * LATEST)


def _range_of(record: Row, ranges: list[Row]) -> Row | None:
    same = (record["source"], record["origin"], record["partition"])
    for found in ranges:
        inside = found["from_byte"] <= record["position"] < found["to_byte"]
        if inside and (found["source"], found["path"], found["file_version"]) == same:
            return found
    return None


def _select(reader: Reader, table: str, where: str, *, order: str | None = None, limit: int) -> list[Row]:
    columns = ", ".join(f'"{column.name}"' for column in table_specs()[table].columns)
    sorting = f" ORDER BY {order}" if order else ""
    return reader.fetch(f"SELECT {columns} FROM {table} WHERE {where}{sorting} LIMIT {limit}")


def _first(rows: list[Row]) -> Row | None:
    return rows[0] if rows else None


def _listed(values: Iterable[str]) -> str:
    return ", ".join(quoted(value) for value in values)


def _moment(moment: datetime) -> str:
    return f"TIMESTAMP {quoted(moment.isoformat())}"

"""Writes a drafted source as a contract file: YAML with a comment for every doubt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from leadhouse.expectations.contract import Shape
from leadhouse.expectations.drafted import DraftedField, DraftedSource
from leadhouse.expectations.guess_nulls import NullToken
from leadhouse.expectations.guess_type import Writing
from leadhouse.expectations.sample import Sample

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./]*(?:[ -][A-Za-z0-9_./]+)*")
_RESERVED = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf"))
_WIDTH = 118


@dataclass
class _Text:
    lines: list[str] = field(default_factory=list)

    def add(self, depth: int, line: str) -> None:
        self.lines.append("  " * depth + line)

    def comment(self, depth: int, text: str, mark: str = "") -> None:
        """Add a comment, wrapped; what came from data can neither end it nor hide in it."""
        words = f"{mark}{_visible(text)}".split(" ")
        room = _WIDTH - 2 * depth - 2
        line = ""
        for word in words:
            if line and len(line) + 1 + len(word) > room:
                self.add(depth, f"# {line}")
                line = f"  {word}"
            else:
                line = f"{line} {word}" if line else word
        self.add(depth, f"# {line}")

    def doubt(self, depth: int, text: str) -> None:
        self.comment(depth, text, "DOUBT: ")


def contract_yaml(
    source: DraftedSource, sample: Sample, glob: str, nulls: Sequence[NullToken], writing: Writing, history: str | None
) -> str:
    """Return the contract file's text. ``history`` says why the source is history, if it is."""
    text = _Text()
    table = sample.table
    text.comment(0, f"Drafted by 'leadhouse contract draft' from {table.rows:,} rows of {sample.path.name}"
                    f"{'' if table.complete else ' (its beginning)'}.")  # fmt: skip
    text.comment(0, "A draft is a guess. Read each DOUBT, correct the line below it and delete the comment; then run")
    text.comment(
        0, "'leadhouse contract check' and 'leadhouse contract try' on it. docs/onboarding.md explains every word."
    )
    text.add(0, "apiVersion: v3.1.0")
    text.add(0, "kind: DataContract")
    text.add(0, f"id: {scalar(source.name)}")
    text.add(0, f"name: {scalar(source.name)}")
    text.add(0, "version: 1.0.0")
    text.add(0, "status: draft")
    text.doubt(0, "who owns this source?")
    text.add(0, "team: {name: data-engineering}")
    text.add(0, "description:")
    text.add(1, f"purpose: {scalar(_purpose(source, sample))}")
    _server(text, sample, glob)
    _properties(text, source, sample, nulls, writing, history)
    text.add(
        0, "# slaProperties: [{property: retention, value: 730, unit: d}, {property: freshness, value: 26, unit: h}]"
    )
    text.add(0, "schema:")
    text.add(1, f"- name: {scalar(source.name)}")
    text.add(2, "physicalType: file")
    for doubt in source.doubts:
        text.doubt(2, doubt)
    for name, reason in table.skipped:
        text.doubt(2, f"left out: {name}: {reason}")
    text.add(2, "properties:")
    for entry in source.fields:
        _field(text, entry)
    text.add(2, "quality:")
    text.add(3, "- {metric: rowCount, mustBeGreaterThan: 0}")
    return "\n".join(text.lines) + "\n"


def scalar(value: object) -> str:
    """Return a value as YAML on one line, quoted where YAML would read it as something else."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.casefold() not in _RESERVED:
        return value
    escaped = "".join(_escape(char) for char in value)
    return f'"{escaped}"'


def _escape(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _list(values: Iterable[str]) -> str:
    return "[" + ", ".join(scalar(value) for value in values) + "]"


def _purpose(source: DraftedSource, sample: Sample) -> str:
    what = {"entities": "Leads", "events": "What leads did", "outcomes": "How leads ended"}[source.nature]
    return f"{what}, as exported to {sample.path.name}."


def _server(text: _Text, sample: Sample, glob: str) -> None:
    text.add(0, "servers:")
    text.add(1, "- server: landing")
    text.add(2, "type: local")
    text.comment(2, "a glob below the landing folder; if the files land in a folder of their own, put it in front")
    text.add(2, f"path: {scalar(glob)}")
    text.add(2, f"format: {sample.table.format}")
    for doubt in sample.doubts:
        text.doubt(2, doubt)
    text.add(2, f"encoding: {sample.encoding}")


def _properties(
    text: _Text,
    source: DraftedSource,
    sample: Sample,
    nulls: Sequence[NullToken],
    writing: Writing,
    history: str | None,
) -> None:
    def add(name: str, value: str) -> None:
        text.add(1, f"- {{property: {name}, value: {value}}}")

    text.add(0, "customProperties:")
    text.comment(1, {
        "entities": "a row is a lead as it is now; 'full' if every file holds them all and who is absent was deleted",
        "events": "a row is something that happened once",
        "outcomes": "a row is a deal, which may come again when it changes",
    }[source.nature])  # fmt: skip
    add("delivery", "events" if source.nature == "events" else "incremental")
    if source.nature != "entities":
        if source.nature == "outcomes":
            text.doubt(1, "the leads themselves are taken to come from another source; if not, set true")
        add("createsLeads", "false")
    if history:
        text.doubt(1, history)
        add("history", "backfill")
    for token in (token for token in nulls if token.token):
        text.doubt(1, f"{token.token!r} is taken for 'no value' ({token.count:,} times in {_some(token.columns)})")
    add("nullTokens", _list(["", *(token.token for token in nulls if token.token)]))
    true, false = _boolean_tokens(source)
    if true or false:
        add("trueTokens", _list(true))
        add("falseTokens", _list(false))
    if sample.table.format == "csv" and sample.table.separator != ",":
        add("delimiter", scalar(sample.table.separator))
    if sample.table.format == "csv" and sample.table.quote != '"':
        add("quote", scalar(sample.table.quote))
    for doubt in writing.doubts:
        text.doubt(1, doubt)
    if writing.decimal_mark != ".":
        add("decimalMark", scalar(writing.decimal_mark))
    naive = [
        entry.name
        for entry in source.fields
        if entry.type.time and entry.logical_type == "timestamp" and not entry.type.time.zoned
    ]
    if naive:
        text.doubt(
            1, f"{_some(naive)} without a time zone; read as UTC; set e.g. Europe/Berlin if they are local times"
        )
        add("timeZone", "UTC")
    if sample.table.items:
        add("items", scalar(sample.table.items))
    for name, value in (("signalType", source.signal_type), ("channel", source.channel), ("outcome", source.outcome)):
        if value:
            add(name, scalar(value))


def _boolean_tokens(source: DraftedSource) -> tuple[list[str], list[str]]:
    """All yes and no tokens, if any is not among the default ones."""
    found: list[list[str]] = []
    for side, default in (("true_tokens", Shape("csv").true_tokens), ("false_tokens", Shape("csv").false_tokens)):
        seen = {
            token.lower()
            for entry in source.fields
            if entry.logical_type == "boolean"
            for token in getattr(entry.type, side)
        }
        found.append([*default, *sorted(seen - set(default))])
    more = len(found[0]) > len(Shape("csv").true_tokens) or len(found[1]) > len(Shape("csv").false_tokens)
    return (found[0], found[1]) if more else ([], [])


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown


def _field(text: _Text, entry: DraftedField) -> None:
    depth = 3
    text.comment(depth, _seen(entry))
    for note in entry.notes:
        text.comment(depth, note)
    for doubt in (*entry.type.doubts, *entry.doubts):
        text.doubt(depth, doubt)
    if entry.profile.perhaps_null:
        text.doubt(
            depth, f"{', '.join(map(repr, entry.profile.perhaps_null))} may mean 'no value'; if so, add to nullTokens"
        )
    text.add(depth, f"- name: {scalar(entry.name)}")
    depth += 1
    if entry.profile.physical_name != entry.name:
        text.add(depth, f"physicalName: {scalar(entry.profile.physical_name)}")
    text.add(depth, f"logicalType: {entry.logical_type}")
    if entry.required:
        text.add(depth, "required: true")
    if entry.key_position:
        if entry.profile.unique:
            text.add(depth, "unique: true")
        text.add(depth, "primaryKey: true")
        text.add(depth, f"primaryKeyPosition: {entry.key_position}")
    if entry.classification:
        text.add(depth, f"classification: {entry.classification}")
    custom = _custom(entry)
    if custom:
        text.add(depth, "customProperties:")
        for name, value in custom:
            text.add(depth + 1, f"- {{property: {name}, value: {value}}}")
    if options := _options(entry):
        text.comment(depth, "to refuse any other value:")
        text.comment(depth, f"quality: [{{metric: invalidValues, arguments: {{validValues: {options}}}, mustBe: 0}}]")


def _custom(entry: DraftedField) -> list[tuple[str, str]]:
    custom = []
    if entry.roles:
        custom.append(("role", scalar(entry.roles[0]) if len(entry.roles) == 1 else _list(entry.roles)))
    if entry.namespace:
        custom.append(("namespace", scalar(entry.namespace)))
    if entry.known_later:
        custom.append(("known", "later"))
    if entry.type.formats and entry.logical_type in ("timestamp", "date"):
        custom.append(("formats", _list(entry.type.formats)))
    if entry.positive_values:
        custom.append(("positiveValues", _list(entry.positive_values)))
    if entry.consent:
        what = entry.consent
        custom.append(("consent", f"{{channel: {scalar(what.channel)}, purpose: {what.purpose}, means: {what.means}, "
                                  f"legalBasis: {what.legal_basis}}}"))  # fmt: skip
    return custom


def _personal(entry: DraftedField) -> bool:
    roles = {"external_id", "email", "phone", "anonymous_id", "company"}
    return bool(entry.classification) or bool(roles & set(entry.roles))


def _few(entry: DraftedField, most: int) -> bool:
    """Whether the values are few and each frequent, so that showing them shows nobody."""
    distinct = entry.profile.distinct
    return not _personal(entry) and 1 < len(distinct) <= most and min(distinct.values()) >= 3


def _seen(entry: DraftedField) -> str:
    distinct, filled, rows = len(entry.profile.distinct), entry.profile.filled, entry.profile.rows
    share = f"always filled ({rows:,})" if filled == rows else f"filled in {filled:,} of {rows:,} rows"
    if filled and not _personal(entry) and _few(entry, 6) and entry.logical_type in ("string", "boolean", "integer"):
        values = ", ".join(f"{value[:30]} ({count:,})" for value, count in entry.profile.distinct.most_common(6))
        return f"seen: {share}: {values}"
    return f"seen: {share}, {distinct:,} different value{'' if distinct == 1 else 's'}"


def _options(entry: DraftedField) -> str:
    if (
        entry.logical_type != "string"
        or not _few(entry, 12)
        or len(entry.profile.distinct) > 0.1 * entry.profile.filled
    ):
        return ""
    shown = _list(sorted(entry.profile.distinct))
    return shown if len(shown) <= 300 else ""

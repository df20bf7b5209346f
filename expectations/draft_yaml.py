"""Writes a drafted source as a contract file: YAML with a comment for every doubt."""

from __future__ import annotations

from collections.abc import Sequence

from leadhouse.expectations.contract import Location, Shape
from leadhouse.expectations.draft_field import write_field
from leadhouse.expectations.drafted import DraftedSource
from leadhouse.expectations.guess_nulls import NullToken
from leadhouse.expectations.guess_type import Writing
from leadhouse.expectations.sample import Sample
from leadhouse.expectations.yaml_text import YamlText, flow_list, scalar


def contract_yaml(
    source: DraftedSource,
    sample: Sample,
    location: Location,
    nulls: Sequence[NullToken],
    writing: Writing,
    history: str | None,
) -> str:
    """Return the contract file's text. ``history`` says why the source is history, if it is."""
    text = YamlText()
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
    _server(text, sample, location)
    _properties(text, source, sample, location, nulls, writing, history)
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
        write_field(text, entry, repeats=location.subscription is not None)
    text.add(2, "quality:")
    text.add(3, "- {metric: rowCount, mustBeGreaterThan: 0}")
    return "\n".join(text.lines) + "\n"


def _purpose(source: DraftedSource, sample: Sample) -> str:
    what = {"entities": "Leads", "events": "What leads did", "outcomes": "How leads ended"}[source.nature]
    return f"{what}, as exported to {sample.path.name}."


def _server(text: YamlText, sample: Sample, location: Location) -> None:
    text.add(0, "servers:")
    if location.subscription is not None:
        text.add(1, "- server: stream")
        text.add(2, "type: kafka")
        text.add(2, f"host: {scalar(location.subscription.brokers)}")
    else:
        text.add(1, "- server: landing")
        text.add(2, "type: local")
        text.comment(2, "a glob below the landing folder; if the files land in a folder of their own, put it in front")
        text.add(2, f"path: {scalar(location.path)}")
    text.add(2, f"format: {sample.table.format}")
    for doubt in sample.doubts:
        text.doubt(2, doubt)
    text.add(2, f"encoding: {sample.encoding}")


def _properties(
    text: YamlText,
    source: DraftedSource,
    sample: Sample,
    location: Location,
    nulls: Sequence[NullToken],
    writing: Writing,
    history: str | None,
) -> None:
    def add(name: str, value: str) -> None:
        text.add(1, f"- {{property: {name}, value: {value}}}")

    text.add(0, "customProperties:")
    if location.subscription is not None:
        add("topic", scalar(location.path))
        text.comment(1, "where to begin with a topic that was never read: earliest or latest")
        add("startingOffsets", location.subscription.starting)
        text.comment(1, "TLS and SASL: Kafka's own consumer settings; secrets only as {env: NAME} or {file: PATH}")
        text.comment(
            1, "- {property: kafka, value: {security.protocol: SASL_SSL, sasl.jaas.config: {env: KAFKA_JAAS}}}"
        )
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
    add("nullTokens", flow_list(["", *(token.token for token in nulls if token.token)]))
    true, false = _boolean_tokens(source)
    if true or false:
        add("trueTokens", flow_list(true))
        add("falseTokens", flow_list(false))
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

"""Reads where a contract's source lands and in what shape: its server, with the custom properties about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from leadhouse.expectations.contract import Location, Shape
from leadhouse.expectations.odcs_problems import Problems
from leadhouse.expectations.odcs_topic import read_topic

OF_TOPICS = {"topic", "topicPattern", "startingOffsets", "maxOffsetsPerTrigger", "kafka"}
"""Custom properties of a contract that mean something for topics only."""


def read_server(
    servers: Sequence[Mapping[str, Any]], custom: Mapping[str, Any], problems: Problems
) -> tuple[Location, Shape]:
    """Read the only server. ``custom`` are the contract's own custom properties; what is wrong goes to ``problems``."""
    if len(servers) != 1:
        problems.add("servers", f"expected exactly one server, where the source lands; got {len(servers)}")
        servers = [*servers, {"type": "local", "path": "*", "format": "csv"}]
    return _location(servers[0], custom, problems), _shape(servers[0], custom, problems)


def _location(server: Mapping[str, Any], custom: Mapping[str, Any], problems: Problems) -> Location:
    kind, path = server.get("type"), server.get("path")
    if kind not in ("local", "kafka"):
        problems.add("servers[0].type", f"expected 'local' or 'kafka'; got {kind!r}")
    if kind == "kafka":
        return read_topic(server, custom, problems)
    for name in OF_TOPICS & custom.keys():
        problems.add(f"customProperties.{name}", "expected it only where servers[0].type is kafka; drop it")
    if not isinstance(path, str) or not path or path.startswith("/") or ".." in Path(path).parts or "\\" in path:
        problems.add("servers[0].path", f"expected a glob below the landing folder, without '..'; got {path!r}")
    return Location(str(kind), str(path))


def _shape(server: Mapping[str, Any], custom: Mapping[str, Any], problems: Problems) -> Shape:
    form = server.get("format")
    if server.get("type") == "kafka":
        form = form or "json"
        if form != "json":
            problems.add("servers[0].format", f"expected 'json' for messages of a topic; got {form!r}")
    elif form not in ("csv", "json"):
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
    return Shape(
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


def _time_zone(name: str, problems: Problems) -> str:
    if name not in available_timezones():
        problems.add("customProperties.timeZone", f"expected a zone such as Europe/Berlin; got {name!r}")
    return name


def _texts(custom: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(str(value) for value in custom[name]) if name in custom else default

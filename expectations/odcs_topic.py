"""Reads how a contract's topic is subscribed to: its broker, where to begin, how much at once, and the client's
options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from leadhouse.conf.secrets import Secret
from leadhouse.expectations.contract import Location, Subscription
from leadhouse.expectations.odcs_problems import Problems

_ADDRESSES = re.compile(r"[^\s,:]+:\d+(,[^\s,:]+:\d+)*")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_SECRET = re.compile(r"password|jaas|secret|token(?!\.endpoint)|credential|ssl\..*\.key$|user\.info")
_OURS = re.compile(
    r"bootstrap\.servers|(key|value)\.deserializer|(key|value)\.serializer|auto\.offset\.reset|enable\.auto\.commit"
    r"|interceptor\.classes|group\.id|client\.id"
)


def read_topic(server: Mapping[str, Any], custom: Mapping[str, Any], problems: Problems) -> Location:
    """Read a server of type ``kafka``. ``custom`` are the contract's own custom properties."""
    address = server.get("host")
    if not isinstance(address, str) or not _ADDRESSES.fullmatch(address):
        problems.add("servers[0].host", f"expected brokers as host:port, with commas between; got {address!r}")
    name, pattern = custom.get("topic"), custom.get("topicPattern")
    if (name is None) == (pattern is None):
        problems.add("customProperties", "expected either topic or topicPattern, to subscribe to; name one of them")
    if name is not None and not _TOPIC.fullmatch(name):
        problems.add("customProperties.topic", f"expected a topic's name; got {name!r}")
    if pattern is not None:
        try:
            re.compile(pattern)
        except re.error as problem:
            problems.add("customProperties.topicPattern", f"expected a regular expression; got {pattern!r}: {problem}")
    most = custom.get("maxOffsetsPerTrigger", Subscription.max_offsets)
    if most < 1:
        problems.add("customProperties.maxOffsetsPerTrigger", f"expected at least 1; got {most}")
    subscription = Subscription(
        brokers=str(address),
        is_pattern=name is None,
        starting=custom.get("startingOffsets", Subscription.starting),
        max_offsets=most,
        options=_options(custom.get("kafka", {}), problems),
    )
    return Location("kafka", str(pattern if name is None else name), subscription)


def _options(entries: Mapping[str, Any], problems: Problems) -> tuple[tuple[str, str | Secret], ...]:
    options: dict[str, str | Secret] = {}
    for key, value in entries.items():
        where = f"customProperties.kafka.{key}"
        if not isinstance(key, str) or _OURS.fullmatch(key):
            problems.add(where, "expected a setting of Kafka's consumer that is the user's; Leadhouse sets it; drop it")
        elif isinstance(value, Mapping):
            options[key] = _secret(value, where, problems)
        elif _SECRET.search(key):
            problems.add(
                where, "expected {env: NAME} or {file: PATH}, since it is a secret; got it written out; move it"
            )
        elif isinstance(value, bool):
            options[key] = str(value).lower()
        elif isinstance(value, str | int | float):
            options[key] = str(value)
        else:
            problems.add(where, f"expected a text, a number, {{env: NAME}} or {{file: PATH}}; got {value!r}")
    return tuple(sorted(options.items()))


def _secret(value: Mapping[str, Any], where: str, problems: Problems) -> Secret:
    kind, name = next(iter(value.items()), ("", ""))
    if len(value) != 1 or kind not in ("env", "file") or not isinstance(name, str) or not name:
        problems.add(where, f"expected {{env: NAME}} or {{file: PATH}}; got the keys {', '.join(map(str, value))}")
    elif kind == "file" and not name.startswith("/"):
        problems.add(where, f"expected an absolute path; got {name!r}")
    return Secret(str(kind), str(name))

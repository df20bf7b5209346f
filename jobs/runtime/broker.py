"""The door to Kafka: which topics there are, how far they reach, and their messages. All other modules see offsets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession

from leadhouse.conf.errors import InputError, LeadhouseError, TransientError
from leadhouse.conf.secrets import Secret
from leadhouse.expectations.contract import Location, Subscription

_PATIENCE = {"request.timeout.ms": "10000", "default.api.timeout.ms": "15000"}
"""How long the broker is asked, unless the contract says otherwise; in milliseconds."""
_RETRIABLE = "org.apache.kafka.common.errors.RetriableException"
_TIMEOUT = "java.util.concurrent.TimeoutException"
_ISOLATION = "read_committed"
"""What a transaction took back was never said."""


@dataclass(frozen=True)
class Topic:
    """A topic as the broker has it."""

    name: str
    topic_id: str
    """The broker's own id: another topic of the same name has another."""
    bounds: Mapping[int, tuple[int, int]]
    """Per partition the first offset that is still there and the one after the last committed."""


@dataclass(frozen=True)
class Span:
    """Offsets of one partition."""

    topic: str
    partition: int
    from_offset: int
    to_offset: int
    """The offset after the last one."""


def client_options(location: Location) -> dict[str, str]:
    """Return the settings of a Kafka client, secrets read. Raises InputError with every secret that is missing."""
    subscription = _subscription(location)
    options, problems = {"bootstrap.servers": subscription.brokers}, []
    for name, value in subscription.options:
        try:
            options[name] = value.read() if isinstance(value, Secret) else value
        except InputError as problem:
            problems += [f"kafka.{name}: {sentence}" for sentence in problem.problems]
    if problems:
        raise InputError(problems)
    return options


def find_topics(spark: SparkSession, location: Location) -> tuple[Topic, ...]:
    """Return the topics of a location with their bounds, by name; none if there is no such topic (yet).

    Raises TransientError if the broker does not answer, LeadhouseError if it refuses us.
    """
    subscription = _subscription(location)
    jvm: Any = spark._jvm
    with _asking(subscription.brokers), _admin(jvm, location) as admin:
        names = [name for name in admin.listTopics().names().get() if _is_wanted(jvm, name, location)]
        if not names:
            return ()
        found = admin.describeTopics(jvm.java.util.ArrayList(names)).allTopicNames().get()
        partitions = {name: [part.partition() for part in found[name].partitions()] for name in names}
        first = _offsets(jvm, admin, partitions, "earliest")
        last = _offsets(jvm, admin, partitions, "latest")
        return tuple(
            Topic(
                name,
                str(found[name].topicId().toString()),
                {part: (first[name, part], last[name, part]) for part in sorted(partitions[name])},
            )
            for name in sorted(names)
        )


def read_messages(spark: SparkSession, location: Location, spans: Sequence[Span]) -> DataFrame:
    """Return the messages at some offsets, with Spark's own columns of a Kafka source.

    Reading fails if one of the offsets has been removed; those that hold no message (a transaction's marks, what was
    taken back, what compaction removed) are skipped.
    """
    ends: dict[str, dict[str, dict[str, int]]] = {"from": {}, "to": {}}
    for span in spans:
        ends["from"].setdefault(span.topic, {})[str(span.partition)] = span.from_offset
        ends["to"].setdefault(span.topic, {})[str(span.partition)] = span.to_offset
    assigned = {topic: sorted(map(int, partitions)) for topic, partitions in ends["from"].items()}
    options = {f"kafka.{name}": value for name, value in client_options(location).items()}
    return (
        spark.read.format("kafka")
        .options(**options)
        .option("kafka.isolation.level", _ISOLATION)
        .option("assign", json.dumps(assigned))
        .option("startingOffsets", json.dumps(ends["from"]))
        .option("endingOffsets", json.dumps(ends["to"]))
        .option("includeHeaders", "true")
        .option("failOnDataLoss", "true")
        .load()
    )


def is_unanswered(problem: Exception) -> bool:
    """Whether what Spark raised while messages were read is that the broker did not answer, or not in time."""
    error = getattr(problem, "_origin", None) or getattr(problem, "java_exception", None)
    while error is not None:
        if {_RETRIABLE, _TIMEOUT} & set(_kinds(error)):
            return True
        error = error.getCause()
    return False


def _subscription(location: Location) -> Subscription:
    if location.subscription is None:
        raise LeadhouseError(f"{location.path}: expected a topic's location; got one of {location.kind}")
    return location.subscription


def _is_wanted(jvm: Any, name: str, location: Location) -> bool:
    if not _subscription(location).is_pattern:
        return name == location.path
    # As Kafka's own consumers match: Java's expressions, the whole name. Two underscores begin the broker's own.
    return not name.startswith("__") and bool(jvm.java.util.regex.Pattern.matches(location.path, name))


@contextmanager
def _admin(jvm: Any, location: Location) -> Iterator[Any]:
    properties = jvm.java.util.Properties()
    for name, value in (_PATIENCE | client_options(location)).items():
        properties.setProperty(name, value)
    admin = jvm.org.apache.kafka.clients.admin.AdminClient.create(properties)
    try:
        yield admin
    finally:
        admin.close()


def _offsets(jvm: Any, admin: Any, partitions: Mapping[str, Sequence[int]], which: str) -> dict[tuple[str, int], int]:
    package = jvm.org.apache.kafka.clients.admin
    wanted = jvm.java.util.HashMap()
    keys = {
        (name, part): jvm.org.apache.kafka.common.TopicPartition(name, part)
        for name, parts in partitions.items()
        for part in parts
    }
    for key in keys.values():
        wanted[key] = getattr(package.OffsetSpec, which)()
    isolation = getattr(jvm.org.apache.kafka.common.IsolationLevel, _ISOLATION.upper())
    answer = admin.listOffsets(wanted, package.ListOffsetsOptions(isolation)).all().get()
    return {key: int(answer[java_key].offset()) for key, java_key in keys.items()}


@contextmanager
def _asking(brokers: str) -> Iterator[None]:
    """Tell what went wrong at the broker by its kind alone: messages of the client may quote its settings."""
    try:
        yield
    except Py4JJavaError as problem:
        error = problem.java_exception
        while error.getCause() is not None:
            error = error.getCause()
        kind = str(error.getClass().getSimpleName())
        if _is_retryable(error):
            raise TransientError(
                f"kafka {brokers}: expected the broker to answer; got {kind}; start it, or check host and network"
            ) from None
        raise LeadhouseError(
            f"kafka {brokers}: expected the broker to let us read; got {kind}; check the contract's kafka options"
        ) from None


def _is_retryable(error: Any) -> bool:
    return bool({_RETRIABLE, "java.io.IOException"} & set(_kinds(error)))


def _kinds(error: Any) -> Iterator[str]:
    """Name an error's class and those that it extends."""
    kind = error.getClass()
    while kind is not None:
        yield str(kind.getName())
        kind = kind.getSuperclass()

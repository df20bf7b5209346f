"""What a contract may say about a topic."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from leadhouse.conf.errors import InputError
from leadhouse.conf.secrets import Secret
from leadhouse.expectations.contract import Location, Subscription
from leadhouse.expectations.odcs import parse_contract


def contract(host: str = "broker:9092", form: str = "json", **custom: Any) -> bytes:
    document = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "c", "name": "clicks", "version": "1.0.0",
        "status": "active",
        "servers": [{"server": "s", "type": "kafka", "host": host, "format": form}],
        "customProperties": [
            {"property": name, "value": value} for name, value in {"signalType": "click", **custom}.items()
        ],
        "schema": [{"name": "clicks", "properties": [{"name": "id", "logicalType": "string"}]}],
    }  # fmt: skip
    return yaml.safe_dump(document).encode()


def location(**custom: Any) -> Location:
    return parse_contract(contract(**custom), "clicks.yaml", "acme").location


def problems(**custom: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        location(**custom)
    return list(caught.value.problems)


def test_a_topic_with_everything_by_default() -> None:
    assert location(topic="clicks") == Location("kafka", "clicks", Subscription("broker:9092"))


def test_a_pattern_with_limits_and_options() -> None:
    options = {
        "security.protocol": "SASL_SSL", "sasl.jaas.config": {"env": "JAAS"},
        "ssl.truststore.password": {"file": "/run/p"}, "fetch.max.bytes": 100, "check.crcs": False,
    }  # fmt: skip
    found = location(
        host="a:1,b:2", topicPattern="web-.*", startingOffsets="latest", maxOffsetsPerTrigger=10, kafka=options
    )
    assert found == Location(
        "kafka",
        "web-.*",
        Subscription(
            "a:1,b:2",
            is_pattern=True,
            starting="latest",
            max_offsets=10,
            options=(
                ("check.crcs", "false"),
                ("fetch.max.bytes", "100"),
                ("sasl.jaas.config", Secret("env", "JAAS")),
                ("security.protocol", "SASL_SSL"),
                ("ssl.truststore.password", Secret("file", "/run/p")),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("custom", "problem"),
    [
        ({}, "either topic or topicPattern"),
        ({"topic": "a", "topicPattern": "a.*"}, "either topic or topicPattern"),
        ({"topic": "no spaces"}, "expected a topic's name"),
        ({"topicPattern": "("}, "expected a regular expression"),
        ({"topic": "a", "host": "broker"}, "brokers as host:port"),
        ({"topic": "a", "form": "csv"}, "expected 'json' for messages of a topic"),
        ({"topic": "a", "maxOffsetsPerTrigger": 0}, "expected at least 1"),
        ({"topic": "a", "startingOffsets": "now"}, "expected one of earliest, latest"),
        ({"topic": "a", "kafka": {"group.id": "g"}}, "Leadhouse sets it"),
        ({"topic": "a", "kafka": {"sasl.jaas.config": {"vault": "x"}}}, "{env: NAME} or {file: PATH}"),
        ({"topic": "a", "kafka": {"ssl.key.password": {"file": "p"}}}, "an absolute path"),
    ],
)
def test_what_is_refused(custom: dict[str, Any], problem: str) -> None:
    assert any(problem in found for found in problems(**custom)), problems(**custom)


@pytest.mark.parametrize("option", ["sasl.jaas.config", "ssl.keystore.password", "ssl.keystore.key"])
def test_a_secret_that_is_written_out_is_refused_and_not_repeated(option: str) -> None:
    (found,) = problems(topic="a", kafka={option: "hunter2"})
    assert "{env: NAME}" in found
    assert "hunter2" not in found


def test_words_of_topics_mean_nothing_for_files() -> None:
    text = contract(topic="a").replace(b"type: kafka", b"type: local").replace(b"host: broker:9092", b"path: a.jsonl")
    with pytest.raises(InputError, match="only where servers"):
        parse_contract(text, "clicks.yaml", "acme")

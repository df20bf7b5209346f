from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses


def test_what_a_name_stands_for_is_asked_once(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    F.lit(1)  # whatever a function needs is known from here on
    assert spark.sparkContext._gateway is not None
    client = type(spark.sparkContext._gateway._gateway_client)
    sent: list[str] = []
    send = client.send_command

    def counted(self: Any, command: str, *rest: Any, **named: Any) -> Any:
        sent.append(command)
        return send(self, command, *rest, **named)

    monkeypatch.setattr(client, "send_command", counted)
    column = F.lit(2)
    calls = [command for command in sent if command.startswith("c\n")]  # Py4J also frees objects, when it likes to
    assert len(calls) == 1
    assert not [command for command in sent if command.startswith("r\n")], "no name was looked up"
    assert spark.range(1).select(column.alias("two")).collect()[0].two == 2


def test_a_name_that_is_nothing_is_still_an_error(spark: SparkSession) -> None:
    assert spark.sparkContext._jvm is not None
    with pytest.raises(TypeError):
        spark.sparkContext._jvm.com.example.Nothing()

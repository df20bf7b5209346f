"""A real broker and a topic of it, and what machines, producers and administrators can do to them."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from leadhouse.bench.broker import start_broker, stop_broker


class Broker:
    """A broker of a test's own, and what may happen to it."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.folder, self.address = folder, f"127.0.0.1:{self.port}"
        self.process = start_broker(folder, self.port)

    def fail(self) -> None:
        """End as if its machine had failed."""
        stop_broker(self.process, at_once=True)

    def come_back(self) -> None:
        """Start again at the same address, with the log that was there."""
        self.process = start_broker(self.folder, self.port)

    def stand_still(self) -> None:
        """Take connections and answer nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Answer what was asked meanwhile."""
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End whatever it is doing."""
        self.fail()


class Topic:
    """A topic of a test's own, and what a producer can do to it."""

    def __init__(self, spark: SparkSession, address: str, name: str, partitions: int = 1) -> None:
        self.jvm: Any = spark._jvm
        self.gateway: Any = spark.sparkContext._gateway
        self.address, self.name = address, name
        self.kafka = self.jvm.org.apache.kafka
        self.admin = self.kafka.clients.admin.AdminClient.create(self._properties())
        self.create(partitions)

    def _properties(self, **more: str) -> Any:
        properties = self.jvm.java.util.Properties()
        for key, value in {"bootstrap.servers": self.address, **more}.items():
            properties.setProperty(key, value)
        return properties

    def create(self, partitions: int = 1, **configs: str) -> None:
        new = self.kafka.clients.admin.NewTopic(self.name, partitions, 1)
        new.configs({key.replace("_", "."): value for key, value in configs.items()})
        self.admin.createTopics([new]).all().get()

    def delete(self) -> None:
        self.admin.deleteTopics([self.name]).all().get()
        deadline = time.monotonic() + 60
        while self.name in self.admin.listTopics().names().get():  # the broker says that it is gone before it is
            assert time.monotonic() < deadline, f"topic {self.name} is still there"
            time.sleep(0.05)

    def remove_before(self, offset: int, partition: int = 0) -> None:
        where = self.kafka.common.TopicPartition(self.name, partition)
        records = self.jvm.java.util.HashMap()
        # A static method and another one share this name, which py4j can't tell apart.
        types = self.gateway.new_array(self.jvm.java.lang.Class, 1)
        types[0] = self.jvm.java.lang.Long.TYPE
        values = self.gateway.new_array(self.jvm.java.lang.Object, 1)
        values[0] = offset
        method = self.kafka.clients.admin.RecordsToDelete._java_lang_class.getMethod("beforeOffset", types)
        records[where] = method.invoke(None, values)
        self.admin.deleteRecords(records).all().get()

    def send(
        self, *values: bytes | None, partition: int = 0, key: bytes | None = None, transaction: str | None = None
    ) -> None:
        """Send messages; ``transaction`` is ``commit`` or ``abort``."""
        serializer = "org.apache.kafka.common.serialization.ByteArraySerializer"
        more = {"key.serializer": serializer, "value.serializer": serializer, "max.request.size": "100000000",
                "buffer.memory": "200000000"}  # fmt: skip
        if transaction:
            more["transactional.id"] = self.name
        producer = self.kafka.clients.producer.KafkaProducer(self._properties(**more))
        if transaction:
            producer.initTransactions()
            producer.beginTransaction()
        for value in values:
            producer.send(self.kafka.clients.producer.ProducerRecord(self.name, partition, key, value)).get()
        if transaction:
            getattr(producer, f"{transaction}Transaction")()
        producer.close()

    def close(self) -> None:
        self.admin.close()

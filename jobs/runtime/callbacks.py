"""Threads that the JVM calls Python in, and their end.

Each streaming query has a JVM thread of its own, and Py4J keeps a Python thread with a connection for each of them
until the JVM's garbage collector takes notice that it has ended, which can be hours: a job that is taken again and
again would gather them, with the memory that Arrow holds for each thread.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from pyspark.sql import SparkSession


def end_of_callback(spark: SparkSession) -> Callable[[], None]:
    """Return what ends the thread that asks, to be called from another one once the JVM's side has ended.

    For a thread that the JVM called; called again, it does nothing.
    """
    gateway = spark.sparkContext._gateway
    assert gateway is not None, "a session has a gateway for as long as the JVM calls"
    connection = gateway._gateway_client.get_thread_connection()

    def end() -> None:
        try:
            # Closing would wait for the thread, which waits for the next call; of this it hears at once.
            connection.socket.shutdown(socket.SHUT_RDWR)
        except (AttributeError, OSError):  # the JVM was quicker, or it has ended before
            return

    return end

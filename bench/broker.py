"""A Kafka broker of one's own on 127.0.0.1, to try things with: ``make kafka``, tests and benchmark start it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from leadhouse.conf.errors import InputError, LeadhouseError
from leadhouse.jobs.runtime.session import jars_folder

PORT = 9092
_PRODUCER = "org.apache.kafka.tools.ConsoleProducer"
_STARTED = "Kafka Server started"
_LOG, _NOTE_LENGTH = "broker.log", 3_000
_PATIENCE_SECONDS = 120
_STOP_SECONDS = 30
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={folder}/log
num.partitions=2
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
log.retention.check.interval.ms=1000
log.cleaner.backoff.ms=500
message.max.bytes=100000000
replica.fetch.max.bytes=100000000
"""
_LOGGING = """\
appenders=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%p %c{1} %m%n
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
logger.started.name=kafka.server.KafkaRaftServer
logger.started.level=INFO
"""


@contextmanager
def running_broker(folder: Path, port: int | None = None) -> Iterator[str]:
    """Run a broker that keeps its log in a folder, and yield its address; stop it afterwards.

    A folder that held a broker before goes on with its topics. ``port``: None for a free one. Raises InputError if its
    JARs are not there, LeadhouseError if it doesn't start. What goes wrong meanwhile is raised with a note of what the
    broker said: a client's "timed out" alone doesn't tell a slow broker from one that has ended.
    """
    chosen = port or _free_port()
    process = start_broker(folder, chosen)
    try:
        yield f"127.0.0.1:{chosen}"
    except Exception as problem:
        ended = process.poll()
        state = "is alive" if ended is None else f"has ended with {ended}"
        problem.add_note(f"the broker {state}; it said: {_said(folder)[-_NOTE_LENGTH:]}")
        raise
    finally:
        stop_broker(process)


@contextmanager
def sending(address: str, topic: str) -> Iterator[Callable[[bytes], None]]:
    """Yield a function that sends one message, without line breaks, to a topic of a broker."""
    command = ["java", "-Xmx256m", "-cp", f"{_jars()}/*", _PRODUCER, "--bootstrap-server", address, "--topic", topic]
    with subprocess.Popen(
        [*command, "--timeout", "5"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        if process.stdin is None:
            raise LeadhouseError("kafka: expected a producer that reads messages; its input is not open")
        into = process.stdin

        def send(message: bytes) -> None:
            into.write(message + b"\n")
            into.flush()

        yield send


def start_broker(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start a broker and return its process once it answers."""
    folder.mkdir(parents=True, exist_ok=True)
    properties, logging = folder / "server.properties", folder / "log4j2.properties"
    logging.write_text(_LOGGING, encoding="utf-8")
    properties.write_text(
        _PROPERTIES.format(port=port, controller=_free_port(), folder=folder.absolute()), encoding="utf-8"
    )
    java = ["java", "-Xmx512m", f"-Dlog4j2.configurationFile={logging.absolute()}", "-cp", f"{_jars()}/*"]
    if not (folder / "log" / "meta.properties").is_file():
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        form = [*java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
        made = subprocess.run(form, capture_output=True, text=True, check=False)
        if made.returncode:
            raise LeadhouseError(f"kafka: expected a new log in {folder}; it failed: {made.stderr.strip()[-500:]}")
    # A file, not a pipe: nobody would read the pipe later, and a broker whose pipe is full stands still.
    with (folder / _LOG).open("wb") as out:
        process = subprocess.Popen(
            [*java, "kafka.Kafka", str(properties)],
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for whoever started it, who then stops it in order
        )
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _STARTED not in (said := _said(folder)):
        if process.poll() is not None or time.monotonic() > deadline:
            stop_broker(process, at_once=True)
            raise LeadhouseError(f"kafka: expected a broker on port {port}; it ended or is too slow: {said[-500:]}")
        time.sleep(0.1)
    return process


def stop_broker(process: subprocess.Popen[bytes], *, at_once: bool = False) -> None:
    """Stop a broker and wait for its end. ``at_once``: as if its machine had failed."""
    process.send_signal(signal.SIGKILL if at_once else signal.SIGTERM)
    try:
        process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:  # an only controller may wait for others to take over
        process.kill()
        process.wait()


def _said(folder: Path) -> str:
    return (folder / _LOG).read_text(encoding="utf-8", errors="replace")


def _jars() -> Path:
    folder = jars_folder().with_name("broker")
    if not any(folder.glob("*kafka_2*.jar")):
        raise InputError(f"kafka: expected the broker's JARs in {folder}; found none; run 'make setup'")
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Run a broker until Ctrl-C."""
    with TemporaryDirectory() as folder, suppress(KeyboardInterrupt), running_broker(Path(folder), PORT) as address:
        print(f"A Kafka broker is at {address}; Ctrl-C stops it. To send lines to a topic, in another terminal:")
        print(f"  java -cp '{_jars()}/*' {_PRODUCER} --bootstrap-server {address} --topic clicks", flush=True)
        signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The Spark session: the only place that starts one and the only one that knows its settings."""

from __future__ import annotations

import os
import sys
from importlib.resources import files
from pathlib import Path

from pyspark.sql import SparkSession

from leadhouse.conf.errors import InputError
from leadhouse.jobs.runtime.jvm_names import remember_names

DRIVER_MEMORY = "LEADHOUSE_DRIVER_MEMORY"
"""Environment variable: memory of a local driver, as Spark writes it (``2g``)."""


def spark_defaults() -> dict[str, str]:
    """Return the shipped Spark settings (``conf/spark-defaults.conf``) as key → value."""
    text = files("leadhouse.conf").joinpath("spark-defaults.conf").read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return {key: value.strip() for key, _, value in (line.partition(" ") for line in lines if line and line[0] != "#")}


def jars_folder() -> Path:
    """Return the folder that ``make setup`` resolves the JVM dependencies into, inside the Python environment."""
    return Path(os.environ.get("LEADHOUSE_JARS") or Path(sys.prefix) / "share" / "leadhouse" / "jars")


def start_session(
    app_name: str, *, master: str = "local[*]", driver_memory: str | None = None, **conf: str
) -> SparkSession:
    """Return the running session, or start a local one with the shipped settings.

    Under ``spark-submit`` the master, the JARs and the memory come from its own options and win over the arguments.
    ``conf`` holds further settings, with ``__`` for a dot in the key. Raises InputError when the JVM dependencies are
    not there.
    """
    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    submitted = "PYSPARK_GATEWAY_PORT" in os.environ
    builder = SparkSession.builder.appName(app_name)
    settings = spark_defaults() | {key.replace("__", "."): value for key, value in conf.items()}
    if not submitted:
        # Workers must run this interpreter, not the system's; a laptop's host name may resolve to nowhere.
        os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        settings |= {
            "spark.master": master,
            "spark.driver.memory": driver_memory or os.environ.get(DRIVER_MEMORY, "3g"),
            "spark.driver.host": "127.0.0.1",
            "spark.jars": ",".join(_jars()),
        }
        log = Path(str(files("leadhouse.conf").joinpath("log4j2.properties")))
        settings["spark.driver.extraJavaOptions"] += f" -Dlog4j2.configurationFile={log.as_uri()}"
    for key, value in settings.items():
        builder = builder.config(key, value)
    remember_names()
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def _jars() -> list[str]:
    folder = jars_folder()
    jars = sorted(str(path) for path in folder.glob("*.jar"))
    if not any("delta-spark" in jar for jar in jars):
        raise InputError(f"JVM dependencies: expected Delta's JARs in {folder}; found none; run 'make setup'")
    return jars

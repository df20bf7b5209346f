"""One Spark for the whole test run, tuned for small data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from leadhouse.jobs.runtime.session import start_session

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A local session: one shuffle partition (three rows need no more), no UI, two cores."""
    session = start_session("tests", master="local[2]", driver_memory="2g", spark__sql__shuffle__partitions="1")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; the test skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data: no folder {SHARED_DATA.name} beside the checkout")
    return SHARED_DATA

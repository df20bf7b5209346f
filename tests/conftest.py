"""One Spark for the whole test run, tuned for small data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from leadhouse.jobs.runtime.session import start_session

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


LONG = (
    "test_real_data.py",
    "test_faults.py",
    "test_laws.py",
    "test_demo.py",
    "test_maintain.py",
    "test_follow.py",
    "test_notebooks.py",
    "test_topics.py",
    "test_bench.py",
)
"""Files that take minutes. They come first, so that no process is left alone with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; all else keeps its order."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


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

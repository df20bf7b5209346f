"""One Spark for the whole test run, tuned for small data, and one company's lake that tests may look at."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from leadhouse.jobs import ingest
from leadhouse.jobs.runtime import faults, kept_rows
from leadhouse.jobs.runtime.session import start_session
from tests.jobs.small_company import land, run_company, write_workspace

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
    "test_broker.py",
    "test_bench.py",
)
"""Files that take minutes. They come first, so that no process is left alone with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; all else keeps its order."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A local session: one shuffle partition (three rows need no more), no UI, two cores."""
    # Hundreds of lakes come and go: Delta would keep the state of each table for an hour, until memory is full.
    tuned = {"spark__sql__shuffle__partitions": "1", "spark__databricks__delta__delta__log__cacheSize": "100"}
    session = start_session("tests", master="local[2]", driver_memory="2g", **tuned)
    yield session
    session.stop()


@pytest.fixture(autouse=True)
def no_fault_left() -> Iterator[None]:
    """A fault that a test injects, and fails before it happens, must not happen to the next one."""
    yield
    os.environ.pop(faults.VARIABLE, None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; the test skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"real data: no folder {SHARED_DATA.name} beside the checkout")
    return SHARED_DATA


@pytest.fixture(scope="session")
def one_key() -> Iterator[None]:
    """Equal hashes in every lake that a test makes."""
    patch = pytest.MonkeyPatch()
    patch.setenv("LEADHOUSE_IDENTITY_KEY", "a secret of the tests only")
    yield
    patch.undo()


@pytest.fixture(scope="session")
def company(spark: SparkSession, one_key: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with workspace, landing and a lake after one whole run. Don't write to it.

    Spark writes all of it; the lakes of other tests are small enough for the driver to write, and must be equal.
    It is made once, whichever process of the tests needs it first.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "company"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            write_workspace(folder / "workspace")
            land(folder / "landing")
            with pytest.MonkeyPatch.context() as patch:
                for module, limit in ((kept_rows, "FEW_ROWS"), (ingest, "FEW_BYTES")):
                    patch.setattr(module, limit, -1)
                code, shown = run_company(folder / "lake", folder / "workspace", folder / "landing")
            assert code == 0, shown
            (folder / "made").touch()
    return folder

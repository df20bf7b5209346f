"""One company's lake after one whole run, shared by the tests that only look at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.jobs.small_company import land, run_company, write_workspace


@pytest.fixture(scope="session")
def one_key() -> Iterator[None]:
    """Equal hashes in every lake that a test makes."""
    patch = pytest.MonkeyPatch()
    patch.setenv("LEADHOUSE_IDENTITY_KEY", "a secret of the tests only")
    yield
    patch.undo()


@pytest.fixture(scope="session")
def company(spark: SparkSession, one_key: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with workspace, landing and a lake after one whole run. Don't write to it."""
    folder = tmp_path_factory.mktemp("company")
    write_workspace(folder / "workspace")
    land(folder / "landing")
    code, shown = run_company(folder / "lake", folder / "workspace", folder / "landing")
    assert code == 0, shown
    return folder

"""One company's lake after one whole run, shared by the tests that only look at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from leadhouse.jobs import ingest, refining
from leadhouse.jobs.runtime import job
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
    """A folder with workspace, landing and a lake after one whole run. Don't write to it.

    Spark writes all of it; the lakes of other tests are small enough for the driver to write, and must be equal.
    """
    folder = tmp_path_factory.mktemp("company")
    write_workspace(folder / "workspace")
    land(folder / "landing")
    with pytest.MonkeyPatch.context() as patch:
        for module, limit in ((job, "FEW_ROWS"), (refining, "FEW_ROWS"), (ingest, "FEW_BYTES")):
            patch.setattr(module, limit, -1)
        code, shown = run_company(folder / "lake", folder / "workspace", folder / "landing")
    assert code == 0, shown
    return folder

"""The notebooks run from top to bottom on a lake of the made-up company, and hold no code of their own."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from pyspark.sql import SparkSession

from leadhouse.conf.workspace import shipped_workspace
from leadhouse.jobs import cli
from leadhouse.jobs.company.company import make_company

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of 700 leads, taken through every job."""
    folder = tmp_path_factory.mktemp("notebook")
    make_company(folder, leads=700, seed=1)
    arguments = ["--workspace", str(shipped_workspace("demo")), "--landing", str(folder / "landing")]
    assert cli.main(["run", "--lake", str(folder / "lake"), *arguments]) == 0
    return folder / "lake"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_queries_and_plots_but_defines_nothing(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            kinds = {type(node) for node in ast.walk(ast.parse(cell.source))}
            assert not kinds & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda}
            assert not cell.outputs


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_a_fresh_lake(
    path: Path, lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADHOUSE_LAKE", str(lake))
    copy = Path(shutil.copy(path, tmp_path))  # executed away from the checkout: it may lean on nothing there
    notebook = nbformat.read(copy, as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 3
    assert not any(output.output_type == "error" for output in outputs)

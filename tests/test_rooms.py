"""The walls of the house: imports point one way, and each heavy library has one door."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "conf": {"conf"},
    "transforms": {"transforms", "conf"},
    "models": {"models", "transforms", "conf"},
    "expectations": {"expectations", "transforms", "conf"},
    "jobs": {"jobs", "models", "expectations", "transforms", "conf"},
    "bench": {"bench", "jobs", "models", "expectations", "transforms", "conf"},
}
ONE_DOOR = {
    "mlflow": {"models/registry.py"},
    "great_expectations": {"expectations/gate.py"},
    "delta": {"jobs/runtime/lake.py"},
}
IMPURE_IN_TRANSFORMS = (
    "current_timestamp",
    "datetime.now",
    "uuid4",
    ".rand(",
    ".collect(",
    ".toPandas(",
    "SparkSession",
)


def _modules(room: str) -> list[Path]:
    return [path for path in (ROOT / room).rglob("*.py") if "build" not in path.parts]


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_point_one_way(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in _modules(room)
        for name in _imports(path)
        if name.startswith("leadhouse.") and name.split(".")[1] not in MAY_IMPORT[room]
    ]
    assert wrong == []


def test_what_runs_jobs_knows_none_of_them() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in _modules("jobs/runtime")
        for name in _imports(path)
        if name.startswith("leadhouse.jobs.") and not name.startswith("leadhouse.jobs.runtime.")
    ]
    assert wrong == []


@pytest.mark.parametrize("library", ONE_DOOR)
def test_each_heavy_library_has_one_door(library: str) -> None:
    users = {
        str(path.relative_to(ROOT))
        for room in MAY_IMPORT
        if room != "bench"
        for path in _modules(room)
        if any(name == library or name.startswith(f"{library}.") for name in _imports(path))
    }
    assert users <= ONE_DOOR[library]


def test_transforms_hold_no_session_action_clock_or_chance() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in _modules("transforms")
        for word in IMPURE_IN_TRANSFORMS
        if word in path.read_text(encoding="utf-8")
    ]
    assert found == []


def test_no_job_file_hides_a_module_of_its_own_name() -> None:
    """A script's folder is first on sys.path: jobs/logging.py would be everybody's logging."""
    taken = {
        "delta",
        "mlflow",
        "logging",
        "tables",
        "xgboost",
        "pyspark",
        "typing",
        "queue",
        "secrets",
        "signal",
        "types",
    }
    assert {path.stem for path in (ROOT / "jobs").glob("*.py")} & taken == set()

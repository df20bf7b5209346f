"""A lake and a run over it, for the tests of single jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from pyspark.sql import Row, SparkSession

from leadhouse.conf.settings import Settings
from leadhouse.conf.workspace import Workspace
from leadhouse.expectations.odcs import read_contracts
from leadhouse.expectations.tables import table_schema, table_specs
from leadhouse.jobs.runtime.job import Run
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake
from tests.jobs.rows import row

TICK = datetime(2024, 5, 10, 12, tzinfo=UTC)
NOW = datetime(2024, 5, 10, 18, tzinfo=UTC)
_SECONDS = count()
"""The runs' clock: a second later each time that it is asked, since the book tells its rows apart by their moments."""


def a_run(
    spark: SparkSession,
    folder: Path,
    settings: Settings,
    lists: dict[str, str] | None = None,
    *,
    contracts: dict[str, str] | None = None,
    now: datetime = NOW,
    **more: Any,
) -> Run:
    """A run over the lake in ``folder`` from ``now`` on, with these list and contract files (name → text)."""
    workspace = folder / "workspace"
    list_files = _written(workspace / "lists", ".yaml", lists or {})
    contract_files = _written(workspace / "contracts", ".odcs.yaml", contracts or {})
    return Run(
        spark=spark,
        lake=open_lake(folder / "lake"),
        workspace=Workspace(workspace, settings, contract_files, list_files, ()),
        contracts=read_contracts(contract_files, settings.tenant),
        keys={"acme": b"a secret of the tests"},
        run_id="00000000-0000-4000-8000-000000000000",
        clock=lambda: now + timedelta(seconds=next(_SECONDS)),
        **more,
    )


def _written(folder: Path, ending: str, texts: dict[str, str]) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}{ending}").write_text(text)
    return tuple(sorted(folder.glob(f"*{ending}")))


def append(lake: Lake, table: str, rows: list[dict[str, Any]], number: int = 0) -> None:
    """Append rows to a table without a Spark job; what they leave out is plain. ``number`` tells writes apart."""
    entries = [row(table, **({"tenant": "acme"} | values)) for values in rows]
    lake.append_local(table, entries, app_id=f"test:{table}", app_version=number)


def fill(spark: SparkSession, lake: Lake, table: str, rows: list[dict[str, Any]], mode: str = "append") -> None:
    """Write rows into a table; what they leave out is empty or null."""
    spec = table_specs()[table]
    schema = table_schema(spec)
    empty: dict[str, Any] = {"STRING": "", "TIMESTAMP": TICK, "BOOLEAN": False, "INT": 0, "BIGINT": 0, "DOUBLE": 0.0}
    blank = {
        column.name: (
            empty.get(column.sql_type, {} if column.sql_type.startswith("MAP") else []) if column.required else None
        )
        for column in spec.columns
    }
    full = [tuple((blank | {"tenant": "acme"} | values)[name] for name in schema.names) for values in rows]
    version = lake.version(table) + 1
    lake.write(table, spark.createDataFrame(full, schema), mode=mode, app_id=f"test:{table}", app_version=version)


def content(spark: SparkSession, lake: Lake, table: str) -> list[Row]:
    """Everything in a table."""
    return lake.read(spark, table).collect()

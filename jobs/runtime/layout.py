"""How a lake lies on disk: its folder, its card and its tables, made here or brought to this release."""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, Schema
from pyspark.sql.pandas.types import to_arrow_schema

from leadhouse.conf.errors import InputError
from leadhouse.expectations.table_changes import released_form, write_released
from leadhouse.expectations.tables import TableSpec, table_schema, table_specs
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.lock import is_lock
from leadhouse.jobs.runtime.place import CARD, FORMAT_VERSION, Place, read_card
from leadhouse.jobs.runtime.whole_file import write_whole


def open_lake(root: Path) -> Lake:
    """Open the lake at a folder, making it and its missing tables first.

    Raises InputError if the path is a file, a folder that holds something else, or a lake of a newer layout.
    """
    root = root.absolute()
    card = root / CARD
    place = check_place(root)
    if place is not None:
        lake, up_to_date = Lake(place.root, place.lake_id), place.tables == _tables_digest()
    else:
        root.mkdir(parents=True, exist_ok=True)
        lake, up_to_date = Lake(root, uuid.uuid4().hex), False
        _write_card(card, lake.lake_id, tables="")
    for spec in table_specs().values():
        if not DeltaTable.is_deltatable(lake.table_path(spec.name)):
            _create(lake, spec)
        elif not up_to_date:
            _add_columns(lake, spec)
    if not up_to_date:
        _write_card(card, lake.lake_id, tables=_tables_digest())
    return lake


def check_place(root: Path) -> Place | None:
    """Return the lake at a path, or None where one can be made. Raises InputError if neither; nothing is written."""
    if root.exists() and not root.is_dir():
        raise InputError(f"lake: expected a folder at {root}; it is a file; choose another --lake")
    if (root / CARD).is_file():
        return read_card(root / CARD)
    # What a run that was killed at its very beginning leaves behind is no lake yet, and nothing else either.
    left_over = {"lake.partial", "identity.key", "identity.partial"}
    if root.is_dir() and any(path.name not in left_over and not is_lock(path.name) for path in root.iterdir()):
        raise InputError(
            f"lake: expected an empty folder or a lake at {root}; it holds something else; choose another --lake"
        )
    return None


def _tables_digest() -> str:
    """What tells this release's tables from those that a lake was last opened with."""
    return hashlib.sha256(write_released(released_form(table_specs())).encode()).hexdigest()


def _write_card(card: Path, lake_id: str, *, tables: str) -> None:
    write_whole(card, json.dumps({"lake_id": lake_id, "format": FORMAT_VERSION, "tables": tables}).encode())


def _add_columns(lake: Lake, spec: TableSpec) -> None:
    """Bring a table of an earlier release to the present contract: a new minor version only adds columns."""
    opened = lake.open(spec.name)
    there = {field.name for field in opened.schema().fields}
    missing = [field for field in Schema.from_arrow(_commented_schema(spec)).fields if field.name not in there]
    if required := [field.name for field in missing if not field.nullable]:
        raise InputError(
            f"{spec.name}: expected a table with {', '.join(required)}; an earlier major version made it without; "
            "start a new lake and let it take the landing folder again"
        )
    if missing:
        opened.alter.add_columns(missing)


def _create(lake: Lake, spec: TableSpec) -> None:
    # Only columns without personal data get statistics: they would stay in the log after a DELETE and VACUUM.
    indexed = [
        c.name for c in spec.columns if c.classification is None and "<" not in c.sql_type and c.sql_type != "BINARY"
    ]
    DeltaTable.create(
        lake.table_path(spec.name),
        schema=_commented_schema(spec),
        mode="ignore",
        name=spec.name,
        description=f"{spec.purpose} (contract {spec.version})",
        configuration={
            "delta.enableDeletionVectors": "false",
            "delta.dataSkippingStatsColumns": ",".join(indexed),
        },
    )


def _commented_schema(spec: TableSpec) -> pa.Schema:
    schema = to_arrow_schema(table_schema(spec))
    return pa.schema(
        [
            field.with_metadata({"comment": column.description})
            for field, column in zip(schema, spec.columns, strict=True)
        ]
    )

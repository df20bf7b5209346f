"""Where a lake lies on disk and how its tables are opened without a JVM: all that a reader needs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deltalake import DeltaTable

from leadhouse.conf.errors import InputError, LeadhouseError
from leadhouse.expectations.tables import TableSpec, table_specs
from leadhouse.jobs.runtime.table_log import appended_files, content_version

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

CARD = "lake.json"
"""The file that makes a folder a lake."""
FORMAT_VERSION = 1
"""Version of the lake's layout on disk, in ``lake.json``."""


@dataclass(frozen=True)
class Place:
    """A folder of Delta tables, one per table contract, with what belongs to them."""

    root: Path
    lake_id: str
    tables: str = ""
    """Digest of the table contracts that the lake was last opened for writing with."""

    def table_path(self, table: str) -> str:
        """Return where a table (``layer.name``) lives."""
        layer, _, name = table.partition(".")
        return str(self.root / layer / name)

    def log_path(self, table: str) -> Path:
        """Return the folder of a table's log."""
        return Path(self.table_path(table)) / "_delta_log"

    def checkpoint_path(self, job: str, generation: int) -> Path:
        """Return where a streaming job keeps its progress."""
        return self.root / "checkpoints" / job / str(generation)

    def version(self, table: str) -> int:
        """Return a table's newest version, without a JVM."""
        return self.open(table).version()

    def state(self, table: str, version: int | None = None) -> str:
        """Return what tells a table's content, now or at a version, from any other: its id and the version that last
        changed its rows. A table made anew has another id."""
        opened = self.open(table)
        known = opened.version() if version is None else version
        return f"{opened.metadata().id}:{content_version(self.log_path(table), known)}"

    def open(self, table: str, version: int | None = None) -> DeltaTable:
        """Open a table for reading without a JVM."""
        return DeltaTable(self.table_path(known_table(table).name), version=version)

    def dataset(self, table: str, version: int | None = None) -> ds.Dataset:
        """Open a table's newest version, or another, for pyarrow. Files are read by pyarrow itself: its threads calling
        back into Python while the interpreter ends would abort the process."""
        # Here, so that the commands that only look start fast.
        from pyarrow.fs import LocalFileSystem, SubTreeFileSystem

        files = SubTreeFileSystem(self.table_path(table), LocalFileSystem())
        return self.open(table, version).to_pyarrow_dataset(filesystem=files)

    def appended(self, table: str, after: int, version: int) -> pa.Table | None:
        """Return the rows that a table got after one version, up to another, without reading those of before; None if
        it was changed in any other way."""
        from pyarrow.dataset import dataset

        files = appended_files(self.log_path(table), after, version)
        if not files:
            return None
        folder = Path(self.table_path(table))
        return dataset([str(folder / file) for file in files], schema=self.dataset(table).schema).to_table()

    def exists(self, table: str) -> bool:
        """Whether a table has been made."""
        return DeltaTable.is_deltatable(self.table_path(table))

    def kept(self, digest: str) -> bytes:
        """Return a contract, list, policy or setting that the lake keeps by its SHA-256.

        Raises LeadhouseError if it is gone or was changed.
        """
        path = self.root / "definitions" / digest
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != digest:
            raise LeadhouseError(f"{path}: expected the definition of that hash; it is gone or changed; restore it")
        return content


def find_place(root: Path) -> Place:
    """Return the lake that must be at a folder. Raises InputError if it is not."""
    card = root.absolute() / CARD
    if not card.is_file():
        raise InputError(f"lake: expected a lake at {root}; there is none; run 'leadhouse run --lake {root}' first")
    return read_card(card)


def read_card(card: Path) -> Place:
    """Read a lake's card, ``lake.json``. Raises InputError if a newer Leadhouse made the lake."""
    try:
        content = json.loads(card.read_text(encoding="utf-8"))
        lake_id, layout, tables = str(content["lake_id"]), int(content["format"]), str(content.get("tables", ""))
    except (ValueError, KeyError, TypeError) as problem:
        raise LeadhouseError(f"{card}: expected a lake's card; it can't be read ({problem}); restore it") from problem
    if layout > FORMAT_VERSION:
        raise InputError(f"{card}: expected layout {FORMAT_VERSION} or older; got {layout}; install a newer Leadhouse")
    return Place(card.parent, lake_id, tables)


def known_table(table: str) -> TableSpec:
    """Return a table's contract. Raises InputError for a name that is no table."""
    specs = table_specs()
    if table not in specs:
        raise InputError(f"table: expected one of {', '.join(specs)}; got {table!r}")
    return specs[table]

"""All reads and writes of the lake's Delta tables, which ``layout`` makes. No other module has Spark touch Delta."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses
from pyspark.sql.pandas.types import to_arrow_schema

from leadhouse.expectations.tables import table_schema
from leadhouse.jobs.runtime.kept_rows import are_few, driver_rows
from leadhouse.jobs.runtime.lock import sharing_lock
from leadhouse.jobs.runtime.open_tables import forget, newest
from leadhouse.jobs.runtime.place import Place, known_table
from leadhouse.jobs.runtime.table_log import CONTENT, content_version, drop_stale_checksums, trim
from leadhouse.jobs.runtime.whole_file import write_whole

Mode = Literal["append", "overwrite", "renew"]
"""``renew``, for few rows only: overwrite, unless the table holds the same rows already."""

Since = tuple[str, datetime]
"""A column of moments, and the one from which on rows are wanted."""

_SORTED_IN_MEMORY = 1_000_000_000
"""Bytes that ordering a table's rows takes before it spills to disk."""
_FEW_FILES = 32
"""Up to so many files Spark reads by their names, which the driver knows: it would make them out anew from the log of
every version that it did not write itself, half a second each time."""
_PATTERN = frozenset("*?[]{}\\")
_TURNS_AWAY = 100
"""So often a small append gives way to the commits of other jobs, which all write into the book, before it fails."""


@dataclass(frozen=True)
class Lake(Place):
    """A lake that Spark jobs read and write."""

    def open(self, table: str, version: int | None = None) -> DeltaTable:
        """Open a table without a JVM, to be used at once: what is written next moves the newest version on."""
        opened = newest(self.table_path(known_table(table).name))
        return opened if version in (None, opened.version()) else super().open(table, version)

    def read(
        self, spark: SparkSession, table: str, version: int | None = None, since: Since | None = None
    ) -> DataFrame:
        """Read a table, at a version or as it stands now; ``since``: only the rows from a moment on, for which no file
        is read that its statistics say is older. What is small is read by the driver: see ``KeptRows``."""
        schema = table_schema(known_table(table))
        if self.is_small(table, version, since):
            wanted = None if since is None else pc.field(since[0]) >= pa.scalar(since[1])
            rows = self.dataset(table, version).to_table(filter=wanted)
            # A table of an earlier release has the columns that were added to it since at its end.
            return driver_rows(spark, rows.select(schema.names).cast(to_arrow_schema(schema)), schema)
        opened = self.open(table, version)
        if since is None and (files := self._few_files(opened, table)):
            return spark.read.schema(schema).parquet(*files)
        reader = spark.read.format("delta").option("versionAsOf", opened.version())
        rows = reader.load(self.table_path(known_table(table).name)).select(*schema.names)
        return rows if since is None else rows.where(F.col(since[0]) >= F.lit(since[1]))

    def stream(self, spark: SparkSession, table: str, options: Mapping[str, str]) -> DataFrame:
        """Read a table's appends as a stream."""
        return spark.readStream.format("delta").options(**options).load(self.table_path(known_table(table).name))

    def write(
        self, table: str, rows: DataFrame, *, mode: Mode, app_id: str, app_version: int, few: bool = False
    ) -> int:
        """Append, overwrite or renew once: a second write under an app id with a version not greater is skipped.

        ``rows`` must have the contract's columns, in any order. ``few`` says that they fit into the driver's memory:
        then the driver writes them, which takes a tenth of the time of a Spark commit. Returns the table's version
        after the write.
        """
        spec = known_table(table)
        ordered = rows.select(*[F.col(column.name) for column in spec.columns])
        if few:
            return self._write_local(table, ordered.toArrow(), mode, app_id, app_version)
        (
            ordered.write.format("delta")
            .mode(mode)
            .option("txnAppId", f"{self.lake_id}:{app_id}")
            .option("txnVersion", str(app_version))
            .save(self.table_path(table))
        )
        return self.version(table)

    def append_local(self, table: str, rows: list[dict[str, Any]], *, app_id: str, app_version: int) -> int:
        """Append a few driver-side rows without a JVM, once per app id and version, as ``write`` does."""
        schema = to_arrow_schema(table_schema(known_table(table)))
        return self._write_local(table, pa.Table.from_pylist(rows, schema=schema), "append", app_id, app_version)

    def has_written(self, table: str, *, app_id: str, app_version: int) -> bool:
        """Whether a write under an app id and version, or a later one, is in a table's log."""
        stored = self.open(table).transaction_version(f"{self.lake_id}:{app_id}")
        return stored is not None and stored >= app_version

    def is_small(self, table: str, version: int | None = None, since: Since | None = None) -> bool:
        """Whether the driver can hold all rows that a table had at a version, or those of the files that may have some
        from a moment on; its log alone tells."""
        files = pa.table(self.open(table, version).get_add_actions(flatten=True))
        if since is not None and (newest := f"max.{since[0]}") in files.column_names:
            files = files.filter((pc.field(newest) >= pa.scalar(since[1])) | pc.is_null(pc.field(newest)))
        rows, size = (int(pc.sum(files.column(name)).as_py() or 0) for name in ("num_records", "size_bytes"))
        return are_few(rows, size)

    def discard(self, table: str, batch: str) -> None:
        """Remove what a batch wrote into a table that nobody streams from."""
        self.open(table).delete(f"batch = '{batch}'")

    def remove(self, table: str, predicate: str, *, app_id: str, app_version: int) -> None:
        """Remove the rows that a predicate selects, once per app id and version, as ``write`` does."""
        opened = self.open(table)
        key = f"{self.lake_id}:{app_id}"
        stored = opened.transaction_version(key)
        if stored is None or stored < app_version:
            properties = CommitProperties(app_transactions=[Transaction(key, app_version)])
            opened.delete(predicate, commit_properties=properties)

    def compact(self, table: str, *, target_bytes: int, by: Sequence[str] = ()) -> None:
        """Join a table's files into ones of about a size; ``by``: order all rows by these columns on the way.

        Streams see no new rows, and ``state`` stays as it was.
        """
        optimize, properties = self.open(table).optimize, self._same_rows(table)
        if by:
            optimize.z_order(
                by, target_size=target_bytes, max_spill_size=_SORTED_IN_MEMORY, commit_properties=properties
            )
        else:
            optimize.compact(target_size=target_bytes, commit_properties=properties)

    def vacuum(self, table: str, *, hours: int, keep: Sequence[int], dry_run: bool = False) -> tuple[int, int]:
        """Remove the files that no version of the last ``hours`` needs, nor any version in ``keep``. Returns files and
        bytes."""
        folder = Path(self.table_path(table))
        opened = self.open(table)

        def unneeded(dry: bool, properties: CommitProperties | None = None) -> list[str]:
            return opened.vacuum(
                hours,
                dry_run=dry,
                enforce_retention_duration=False,
                full=True,  # also what a killed writer left behind, which no log names
                keep_versions=list(keep) or None,
                commit_properties=properties,
            )

        # What was removed before is named again, as long as the log remembers it.
        found = {path: (folder / path).stat().st_size for path in unneeded(True) if (folder / path).exists()}
        if found and not dry_run:
            unneeded(False, self._same_rows(table))
            for path in found:  # Hadoop's checksums lie beside
                (folder / path).with_name(f".{(folder / path).name}.crc").unlink(missing_ok=True)
        return len(found), sum(found.values())

    def checkpoint(self, table: str) -> None:
        """Write down a table's state as one file, so that whoever opens it needn't read its log from the beginning."""
        self.open(table).create_checkpoint()
        drop_stale_checksums(self.log_path(table))

    def trim_log(self, table: str, *, floor: int, before: float, dry_run: bool = False) -> int:
        """Remove old commits that a checkpoint replaces, see ``table_log.trim``. Returns how many."""
        trimmed = trim(self.log_path(table), floor=floor, before=before, dry_run=dry_run)
        forget(self.table_path(table))  # an open table goes on asking for the commits that it was read from
        return trimmed

    def _has_same(self, table: str, rows: pa.Table) -> bool:
        """Whether a table holds these rows and no others, by their content hashes."""
        columns = ["tenant", "content_hash"]
        if not self.is_small(table):
            return False
        there = self.dataset(table).to_table(columns=columns)
        order = [(name, "ascending") for name in columns]
        return bool(there.sort_by(order).equals(rows.select(columns).cast(there.schema).sort_by(order)))

    def _few_files(self, opened: DeltaTable, table: str) -> list[str]:
        """The paths of a table's files if they are few; none if Spark would take their folder for a pattern."""
        folder = self.table_path(table)
        names = pa.table(opened.get_add_actions()).column("path").to_pylist()
        if len(names) > _FEW_FILES or _PATTERN & set(folder):
            return []
        return [f"{folder}/{name}" for name in names]

    def _same_rows(self, table: str) -> CommitProperties:
        return CommitProperties({CONTENT: content_version(self.log_path(table), self.version(table))})

    def _write_local(self, table: str, rows: pa.Table, mode: Mode, app_id: str, app_version: int) -> int:
        opened = self.open(table)
        key = f"{self.lake_id}:{app_id}"
        stored = opened.transaction_version(key)
        if stored is not None and stored >= app_version:
            return self.version(table)
        # To append nothing needs no commit: a retry would append nothing again.
        if not (self._has_same(table, rows) if mode == "renew" else mode == "append" and not rows.num_rows):
            write_deltalake(
                opened,
                rows.cast(to_arrow_schema(table_schema(known_table(table)))),
                mode="append" if mode == "append" else "overwrite",
                commit_properties=CommitProperties(
                    app_transactions=[Transaction(key, app_version)], max_commit_retries=_TURNS_AWAY
                ),
            )
            drop_stale_checksums(self.log_path(table))  # delta-rs makes a checkpoint by itself every 100 commits
        return self.version(table)

    def keep(self, content: bytes) -> str:
        """Store a contract, list, policy or setting by its SHA-256, for replays, and return that hash."""
        digest = hashlib.sha256(content).hexdigest()
        folder = self.root / "definitions"
        folder.mkdir(exist_ok=True)
        path = folder / digest
        if not path.exists():
            with sharing_lock(self.root):  # jobs beside each other depend on the same files
                write_whole(path, content)
        return digest

"""One table kept small: its files joined and ordered, what nobody needs any more removed, its log cut short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from leadhouse.conf.settings import Maintenance
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.pins import Pins
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.table_log import unchecked

ORDER = ("tenant", "occurred_at")
"""Tables with these columns are ordered by them when they are large."""
_GROWN = 1.5
"""A table is ordered again when it is so many times as large as it was then: ordering writes all of it."""
_CHECKPOINT_AFTER = 10
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Files:
    """The files of a table's newest version."""

    count: int
    small: int
    size: int
    one_tenant: bool


@dataclass(frozen=True)
class Kept:
    """What was done to a table."""

    table: str
    files_before: int
    files_after: int
    ordered: bool = False
    files_removed: int = 0
    """Files that no version needs any more."""
    bytes_freed: int = 0
    versions_trimmed: int = 0
    note: str = ""

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do."""
        return self.files_before == self.files_after and not (
            self.ordered or self.files_removed or self.versions_trimmed or self.note
        )


def files_of(place: Place, table: str, settings: Maintenance) -> Files:
    """Return how many files a table has, and how many of them are small, from its log alone."""
    files = pa.table(place.open(table).get_add_actions(flatten=True))
    sizes = files.column("size_bytes")
    tenants = {
        tenant
        for name in ("min.tenant", "max.tenant")
        if name in files.column_names
        for tenant in files.column(name).to_pylist()
    }
    small = pc.sum(pc.less(sizes, settings.file_megabytes * _MEGABYTE // 4)).as_py()
    return Files(len(sizes), int(small or 0), int(pc.sum(sizes).as_py() or 0), len(tenants) == 1)


def keep_table(
    lake: Lake,
    table: str,
    settings: Maintenance,
    pins: Pins,
    *,
    clock: Callable[[], datetime],
    ordered_at: int | None,
    has_time: Callable[[], bool],
    dry_run: bool,
) -> Kept:
    """Do what a table needs: join its files, remove what no version of the last days needs, cut its log.

    Each of the three is whole or not begun. ``ordered_at``: the table's bytes when it was ordered, None if it never
    was. What an unfinished batch reads, or a stream has yet to take, stays.
    """
    before = files_of(lake, table, settings)
    ordering = _is_to_order(table, before, settings, ordered_at)
    joining = ordering or before.small >= settings.small_files
    if joining and not dry_run:
        target = settings.file_megabytes * _MEGABYTE
        # The curve through several columns is coarse: of one tenant's rows the time alone is the better order.
        by = ORDER[1:] if before.one_tenant else ORDER
        lake.compact(table, target_bytes=target, by=by if ordering else ())
    after = files_of(lake, table, settings).count if not dry_run else _estimate(before, joining, settings)
    kept = Kept(table, before.count, after, ordering)
    if table in pins.behind:
        waits = f"{pins.behind[table]} has not taken all of it: old files stay"
        return Kept(table, before.count, after, ordering, note=waits)
    if not has_time():
        return kept
    pinned = pins.versions.get(table, ())
    removed, freed = lake.vacuum(table, hours=24 * settings.history_days, keep=pinned, dry_run=dry_run)
    if unchecked(lake.log_path(table)) >= _CHECKPOINT_AFTER and not dry_run:
        lake.checkpoint(table)
    trimmed = lake.trim_log(
        table,
        floor=pins.floor(table, lake.version(table)),
        before=(clock() - timedelta(days=settings.history_days)).timestamp(),
        dry_run=dry_run,
    )
    return Kept(table, before.count, after, ordering, removed, freed, trimmed)


def _is_to_order(table: str, files: Files, settings: Maintenance, ordered_at: int | None) -> bool:
    columns = {column.name for column in table_specs()[table].columns}
    large = files.size >= settings.cluster_megabytes * _MEGABYTE
    return large and columns.issuperset(ORDER) and (ordered_at is None or files.size >= _GROWN * ordered_at)


def _estimate(files: Files, joining: bool, settings: Maintenance) -> int:
    return files.count - files.small + 1 if joining else files.count

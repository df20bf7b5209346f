"""A full export within a unit: what it holds, what it lacks, and whether it lacks too much to be believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.expectations.contract import Contract
from leadhouse.jobs.runtime.batches import Quality
from leadhouse.transforms.absence import DELETED, entities, exports, presence_changes, standing_entities
from leadhouse.transforms.fact_mapping import FactMapping

EXPECTATION = "full_export_keeps_its_rows"
"""Name in ops.quality of what Great Expectations can't judge: an export beside what stood before it."""
ALWAYS_BELIEVED = 10
"""So many rows may be gone from an export of less than the contract's ``minRows``."""


@dataclass(frozen=True)
class Export:
    """The newest export of a unit, beside the rows that stood before it."""

    present: DataFrame
    standing: DataFrame
    whole: bool
    received_at: datetime
    known_at: datetime
    quality: tuple[Quality, ...]
    notes: tuple[str, ...]

    def changes(self, source: str, batch: str) -> DataFrame:
        """Return what the export says by what it holds and lacks, with the columns of silver.traits."""
        return presence_changes(
            self.present,
            self.standing,
            whole=self.whole,
            source=source,
            received_at=self.received_at,
            known_at=self.known_at,
            batch=batch,
        )


def take_export(
    items: DataFrame,
    contract: Contract,
    mapping: FactMapping,
    *,
    history: DataFrame | None,
    traits: DataFrame | None,
    records: DataFrame,
    files: DataFrame,
) -> Export | None:
    """Compare a unit's newest export with what the source's exports held so far; None if there is nothing to compare.

    ``items`` are all keyed items of the unit, ``history`` the source's rows of silver.items, ``traits`` those of
    silver.traits (None: there are none yet), ``records`` and ``files`` its rows of bronze. Of several exports in one
    batch the one whose path sorts last is the newest; the others count as what stood before it. An export that is not
    wholly in this batch, or holds rows whose key can't be told, proves no absence: a note says so.
    """
    found = sorted(
        exports(items, _unnamed(mapping)).collect(), key=lambda row: (row.received_at, row.origin, row.partition)
    )
    if not found or (history is None and len(found) == 1):
        return None
    newest = found[-1]
    own = (F.col("origin") == newest.origin) & (F.col("partition") == newest.partition)
    present = entities(items.where(own), _said_gone(mapping))
    earlier = entities(items.where(~own & (F.size("failures") == 0)), _said_gone(mapping))
    standing = standing_entities(history, traits, earlier)
    doubts = _doubts(contract, newest, records.where(own).count(), _reads_to_the_end(files, newest), history)
    quality: tuple[Quality, ...] = ()
    notes = doubts
    if not doubts:
        stood, lacking = _missing(present, standing)
        quality = (_judged(contract, stood, lacking),)
        if lacking:
            notes = (f"{contract.source}: {lacking:,} of {stood:,} rows are gone from the export: deleted",)
    return Export(present, standing, not doubts, newest.received_at, newest.known_at, quality, notes)


def _reads_to_the_end(files: DataFrame, newest: Row) -> bool:
    """Whether the file's listed ranges reach its end: a last record without a line end is not listed at once."""
    own = (F.col("path") == newest.origin) & (F.col("file_version") == newest.partition)
    row = files.where(own).agg(F.max("to_byte"), F.max("size")).first()
    return bool(row and row[0] is not None and row[0] >= row[1])


def _unnamed(mapping: FactMapping) -> Column:
    """Whether an item's key can't be told: it could not be read at all, or what is wrong with it is the key."""
    keys = [F.lit(name) for name in mapping.key_fields]
    return F.exists("failures", lambda failure: failure["column"].isNull() | failure["column"].isin(*keys))


def _said_gone(mapping: FactMapping) -> Column:
    said = [F.col("row")[field.field] for field in mapping.traits if field.trait == DELETED]
    return F.coalesce(*said, F.lit(False)) if said else F.lit(False)


def _doubts(
    contract: Contract, newest: Row, taken: int, to_the_end: bool, history: DataFrame | None
) -> tuple[str, ...]:
    """Why the export proves no row's absence; nothing if it does."""
    latest = history.agg(F.max("known_at")).first() if history is not None else None
    file = f"{contract.source}: {newest.origin}"
    if latest and latest[0] and latest[0] > newest.received_at:
        return (f"{file} is older than what is in already: it proves no row's absence",)
    if newest.records < taken or not to_the_end:
        return (f"{file} was not complete when it was read: it proves no row's absence",)
    if newest.unnamed:
        return (f"{contract.source}: {newest.unnamed:,} rows without a readable key: no row's absence is proved",)
    return ()


def _missing(present: DataFrame, standing: DataFrame) -> tuple[int, int]:
    key = ["tenant", "entity_key"]
    there = standing.where(~F.col("gone")).select(*key).join(present.select(*key, F.lit(1).alias("here")), key, "left")
    row = there.agg(F.count(F.lit(1)), F.count_if(F.col("here").isNull())).first()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _judged(contract: Contract, stood: int, lacking: int) -> Quality:
    """A large share of the rows gone at once is not believed; of few rows a few may always go."""
    few = stood < contract.min_rows and lacking <= ALWAYS_BELIEVED
    believed = few or lacking <= contract.max_shrink * stood
    observed = f"expected at most {contract.max_shrink:.0%} of {stood:,} rows to be gone; {lacking:,} are"
    return Quality(contract.tenant, contract.source, EXPECTATION, None, believed, "" if believed else observed)

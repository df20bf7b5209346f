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


@dataclass(frozen=True)
class Export:
    """The newest export of a unit, beside the rows that stood before it."""

    present: DataFrame
    standing: DataFrame
    whole: bool
    received_at: datetime
    quality: tuple[Quality, ...]
    notes: tuple[str, ...]

    def changes(self, source: str, batch: str) -> DataFrame:
        """Return what the export says by what it holds and lacks, with the columns of silver.traits."""
        return presence_changes(
            self.present, self.standing, whole=self.whole, source=source, received_at=self.received_at, batch=batch
        )


def take_export(
    items: DataFrame,
    contract: Contract,
    mapping: FactMapping,
    *,
    history: DataFrame | None,
    traits: DataFrame | None,
    records: DataFrame,
) -> Export | None:
    """Compare a unit's newest export with what the source's exports held so far; None if there is nothing to compare.

    ``items`` are all keyed items of the unit, ``history`` the source's rows of silver.items, ``traits`` those of
    silver.traits (None: there are none yet), ``records`` its rows of bronze.records. An export that is not wholly in
    this batch, or holds rows whose key can't be told, proves no absence: a note says so.
    """
    found = sorted(
        exports(items, _unnamed(mapping)).collect(), key=lambda row: (row.received_at, row.origin, row.partition)
    )
    if not found or history is None:
        return None
    newest = found[-1]
    own = (F.col("origin") == newest.origin) & (F.col("partition") == newest.partition)
    present = entities(items.where(own), _said_gone(mapping))
    standing = standing_entities(history, traits)
    taken = records.where(own).count()
    notes = _doubts(contract, newest, taken)
    whole = not notes
    quality: tuple[Quality, ...] = ()
    if whole:
        stood, lacking = _missing(present, standing)
        quality = (_judged(contract, stood, lacking),)
        if lacking:
            notes = (f"{contract.source}: {lacking:,} of {stood:,} rows are gone from the export: deleted",)
    return Export(present, standing, whole, newest.received_at, quality, notes)


def _unnamed(mapping: FactMapping) -> Column:
    """Whether an item's key can't be told: it could not be read at all, or what is wrong with it is the key."""
    keys = [F.lit(name) for name in mapping.key_fields]
    return F.exists("failures", lambda failure: failure["column"].isNull() | failure["column"].isin(*keys))


def _said_gone(mapping: FactMapping) -> Column:
    said = [F.col("row")[field.field] for field in mapping.traits if field.trait == DELETED]
    return F.coalesce(*said, F.lit(False)) if said else F.lit(False)


def _doubts(contract: Contract, newest: Row, taken: int) -> tuple[str, ...]:
    if newest.records < taken:
        return (f"{contract.source}: {newest.origin} came in several batches: it proves no row's absence",)
    if newest.unnamed:
        return (f"{contract.source}: {newest.unnamed:,} rows without a readable key: no row's absence is proved",)
    return ()


def _missing(present: DataFrame, standing: DataFrame) -> tuple[int, int]:
    key = ["tenant", "entity_key"]
    there = standing.where(~F.col("gone")).select(*key).join(present.select(*key, F.lit(1).alias("here")), key, "left")
    row = there.agg(F.count(F.lit(1)), F.count_if(F.col("here").isNull())).first()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _judged(contract: Contract, stood: int, lacking: int) -> Quality:
    """A few rows gone from a small export say nothing about it; a large share of a large one does."""
    believed = stood < contract.min_rows or lacking <= contract.max_shrink * stood
    observed = f"expected at most {contract.max_shrink:.0%} of {stood:,} rows to be gone; {lacking:,} are"
    return Quality(contract.tenant, contract.source, EXPECTATION, None, believed, "" if believed else observed)

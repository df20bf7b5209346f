"""One tenant's one source in one batch: the unit that the gate judges, from records to accepted items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.expectations.contract import Contract
from leadhouse.expectations.gate import judge
from leadhouse.expectations.mapping import fact_mapping, parse_spec
from leadhouse.expectations.rules import failures, present_texts, typed_row
from leadhouse.expectations.suite import judged_fields, suite
from leadhouse.jobs.exports import Export, take_export
from leadhouse.jobs.runtime.batches import Count, Quality
from leadhouse.transforms.deduplicate import item_statuses
from leadhouse.transforms.fact_mapping import FactMapping
from leadhouse.transforms.item_keys import keyed_items
from leadhouse.transforms.json_path import outermost_name
from leadhouse.transforms.kept_columns import kept_columns
from leadhouse.transforms.parse import ParseSpec, json_fields, parse_records

Headers = dict[str | None, tuple[str, ...]]
"""Header id → column names; None for records without a header."""

_BROADCAST_ROWS = 100_000
_TASKS = 8
"""So many tasks parse a batch that the driver can hold, if there are cores for them."""
_LOOKED_AT = 1_000
"""Records of a large batch that are looked at for fields without a name in the contract: producers change as a whole,
so that the first records tell. Of a small batch all are: a limit has a name of its own each time, and is compiled
anew."""
_SHOWN = 20


@dataclass(frozen=True)
class Known:
    """What the lake held of a unit's tenant and source when the batch began; None: nothing yet."""

    items: DataFrame | None = None
    """Rows of silver.items, of all sources of the tenant that may share the key."""
    traits: DataFrame | None = None
    """Rows of silver.traits. They and the following two are for sources that deliver full exports."""
    records: DataFrame | None = None
    """Rows of bronze.records."""
    files: DataFrame | None = None
    """Rows of bronze.files."""
    refused: DataFrame | None = None
    """For records that are taken again: rows of silver.quarantine. Items that were refused before, for the same reason,
    and items that have passed before, are left out."""


@dataclass(frozen=True)
class Unit:
    """A unit after parsing, rules and gate."""

    contract: Contract
    mapping: FactMapping
    items: DataFrame
    """All items, with failures (empty where good)."""
    accepted: DataFrame
    """The good items that are no duplicates, keyed."""
    statuses: DataFrame
    export: Export | None
    """Where the source delivers full exports: what the newest one lacks."""
    counts: tuple[Count, ...]
    quality: tuple[Quality, ...]
    held: bool
    notes: tuple[str, ...]
    refused_before: int = 0
    """Items that the ledger has counted already, as refused: the unit's records are taken again."""

    def count(self, measure: str) -> int:
        """Return one of the unit's counts."""
        return next((count.rows for count in self.counts if count.measure == measure), 0)

    @property
    def ledger(self) -> tuple[Count, ...]:
        """What the batch adds to the count ledger: an item that was refused before leaves that account."""
        moved = {"items": self.refused_before, "quarantined": self.refused_before}
        return tuple(replace(count, rows=count.rows - moved.get(count.measure, 0)) for count in self.counts)


def take_unit(
    records: DataFrame,
    contract: Contract,
    headers: Headers,
    known: Known,
    *,
    key: bytes,
    default_region: str,
    keep: Callable[[DataFrame, str], tuple[DataFrame, Mapping[tuple[Any, ...], int]]],
    few: bool = False,
    released_at: datetime | None = None,
) -> Unit:
    """Parse a unit's records, judge them by rules and gate, and tell new items from known ones.

    ``records`` are bronze records of one tenant and source. ``released_at``: a person let them pass at that moment,
    whatever the gate says, and what they say counts as known from then on. ``keep`` computes rows once that are used
    more than once, and counts those of each value of a column. ``few``: the driver can hold the records.
    """
    # Coalesced, since what is made of rows at hand Spark computes while it plans, row by row, instead of in its tasks.
    lines = records.coalesce(_TASKS) if few else records
    parsed = [_parsed(lines, contract, header_id, header) for header_id, header in headers.items()]
    mapping = fact_mapping(contract, default_region)
    # Keys are kept with the items: statuses, facts and links would each hash them again.
    judged = keyed_items(_judged(reduce(DataFrame.unionByName, parsed), contract), mapping, key)
    known_at = F.col("received_at") if released_at is None else F.lit(released_at)
    if known.refused is not None:
        judged = _changed(judged, known.items, known.refused)
    items, tally = keep(_slim(judged, contract, mapping, known_at), "good")
    total, good_count = sum(tally.values()), tally.get((True,), 0)
    good = items.where("good")
    again = known.refused.select("record_id", "item").distinct() if known.refused is not None else None
    before = items.join(again, ["record_id", "item"], "left_semi").count() if again is not None else 0
    export = _export(items, contract, mapping, known)
    quality = _quality(good, contract, total, good_count) + (export.quality if export else ())
    held = released_at is None and not all(entry.success for entry in quality)
    space = (F.col("tenant") == contract.tenant) & (F.lit(mapping.global_key) | (F.col("source") == contract.source))
    history = known.items.where(space) if known.items is not None else None
    stated = item_statuses(good, history, by_order=not mapping.says_when, one_key=mapping.keyed_events, few=few)
    statuses, by_status = keep(stated, "status")
    repeats = 0 if held else by_status.get(("duplicate",), 0)
    measures = {
        "items": total,
        "quarantined": 0 if held else total - good_count,
        "held": total if held else 0,
        "duplicate": repeats,
        "accepted": 0 if held else good_count - repeats,
    }
    return Unit(
        contract=contract,
        mapping=mapping,
        items=items,
        accepted=_without_repeats(good, statuses, repeats),
        statuses=statuses,
        export=export,
        counts=tuple(Count(contract.tenant, contract.source, measure, rows) for measure, rows in measures.items()),
        quality=quality,
        held=held,
        notes=(
            *_added(records if few else records.limit(_LOOKED_AT), contract, headers),
            *_held_notes(contract, quality, held),
            *(export.notes if export and not held else ()),
        ),
        refused_before=before,
    )


def _parsed(records: DataFrame, contract: Contract, header_id: str | None, header: tuple[str, ...]) -> DataFrame:
    spec: ParseSpec = parse_spec(contract)
    if contract.shape.format == "json":
        return parse_records(records, spec, None)
    parsed = parse_records(records.where(F.col("header_id").eqNullSafe(F.lit(header_id))), spec, header)
    missing = [physical for _, physical in spec.fields if physical not in header]
    if not missing:
        return parsed
    message = f"expected the column {missing[0]!r} that the contract names; the file's header has none"
    refusal = F.struct(F.lit("column").alias("rule"), F.lit(message).alias("message"))
    return parsed.withColumn("problem", F.coalesce("problem", refusal))


def _judged(parsed: DataFrame, contract: Contract) -> DataFrame:
    present = parsed.withColumn("texts", present_texts(contract))
    typed = present.withColumn("row", typed_row(contract))
    return typed.withColumn("failures", failures(contract)).drop("problem")


def _changed(judged: DataFrame, passed: DataFrame | None, refused: DataFrame) -> DataFrame:
    """Of records that are taken again, keep the items about which there is something new to say."""
    key = ["record_id", "item"]
    if passed is not None:
        judged = judged.join(passed.select(*key), key, "left_anti")
    first = F.try_element_at("failures", F.lit(1))
    said = judged.withColumns({part: first[part] for part in ("rule", "column", "message")})
    before = refused.select(*key, *[F.col(part).alias(f"_{part}") for part in ("rule", "column", "message")])
    same = [said[part].eqNullSafe(before[f"_{part}"]) for part in ("rule", "column", "message")]
    again = [said[part] == before[part] for part in key]
    return said.join(before, [*again, *same], "left_anti").select(*judged.columns)


def _slim(items: DataFrame, contract: Contract, mapping: FactMapping, known_at: Column) -> DataFrame:
    """Keep only the fields that become facts or that the gate looks at: the others have been judged by now. Add which
    items are good, and since when we know what they say."""
    kept = mapping.fields_in_facts | judged_fields(contract)
    names = tuple(field.name for field in contract.fields if field.name in kept) or (contract.fields[0].name,)
    texts = tuple(dict.fromkeys(field.field for field in mapping.traits))
    said = _part("texts", texts) if texts else F.lit(None)
    good = F.size("failures") == 0
    return items.withColumns({"row": _part("row", names), "texts": said, "good": good, "known_at": known_at})


@kept_columns
def _part(struct: str, names: tuple[str, ...]) -> Column:
    return F.struct(*[F.col(struct)[name].alias(name) for name in names])


def _export(items: DataFrame, contract: Contract, mapping: FactMapping, known: Known) -> Export | None:
    if contract.delivery != "full" or not contract.creates_leads or known.refused is not None:
        return None
    if known.records is None or known.files is None:
        return None
    own = (F.col("tenant") == contract.tenant) & (F.col("source") == contract.source)
    traits = known.traits.where(own) if known.traits is not None else None
    history = known.items.where(own) if known.items is not None else None
    records, files = known.records.where(own), known.files.where(own)
    return take_export(items, contract, mapping, history=history, traits=traits, records=records, files=files)


def _quality(good: DataFrame, contract: Contract, items: int, accepted: int) -> tuple[Quality, ...]:
    specs = suite(contract, items=items, accepted=accepted)
    verdicts = judge(good.select("row.*"), specs, size=accepted)
    return tuple(
        Quality(
            contract.tenant, contract.source, verdict.expectation, verdict.column, verdict.success, verdict.observed
        )
        for verdict in verdicts
    )


def _without_repeats(keyed: DataFrame, statuses: DataFrame, repeats: int) -> DataFrame:
    if repeats == 0:
        return keyed
    repeated = statuses.where(F.col("status") == "duplicate").select("record_id", "item")
    return keyed.join(
        F.broadcast(repeated) if repeats < _BROADCAST_ROWS else repeated, ["record_id", "item"], "left_anti"
    )


def _added(records: DataFrame, contract: Contract, headers: Headers) -> tuple[str, ...]:
    """Say which columns or fields are there that the contract doesn't name. They are in bronze, as they came."""
    shape, what = contract.shape, "columns"
    if shape.format == "csv":
        known = {field.physical_name for field in contract.fields}
        names = {name for header in headers.values() for name in header if name}
    else:
        what = "fields"
        paths = [field.physical_name for field in contract.fields]
        if shape.items is None:
            paths = [path.removeprefix("$.") for path in paths]
        known = {outermost_name(path) for path in paths}
        names = {name for row in json_fields(records, shape.encoding, shape.items).collect() for name in row["names"]}
    if not (added := sorted(names - known)):
        return ()
    shown = ", ".join(added[:_SHOWN]) + (f" and {len(added) - _SHOWN} more" if len(added) > _SHOWN else "")
    return (f"{contract.source}: {what} that the contract doesn't name, kept in bronze: {shown}",)


def _held_notes(contract: Contract, quality: tuple[Quality, ...], held: bool) -> tuple[str, ...]:
    if not held:
        return ()
    failed = "; ".join(
        f"{entry.expectation}({entry.column or ''}): {entry.observed}" for entry in quality if not entry.success
    )
    return (f"{contract.source}: held by the gate: {failed}",)

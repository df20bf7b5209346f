"""Records to facts: a batch's records by unit, from parsing to what is written. Refine does it with new records, and
again with those that a person has released."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.conf.errors import LeadhouseError
from leadhouse.expectations.contract import Contract
from leadhouse.jobs.runtime.book import COMPLETE, HELD
from leadhouse.jobs.runtime.definitions import pinned_contracts, pinned_identity
from leadhouse.jobs.runtime.faults import reach
from leadhouse.jobs.runtime.job import Result, Step
from leadhouse.jobs.runtime.kept_rows import are_few
from leadhouse.jobs.units import Headers, Known, Unit, take_unit
from leadhouse.transforms import facts, identity
from leadhouse.transforms.deduplicate import known_of, new_facts, unknown_facts

_READ_AND_WRITTEN = (
    "silver.quarantine",
    "silver.items",
    "silver.traits",
    "silver.outcomes",
    "silver.consents",
    "silver.identity_links",
    "silver.identities",
    "ops.held",
)
REFINE_READS = ("bronze.records", "bronze.files", *_READ_AND_WRITTEN)
REFINE_WRITES = ("silver.signals", *_READ_AND_WRITTEN)
"""What a job must be allowed to read and write to call ``refine_records``."""

_FACTS: Mapping[str, tuple[str, Callable[..., DataFrame]]] = {
    "silver.traits": ("trait_id", facts.traits),
    "silver.outcomes": ("outcome_id", facts.outcomes),
    "silver.consents": ("consent_id", facts.consents),
    "silver.identity_links": ("link_id", facts.identity_links),
}


def refine_records(
    step: Step, records: DataFrame, *, released_at: datetime | None = None, again: bool = False
) -> Result:
    """Turn records into facts, unit by unit, and write them.

    ``released_at`` says since when we know what the records say: a person let them pass, whatever the gate says. None:
    since they were received, if the gate lets them pass. ``again``: the records were refused before; only what is new
    about them is written.
    """
    units = take_units(step, records, released_at=released_at, again=again)
    _write(step, units)
    return Result(
        counts=tuple(count for unit in units for count in unit.ledger),
        quality=tuple(entry for unit in units for entry in unit.quality),
        status=HELD if any(unit.held for unit in units) else COMPLETE,
        notes=tuple(note for unit in units for note in unit.notes),
    )


def unaccounted(step: Step, records: DataFrame, tables: Sequence[str]) -> DataFrame:
    """Leave out the records that one of the tables already tells of."""
    for table in tables:
        records = records.join(step.read(table).select("record_id").distinct(), "record_id", "left_anti")
    return records


def take_units(
    step: Step, records: DataFrame, *, released_at: datetime | None = None, again: bool = False, alone: bool = False
) -> list[Unit]:
    """Parse and judge records, unit by unit.

    ``released_at`` and ``again`` as of ``refine_records``; ``alone``: as if nothing had come before them.
    """
    contracts = {(contract.tenant, contract.source): contract for contract in pinned_contracts(step)}
    rows, size = F.count(F.lit(1)).alias("rows"), F.sum(F.length("raw")).alias("bytes")
    found = records.groupBy("tenant", "source", "header_id").agg(rows, size).collect()
    few = are_few(sum(row["rows"] for row in found), sum(row["bytes"] or 0 for row in found))
    if few:
        records = step.keep(records, few=True)
    missing = sorted({row["source"] for row in found if (row["tenant"], row["source"]) not in contracts})
    if missing:
        raise LeadhouseError(
            f"refine: expected a contract for every source with new records; {', '.join(missing)} has none; put it back"
        )
    seen = _headers(step) if any(row["header_id"] is not None for row in found) else {}
    headers: dict[tuple[str, str], Headers] = {}
    for row in found:
        columns = seen.get((row["tenant"], row["source"], row["header_id"]), ())
        headers.setdefault((row["tenant"], row["source"]), {})[row["header_id"]] = columns
    known = Known() if alone else _known(step, [contracts[unit] for unit in headers], again)
    units: list[Unit] = []
    region = pinned_identity(step).default_region
    for tenant, source in sorted(headers):
        contract = contracts[tenant, source]
        taken = take_unit(
            records.where((F.col("tenant") == tenant) & (F.col("source") == source)),
            contract,
            headers[tenant, source],
            _with_batch(known, units, contract, step.batch.name),
            key=step.run.keys[tenant],
            default_region=region,
            keep=lambda rows, by: step.keep_counted(rows, by, few=few),
            few=few,
            released_at=released_at,
        )
        units.append(taken)
    return units


def _with_batch(known: Known, units: Sequence[Unit], contract: Contract, batch: str) -> Known:
    """Add what other sources of the same batch say under keys that are global: the same event from two is one."""
    sharing = [unit for unit in units if unit.mapping.global_key and unit.contract.tenant == contract.tenant]
    beside = [_items(unit, batch) for unit in sharing if unit.count("accepted")]
    if not contract.global_key or not beside:
        return known
    earlier = [] if known.items is None else [known.items.select(*beside[0].columns)]
    return replace(known, items=reduce(DataFrame.unionByName, [*earlier, *beside]))


def _headers(step: Step) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """The column names of every header that was seen, by tenant, source and header id."""
    files = step.read("bronze.files").where(F.col("header_id").isNotNull())
    rows = files.select("tenant", "source", "header_id", "header").distinct().collect()
    return {(row["tenant"], row["source"], row["header_id"]): tuple(row["header"]) for row in rows}


def _known(step: Step, contracts: Sequence[Contract], again: bool) -> Known:
    known = Known(
        items=None if step.was_empty("silver.items") else step.read("silver.items"),
        refused=step.read("silver.quarantine") if again else None,
    )
    if not any(contract.delivery == "full" for contract in contracts):
        return known
    return replace(
        known,
        traits=None if step.was_empty("silver.traits") else step.read("silver.traits"),
        records=step.read("bronze.records"),
        files=step.read("bronze.files"),
    )


def _write(step: Step, units: Sequence[Unit]) -> None:
    batch = step.batch.name
    few = state_few(units)
    if refused := [_refused(unit, batch) for unit in units if unit.count("quarantined")]:
        step.append("silver.quarantine", reduce(DataFrame.unionByName, refused), few=few)
    if held := [_held(unit, step) for unit in units if unit.held]:
        step.append("ops.held", reduce(DataFrame.unionByName, held), few=few)
    passed = [unit for unit in units if not unit.held and unit.count("items") > unit.count("quarantined")]
    if not passed:
        return
    step.append("silver.items", reduce(DataFrame.unionByName, [_items(unit, batch) for unit in passed]), few=few)
    reach("refine:after-items")
    write_facts(step, passed, few=few)


def state_few(units: Sequence[Unit]) -> bool:
    """Whether the driver can hold what units state."""
    return are_few(sum(unit.count("items") * max(1, len(unit.mapping.traits)) for unit in units))


def write_facts(step: Step, units: Sequence[Unit], *, few: bool, again: bool = False) -> None:
    """Write what the accepted items of units state, without what is known already.

    ``again``: signals may be known too, since the items were accepted before.
    """
    batch = step.batch.name
    fresh = [unit for unit in units if unit.count("accepted")]
    if signals := [facts.signals(unit.accepted, unit.mapping, batch) for unit in fresh if unit.mapping.states_signals]:
        stated = reduce(DataFrame.unionByName, signals)
        known = step.read("silver.signals") if again else None
        step.append("silver.signals", unknown_facts(stated, known, "signal_id"), few=few)
    reach("refine:after-signals")
    for table, (fact_id, make) in _FACTS.items():
        stated_by = [make(unit.accepted, unit.mapping, batch) for unit in fresh if _states(unit, table)]
        if table == "silver.traits":
            stated_by += [unit.export.changes(unit.contract.source, batch) for unit in units if unit.export]
        if stated_by:
            _write_table(step, table, reduce(DataFrame.unionByName, stated_by), fact_id, few)
    reach("refine:after-facts")


def _write_table(step: Step, table: str, stated: DataFrame, fact_id: str, few: bool) -> None:
    known = None if step.was_empty(table) else step.read(table)
    if known is not None and few and not step.is_small(table):
        known = known_of(known, stated, ("tenant", fact_id))
    if table != "silver.identity_links":
        step.append(table, new_facts(stated, known, fact_id), few=few)
        return
    links = step.keep(unknown_facts(stated, known, fact_id), few=few)  # a batch states each link once
    if not links.isEmpty():
        _resolve(step, links, few)
        step.append(table, links, few=few)


def _states(unit: Unit, table: str) -> bool:
    mapping = unit.mapping
    return bool(
        {
            "silver.traits": mapping.traits,
            "silver.outcomes": mapping.outcomes,
            "silver.consents": mapping.consents,
            "silver.identity_links": mapping.identities,
        }[table]
    )


def _resolve(step: Step, new_links: DataFrame, few: bool) -> None:
    """Join the keys that new links name, and only the leads that they touch."""
    shared_above = pinned_identity(step).shared_above
    if step.was_empty("silver.identities"):
        resolved = identity.resolve(new_links, shared_above=shared_above)
        step.append("silver.identities", identity.first_identities(resolved, batch=step.batch.name), few=few)
        return
    # Planned from rows that are there, since each of the joins below would plan the ones before it anew.
    small = few and step.is_small("silver.identities", "silver.identity_links")
    standing = step.keep(identity.standing_identities(step.read("silver.identities")), few=small)
    links = step.keep(identity.touched_links(new_links, step.read("silver.identity_links"), standing), few=small)
    resolved = identity.resolve(links, shared_above=shared_above)
    touched = identity.touched_keys(new_links, standing)
    complete = step.keep(resolved.join(touched, ["tenant", "identity_key"], "left_semi"), few=small)
    step.append("silver.identities", identity.identity_changes(complete, standing, batch=step.batch.name), few=few)


def _refused(unit: Unit, batch: str) -> DataFrame:
    first = F.element_at("failures", 1)
    return unit.items.where(F.size("failures") > 0).select(
        "tenant", "source", "record_id", "item", first["rule"].alias("rule"), first["column"].alias("column"),
        first["message"].alias("message"), "failures", F.lit(unit.contract.version).alias("contract_version"),
        F.lit(unit.contract.content_hash).alias("contract_hash"), "received_at", F.lit(batch).alias("batch"),
    )  # fmt: skip


def _held(unit: Unit, step: Step) -> DataFrame:
    return unit.items.select(
        "tenant",
        "source",
        F.lit(step.batch.name).alias("batch"),
        "record_id",
        F.lit(step.batch.recorded_at).alias("held_at"),
    ).distinct()


def _items(unit: Unit, batch: str) -> DataFrame:
    return unit.statuses.select(
        "tenant", "source", "record_id", "item", "item_key", "entity_key", "identity_key", "arrival",
        "status", "known_at", F.lit(batch).alias("batch"),
    )  # fmt: skip

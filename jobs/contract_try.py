"""``leadhouse contract try``: what a contract would accept and refuse of a sample, without a lake.

It is the jobs' own code at work: ingest's way of cutting bytes into records, refine's rules, gate and facts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses
from rich.console import Console
from rich.table import Table
from rich.text import Text

from leadhouse.conf.errors import InputError
from leadhouse.conf.settings import Settings, read_settings
from leadhouse.expectations.contract import Contract
from leadhouse.jobs.contract import NO_TENANT, check_contracts
from leadhouse.jobs.runtime.kept_rows import KeptRows, are_few
from leadhouse.jobs.trial_records import HEADER_ID, read_records
from leadhouse.jobs.units import Known, Unit, take_unit
from leadhouse.transforms import facts

SHOWN = 10
_KEY = b"contract try: no lake, no secret"


@dataclass(frozen=True)
class Refused:
    """A record that would go to quarantine."""

    byte: int
    """Where in the sample it begins."""
    rule: str
    column: str | None
    message: str


@dataclass(frozen=True)
class Trial:
    """What a contract makes of a sample."""

    records: int
    counts: Mapping[str, int]
    """items, accepted, quarantined, duplicate, held."""
    rules: Mapping[str, int]
    """How many items broke which rule first, as ``column: rule``."""
    refused: tuple[Refused, ...]
    """The first of them."""
    held_because: tuple[str, ...]
    """Quality rules that would hold the whole batch."""
    facts: Mapping[str, int]
    """Rows for each silver table, and ``leads``."""
    notes: tuple[str, ...]


def try_contract(
    spark: SparkSession,
    contract: Contract,
    sample: Path,
    *,
    default_region: str,
    received_at: datetime,
    shown: int = SHOWN,
) -> Trial:
    """Put a sample through a contract as refine would, and count what comes of it.

    Of a sample above MOST_BYTES only the beginning is tried. Raises InputError where it can't be cut into records.
    """
    table, header, notes = read_records(contract, sample, received_at)
    rows = spark.createDataFrame(table)
    headers = {HEADER_ID if header else None: header}
    kept = KeptRows(spark)
    keep = partial(kept.keep_counted, few=are_few(table.num_rows))
    try:
        unit = take_unit(rows, contract, headers, Known(), key=_KEY, default_region=default_region, keep=keep)
        return _trial(unit, table.num_rows, notes, shown)
    finally:
        kept.release()


def _trial(unit: Unit, records: int, notes: tuple[str, ...], shown: int) -> Trial:
    bad = unit.items.where(F.size("failures") > 0)
    first = F.element_at("failures", 1)
    broken = (
        bad.groupBy(F.concat_ws(": ", first["column"], first["rule"]).alias("rule"))
        .count()
        .orderBy(F.desc("count"), "rule")
        .collect()
    )
    refused = (
        bad.orderBy("position", "item").limit(shown)
        .select("position", *[first[part].alias(part) for part in ("rule", "column", "message")])
        .collect()
    )  # fmt: skip
    return Trial(
        records=records,
        counts={count.measure: count.rows for count in unit.counts},
        rules={row["rule"]: row["count"] for row in broken},
        refused=tuple(Refused(row["position"], row["rule"], row["column"], row["message"]) for row in refused),
        held_because=tuple(
            f"{entry.expectation}{f' ({entry.column})' if entry.column else ''}: {entry.observed}"
            for entry in unit.quality
            if not entry.success
        ),
        facts={} if unit.held or not unit.count("accepted") else _facts(unit),
        notes=(*notes, *unit.notes),
    )


def _facts(unit: Unit) -> dict[str, int]:
    mapping, accepted = unit.mapping, unit.accepted
    made: dict[str, DataFrame] = {}
    if mapping.states_signals:
        made["signals"] = facts.signals(accepted, mapping, "try")
    if mapping.traits:
        made["traits"] = facts.traits(accepted, mapping, "try")
    if mapping.outcomes:
        made["outcomes"] = facts.outcomes(accepted, mapping, "try")
    if mapping.consents:
        made["consents"] = facts.consents(accepted, mapping, "try")
    counts = {name: rows.count() for name, rows in made.items()}
    if mapping.identities and mapping.creates_lead:
        counts["leads"] = accepted.where(F.col("identity_key").isNotNull()).select("identity_key").distinct().count()
    return counts


def show_trial(contract_file: Path, sample: Path, workspace: Path | None, *, as_json: bool, console: Console) -> int:
    """Try a contract on a sample and print what comes of it. Returns 3 if the gate would hold it, else 0."""
    from leadhouse.jobs.runtime.session import start_session

    settings = _settings(workspace)
    (check,) = check_contracts(contract_file, settings.tenant)
    if not sample.is_file():
        raise InputError(f"{sample}: expected a sample file; there is none; check the path")
    with console.status("starting Spark, a few seconds …"):
        spark = start_session("contract-try")
        trial = try_contract(
            spark,
            check.contract,
            sample,
            default_region=settings.identity.default_region,
            received_at=datetime.now(UTC),
        )
    if as_json:
        sys.stdout.write(json.dumps(asdict(trial), ensure_ascii=False, indent=2) + "\n")
    else:
        render_trial(trial, check.contract, console)
    return 3 if trial.held_because else 0


def render_trial(trial: Trial, contract: Contract, console: Console) -> None:
    """Print a trial: what was read, refused and made."""
    counts = ", ".join(
        f"{measure} {count:,}" for measure, count in trial.counts.items() if count or measure == "accepted"
    )
    console.print(Text(f"{contract.source}: {trial.records:,} records, {counts}"), soft_wrap=True)
    if trial.facts:
        console.print(
            Text("would become: " + ", ".join(f"{count:,} {name}" for name, count in trial.facts.items())),
            soft_wrap=True,
        )
    for note in trial.notes:
        console.print(Text(f"note: {note}"), soft_wrap=True)
    for reason in trial.held_because:
        console.print(Text.assemble(("would be held by the gate: ", "bold yellow"), reason), soft_wrap=True)
    if not trial.refused:
        return
    console.print(
        Text(
            "refused, by the first rule broken: "
            + ", ".join(f"{rule} {count:,}" for rule, count in trial.rules.items())
        ),
        soft_wrap=True,
    )
    table = Table(
        "byte", "column", "rule", "what was expected, what came", title=f"the first {len(trial.refused)} refused"
    )
    for entry in trial.refused:
        table.add_row(str(entry.byte), Text(entry.column or ""), entry.rule, Text(entry.message))
    console.print(table)


def _settings(workspace: Path | None) -> Settings:
    if workspace is None or not (workspace / "settings.toml").is_file():
        return Settings(tenant=NO_TENANT)
    return read_settings(workspace)

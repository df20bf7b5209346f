"""The sync job: what destinations must be told, into the outbox; telling them; their receipts."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.conf.settings import Destination
from leadhouse.jobs.destinations.destination import Destination as Client
from leadhouse.jobs.destinations.files import Files
from leadhouse.jobs.runtime.batches import last_outcome
from leadhouse.jobs.runtime.book import COMPLETE, HELD
from leadhouse.jobs.runtime.faults import reach
from leadhouse.jobs.runtime.job import JobSpec, Result, Run, Step
from leadhouse.jobs.runtime.runner import Report, run_job
from leadhouse.jobs.sending import Sending, in_shadow, open_destination, plan_name
from leadhouse.transforms import plan


def _definitions(run: Run) -> Mapping[str, bytes]:
    """The destinations, the lists that a person allows to become empty, and whether the last sync was held."""
    destinations = {name: asdict(entry) for name, entry in run.workspace.settings.destinations.items()}
    last = last_outcome(run.lake, "sync")
    return {
        "settings/destinations": json.dumps(destinations, sort_keys=True).encode(),
        "allow_empty": json.dumps(sorted(run.allow_empty)).encode(),
        # What is held or was not accepted is tried and said again at each run, until it is mended or allowed.
        "held": (last.batch.name if last is not None and last.status == HELD else "").encode(),
    }


def pinned_destinations(step: Step) -> Mapping[str, Destination]:
    """Return the destinations as the batch's intent has them, whatever the settings say by now."""
    stored = json.loads(step.run.lake.kept(step.batch.definitions["settings/destinations"]))
    return {name: Destination(**entry | {"lists": tuple(entry["lists"])}) for name, entry in sorted(stored.items())}


def _step(step: Step) -> Result:
    destinations = pinned_destinations(step)
    clients = {name: open_destination(step.run, settings) for name, settings in destinations.items()}
    few = step.is_small("silver.leads", "gold.receipts")
    lists, leads = step.read("gold.engagement_lists"), step.read("silver.leads")
    entries = step.keep(plan.list_entries(lists, leads, keys=step.run.keys), few=few)
    compared = step.keep(_compared(step, entries, destinations), few=few)
    allowed = tuple(json.loads(step.run.lake.kept(step.batch.definitions["allow_empty"])))
    held = step.keep(plan.collapsed(compared, allowed=allowed), few=few)
    actions = step.keep(plan.planned_actions(compared, held, step.read("gold.decisions")), few=few)
    if not actions.isEmpty():
        moment = F.lit(step.batch.recorded_at)
        rows = plan.outbox(actions, plan_id=plan_name(step.batch), planned_at=moment, batch=step.batch.name)
        step.append("gold.outbox", rows, few=few)
    reach("sync:after-outbox")
    whole = compared.join(held, ["tenant", "destination", "list"], "left_anti")
    messages = plan.messages(actions, entries, leads)
    failures = _send(step, clients, whole, messages, entries)
    holding = held.select("destination", "list", "leaving").orderBy("destination", "list").collect()
    notes = (*_change_notes(compared, destinations), *_held_notes(holding), *failures)
    return Result(status=HELD if holding or failures else COMPLETE, notes=notes)


def _compared(step: Step, entries: DataFrame, destinations: Mapping[str, Destination]) -> DataFrame:
    shadows = {name: in_shadow(settings) for name, settings in destinations.items()}
    known = plan.known_entries(step.read("gold.receipts"), shadows=shadows)
    goes_to = {name: settings.lists for name, settings in destinations.items()}
    return plan.changes(entries, known, destinations=goes_to, keys=step.run.keys)


def _send(
    step: Step, clients: Mapping[str, Client | None], compared: DataFrame, messages: DataFrame, entries: DataFrame
) -> tuple[str, ...]:
    """Tell every destination; return what went wrong. ``compared`` is without the lists that are held."""
    told = F.count_if(F.col("operation") != plan.UNCHANGED).alias("told")
    rows = compared.groupBy("destination", "tenant", "list").agg(told).orderBy("tenant", "list").collect()
    notes: list[str] = []
    for name, client in clients.items():
        own = [row for row in rows if row["destination"] == name]
        planned = sum(row["told"] for row in own)
        # Files are whole lists: they are written anew for a changed rank, too, about which nobody else is told.
        if planned or (own and isinstance(client, Files)):
            lists = [(row["tenant"], row["list"]) for row in own]
            about = messages.where(F.col("destination") == name)
            notes += Sending(step, name, client).send(about, entries, lists, planned)
    return tuple(notes)


def _change_notes(compared: DataFrame, destinations: Mapping[str, Destination]) -> list[str]:
    rows = compared.groupBy("destination", "operation").count().collect()
    counts = {(row["destination"], row["operation"]): row["count"] for row in rows}
    words = {plan.ENTER: "enter", plan.CHANGE: "change", plan.LEAVE: "leave", plan.UNCHANGED: "unchanged"}
    return [
        f"{name}{' (shadow: nothing is sent)' if in_shadow(settings) else ''}: "
        + ", ".join(f"{counts.get((name, operation), 0):,} {word}" for operation, word in words.items())
        for name, settings in destinations.items()
    ]


def _held_notes(holding: Sequence[Row]) -> list[str]:
    return [
        f"{row['destination']}: {row['list']} is held, since it would lose all of its {row['leaving']:,} leads; "
        f"if that is right, run 'leadhouse sync --allow-empty {row['list']}'"
        for row in holding
    ]


SPEC = JobSpec(
    name="sync",
    goal="Tell every destination what changed on its lists, once, and keep what it answered.",
    reads=("gold.engagement_lists", "gold.decisions", "gold.receipts", "silver.leads"),
    writes=("gold.outbox", "gold.receipts"),
    guardrails=(
        "sends nothing that the destination has accepted already",
        "sends nothing to the outside until the workspace says live",
        "empties no list unless a person allows it",
        "writes no contact point into gold, logs or notes",
    ),
    step=_step,
    triggers=("gold.engagement_lists", "silver.leads"),
    definitions=_definitions,
)


def run(run: Run) -> Report:
    """Sync if lists, leads or destinations have changed since the last time, or something was held or not accepted."""
    return run_job(run, SPEC)


def main(argv: Sequence[str]) -> int:
    """Run this job from the command line, with the options of ``leadhouse sync``."""
    from leadhouse.jobs import cli  # here, since the command line imports every job

    return int(cli.main(["sync", *argv]) or 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""``leadhouse trace``: from a CRM write, a decision, a lead or a record back to the source bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from leadhouse.jobs.runtime.answers import cell, show_json, visible
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.runtime.walk import FACTS, walk

_RAW_SHOWN = 400
_FACT_COLUMNS = {
    "signals": ("signal_type", "channel", "campaign"),
    "traits": ("name", "value"),
    "outcomes": ("outcome", "value"),
    "consents": ("channel", "purpose", "status", "legal_basis"),
}
_DECISION_COLUMNS = ("list", "reason", "legal_basis", "arm", "rank", "tick", "known")

Row = dict[str, Any]


def show_trace(lake_root: Path, wanted: str, *, as_json: bool = False, console: Console) -> None:
    """Print the way from an id to its source bytes. Raises InputError if the id names nothing or several things."""
    story = walk(Reader(find_place(lake_root)), wanted)
    if as_json:
        show_json(story, console)
    else:
        console.print(trace_tree(story))


def trace_tree(story: Row) -> Tree:
    """Return a trace as a tree for the terminal."""
    tree = Tree(_line(story["kind"], story["id"], f"tenant {story['tenant']}"))
    for receipt in story.get("receipts") or []:
        tree.add(_line("receipt", receipt["status"], _pairs(receipt, "destination", "list", "operation", "sent_at")))
    if outbox := story.get("outbox"):
        tree.add(_line("outbox", outbox["operation"], _pairs(outbox, "destination", "list", "plan_id", "planned_at")))
    if decision := story.get("decision"):
        _add_decision(tree, decision, story.get("evidence"))
    for entry in story.get("lists") or []:
        tree.add(_line("on list", entry["list"], _pairs(entry, "rank", "score", "grade", "tick")))
    if lead := story.get("lead"):
        branch = tree.add(_line("lead", lead["lead_id"], f"{len(lead['keys'])} identity keys"))
        for key in lead["keys"]:
            branch.add(_line(key["kind"] or "key", key["identity_key"], "shared" if key["shared"] else ""))
    _add_facts(tree, story)
    for finding in story.get("findings") or []:
        tree.add(_line("finding", finding["rule"], _pairs(finding, "status", "message")))
    _add_records(tree, story["records"])
    return tree


def _add_decision(tree: Tree, decision: Row, evidence: Row | None) -> None:
    branch = tree.add(
        _line(
            "decision",
            decision["action"],
            _pairs(decision, "list", "reason", "legal_basis", "arm", "rank", "tick", "known"),
        )
    )
    branch.add(_line("score", cell(decision["score"]), _pairs(decision, "grade", "model_version")))
    for reason in decision["reasons"]:
        sign = "▲" if reason["direction"] == "up" else "▼"
        branch.add(_line(sign, reason["words"], _pairs(reason, "feature", "value", "effect")))
    if evidence:
        versions = ", ".join(f"{table}@{version}" for table, version in sorted(evidence["reads"].items()))
        branch.add(_line("read", versions, f"run {evidence['run_id']}"))


def _add_facts(tree: Tree, story: Row) -> None:
    for name in FACTS:
        facts = story["facts"][name]
        if not facts["total"]:
            continue
        branch = tree.add(_line("facts", name, str(facts["total"])))
        for fact in facts["shown"]:
            words = " · ".join(cell(fact[column]) for column in _FACT_COLUMNS[name] if fact[column] is not None)
            branch.add(_line(cell(fact["occurred_at"]), words, f"record {fact['record_id'][:12]} item {fact['item']}"))
        if more := facts["total"] - len(facts["shown"]):
            branch.add(Text(f'and {more:,} more: leadhouse sql "SELECT * FROM silver.{name} …"', style="dim"))


def _add_records(tree: Tree, records: list[Row]) -> None:
    for record in records:
        where = f"{record['origin']} version {record['partition']} byte {record['position']}"
        branch = tree.add(_line("record", record["record_id"], where))
        text = record["text"]
        branch.add(Text(text if len(text) <= _RAW_SHOWN else f"{text[:_RAW_SHOWN]}… ({record['bytes']:,} bytes)"))
        if file := record["file"]:
            if file["header"]:
                branch.add(_line("columns", ", ".join(file["header"]), ""))
            detail = f"sha256 {file['sha256'][:12]}, seen {cell(file['seen_at'])}"
            branch.add(_line("file range", f"bytes {file['from_byte']}–{file['to_byte']} of {file['path']}", detail))
        for item in record.get("items", []):
            branch.add(_line(f"item {item['item']}", item["status"], _pairs(item, "batch")))
        for refused in record.get("quarantine", []):
            detail = _pairs(refused, "column", "message", "contract_version")
            branch.add(_line(f"item {refused['item']}", f"quarantined: {refused['rule']}", detail))
        for held in record.get("held", []):
            branch.add(_line("held", held["batch"], _pairs(held, "held_at")))


def _pairs(row: Row, *names: str) -> str:
    return ", ".join(f"{name} {cell(row[name], _RAW_SHOWN)}" for name in names if row.get(name) is not None)


def _line(label: str, main: object, detail: str) -> Text:
    line = Text()
    line.append(visible(label) + " ", style="bold")
    line.append(visible(str(main)))
    if detail:
        line.append("  " + visible(detail), style="dim")
    return line

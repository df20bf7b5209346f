"""``leadhouse doctor``: is this machine sound, and this lake, over its whole history? It reads only, without a JVM."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
from deltalake.exceptions import DeltaError
from rich.console import Console
from rich.text import Text

from leadhouse.conf.errors import InputError, LeadhouseError
from leadhouse.conf.workspace import open_workspace
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.runtime import integrity
from leadhouse.jobs.runtime.answers import show_json, visible
from leadhouse.jobs.runtime.book import BOOK
from leadhouse.jobs.runtime.contracts import read_definitions
from leadhouse.jobs.runtime.finding import NOTE, WRONG, Finding, reason, some
from leadhouse.jobs.runtime.keys import VARIABLE, check_key
from leadhouse.jobs.runtime.lock import holders
from leadhouse.jobs.runtime.place import CARD, Place, read_card
from leadhouse.jobs.soundness import (
    accounts,
    byte_ranges,
    evidence,
    keys,
    machine,
    offsets,
    positions,
    tables,
    writers,
)

Check = Callable[[Place, Sequence[str]], list[Finding]]
"""Looks at those of a lake's tables that are whole and says what it found; nothing if all is sound."""

LAKE, WORKSPACE = "lake", "workspace"


def _check_bytes(place: Place, whole: Sequence[str]) -> list[Finding]:
    missing = accounts.sources_missing_records(place, whole)
    expired = accounts.sources_with_expired_records(place, whole)
    return [
        *byte_ranges.check_ranges(place, whole),
        *positions.check_positions(place, whole, missing=missing, expired=expired),
    ]


CHECKS: Mapping[str, Check] = {
    tables.HISTORY: tables.check_history,
    keys.CHECK: keys.check_keys,
    byte_ranges.CHECK: _check_bytes,
    offsets.CHECK: offsets.check_offsets,
    accounts.CHECK: accounts.check_ledger,
    writers.CHECK: writers.check_writers,
    evidence.CHECK: evidence.check_definitions,
    evidence.CHECKPOINTS: evidence.check_checkpoints,
}
"""What is checked of the tables whose logs and files are whole, in this order."""


def show_doctor(lake: Path, workspace: Path | None, *, as_json: bool, console: Console) -> int:
    """Print what is wrong with the machine, the workspace (if given) and the lake (if there). Returns 1 if anything."""
    root = lake.absolute()
    there = (root / CARD).is_file()
    found: dict[str, list[Finding]] = {machine.CHECK: machine.check_machine(root)}
    if workspace is not None:
        found[WORKSPACE] = check_workspace(workspace)
    if there and as_json:
        found |= examine(root, workspace)
    elif there:
        with console.status("reading the lake …"):
            found |= examine(root, workspace)
    wrong = sum(finding.severity == WRONG for findings in found.values() for finding in findings)
    if as_json:
        findings = [asdict(finding) for part in found.values() for finding in part]
        show_json(
            {"lake": str(root) if there else None, "sound": not wrong, "checks": list(found), "findings": findings},
            console,
        )
    else:
        _print(root, found, wrong, there=there, console=console)
    return 1 if wrong else 0


def examine(root: Path, workspace: Path | None = None) -> dict[str, list[Finding]]:
    """Return what each check found in the lake at a folder, which has a card."""
    try:
        place = read_card(root / CARD)
    except LeadhouseError as problem:
        return {LAKE: [Finding(LAKE, WRONG, reason(problem), "nothing else of the lake was checked")]}
    present = [table for table in table_specs() if integrity.has_log(place, table)]
    found: dict[str, list[Finding]] = {
        LAKE: _lock(place) + _key(place, workspace),
        integrity.CHECK: [],
        tables.CHECK: [],
    }
    whole = _sound(place, present, integrity.CHECK, integrity.check_logs, found)
    whole = _sound(place, whole, tables.CHECK, tables.check_tables, found)
    found[LAKE] += _absent(place, present, whole)
    if damaged := [table for table in present if table not in whole]:
        what = f"not checked further: {some(damaged)}, and what needs them"
        found[tables.CHECK].append(Finding(tables.CHECK, NOTE, what, "mend them first, then ask again"))
    for name, check in CHECKS.items():
        found[name] = _tried(name, check, place, whole)
    return found


def check_workspace(folder: Path) -> list[Finding]:
    """Return every problem of a workspace's settings, contracts and lists."""
    try:
        _, problems = read_definitions(open_workspace(folder))
    except InputError as problem:
        problems = list(problem.problems)
    return [Finding(WORKSPACE, WRONG, one, "no run begins before that") for one in problems]


def _sound(place: Place, names: Sequence[str], check: str, look: Check, found: dict[str, list[Finding]]) -> list[str]:
    """Look at tables one by one; return those with which nothing is wrong."""
    sound = []
    for table in names:
        findings = _tried(check, look, place, [table])
        found[check] += findings
        if not any(finding.severity == WRONG for finding in findings):
            sound.append(table)
    return sound


def _tried(name: str, check: Check, place: Place, names: Sequence[str]) -> list[Finding]:
    try:
        return check(place, names)
    except (LeadhouseError, DeltaError, OSError, ValueError, KeyError, pa.ArrowException) as problem:
        what = f"{name}: expected to look at {some(names)}; {type(problem).__name__}: {visible(reason(problem))}"
        return [Finding(name, WRONG, what, "if a run was at work meanwhile, ask again when it has ended")]


def _absent(place: Place, present: Sequence[str], whole: Sequence[str]) -> list[Finding]:
    """Tell tables that are gone from those that a newer release will make at its next run."""
    absent = [table for table in table_specs() if table not in present]
    used = writers.tables_used(place) if BOOK in whole else set(absent)
    findings = []
    for table in absent:
        if table in used:
            what = f"{table}: expected the table, which batches have used; it is gone"
            findings.append(Finding(LAKE, WRONG, what, "restore its folder from a backup"))
        else:
            what = f"{table}: expected the table; this lake has never had it"
            findings.append(Finding(LAKE, NOTE, what, "the next run makes it"))
    return findings


def _lock(place: Place) -> list[Finding]:
    """Note the processes that work on the lake."""
    return [
        Finding(
            LAKE,
            NOTE,
            f"{visible(holder)} is at work on this lake: what it is doing may look unfinished",
            "ask again when it has ended",
        )
        for holder in holders(place.root)
    ]


def _key(place: Place, workspace: Path | None) -> list[Finding]:
    """Check that the secret which keyed the lake's hashes is where the next run would look for it."""
    path = place.root / "identity.key"
    try:
        named = open_workspace(workspace).settings.identity.key_file if workspace is not None else None
        path = workspace / named if workspace is not None and named else path
        check_key(path)
    except InputError as problem:
        return [Finding(LAKE, WRONG, one, "use the one that the lake was made with") for one in problem.problems]
    if os.environ.get(VARIABLE) or path.exists() or not (place.root / "definitions").is_dir():
        return []
    what = f"identity key: expected the lake's secret in {VARIABLE} or {path}; it is in neither"
    severity = NOTE if workspace is None else WRONG
    remedy = "put it back before the next run, which would make another: new records would not meet their leads"
    return [Finding(LAKE, severity, what, remedy)]


def _print(root: Path, found: Mapping[str, list[Finding]], wrong: int, *, there: bool, console: Console) -> None:
    for name, findings in found.items():
        bad = sum(finding.severity == WRONG for finding in findings)
        state = Text(f"{bad} wrong", style="bold red") if bad else Text("sound", style="green")
        console.print(Text(f"{name:12} ").append_text(state))
        for finding in findings:
            mark = "" if finding.severity == WRONG else "note: "
            console.print(Text(f"  {mark}{visible(finding.line)}"), soft_wrap=True)
    if not there:
        end = Text(f"There is no lake at {root}: only the machine was checked.")
    elif wrong:
        end = Text(f"{root}: {wrong} wrong; keep a copy of the lake before you mend it.", style="bold")
    else:
        end = Text(f"{root}: sound.")
    console.print(end, soft_wrap=True)

"""The ``files`` destination: per list a CSV for people and JSON lines for programs, with everything now on the list."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from leadhouse.jobs.destinations.destination import ACCEPTED, UNKNOWN, Action, Answer, Entry, ListNow

COLUMNS = (
    "rank",
    "lead_id",
    "score",
    "grade",
    "email",
    "phone",
    "company",
    "country",
    "external_ids",
    "reasons",
    "list",
    "channel",
    "purpose",
    "decision_id",
    "tick",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class Files:
    """Writes ``<list>.csv`` and ``<list>.jsonl`` into a folder; each is replaced as a whole or not at all."""

    def __init__(self, folder: Path, own_tenant: str) -> None:
        self.folder = folder
        self.own_tenant = own_tenant
        """Its lists lie in the folder itself; those of any other tenant in a folder of that tenant's name."""

    def deliver(self, plan_id: str, actions: Iterable[Action], lists: Iterable[ListNow]) -> Iterator[Answer]:
        """Write the lists, then answer the actions, all of which their files now contain."""
        failed: dict[tuple[str, str], str] = {}
        for now in lists:
            try:
                self._write(now)
            except OSError as problem:  # a full disk, a folder without permission: another try may succeed
                failed[(now.tenant, now.name)] = f"{type(problem).__name__}: {problem.strerror}"
        for action in actions:
            problem_text = failed.get((action.entry.tenant, action.entry.list))
            yield Answer(action, UNKNOWN if problem_text else ACCEPTED, problem_text or "written")

    def _write(self, now: ListNow) -> None:
        folder = self.folder if now.tenant == self.own_tenant else self.folder / now.tenant
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{now.name}.csv", folder / f"{now.name}.jsonl"]
        partial = [path.with_name(f".{path.name}.partial") for path in paths]
        with ExitStack() as stack:
            table, lines = (stack.enter_context(path.open("w", encoding="utf-8", newline="")) for path in partial)
            writer = csv.writer(table)
            writer.writerow(COLUMNS)
            for entry in now.entries:
                writer.writerow(csv_row(entry))
                lines.write(json.dumps(document(entry), ensure_ascii=False) + "\n")
            for file in (table, lines):
                file.flush()
                os.fsync(file.fileno())
        for done, path in zip(partial, paths, strict=True):
            done.replace(path)
        _sync_folder(folder)


def document(entry: Entry) -> dict[str, object]:
    """Return an entry as a JSON object: what a program reads, every value as it is."""
    return {
        "list": entry.list,
        "rank": entry.rank,
        "lead_id": entry.lead_id,
        "score": entry.score,
        "grade": entry.grade,
        "email": entry.email,
        "phone": entry.phone,
        "company": entry.company,
        "country": entry.country,
        "external_ids": dict(sorted(entry.external_ids.items())),
        "reasons": list(entry.reasons),
        "channel": entry.channel,
        "purpose": entry.purpose,
        "decision_id": entry.decision_id,
        "tick": entry.tick.isoformat() if entry.tick else None,
    }


def csv_row(entry: Entry) -> list[object]:
    """Return an entry's cells, in the order of COLUMNS; ids as ``source=id`` and reasons joined by ``; ``."""
    values = document(entry)
    values["external_ids"] = "; ".join(f"{source}={value}" for source, value in sorted(entry.external_ids.items()))
    values["reasons"] = "; ".join(entry.reasons)
    return [cell(values[name]) for name in COLUMNS]


def cell(value: object) -> object:
    """Return a value as a spreadsheet may see it: numbers stay numbers, a text that would run as a formula is quoted.

    The quote is an apostrophe before the first character, so ``+4930…`` reads ``'+4930…``: a spreadsheet would turn the
    number into 4.9E+12 otherwise. Programs read the JSON lines, where nothing is changed.
    """
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value


def _sync_folder(folder: Path) -> None:
    """Make the renames last through a power failure."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""Drafts a contract from a sample of a source: a guess at everything, with every doubt written beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from leadhouse.conf.errors import InputError
from leadhouse.conf.names import name_problem
from leadhouse.expectations import guess_identity, guess_outcome, guess_time_role, guess_trait
from leadhouse.expectations.contract import Location
from leadhouse.expectations.draft_yaml import contract_yaml
from leadhouse.expectations.drafted import DraftedField, DraftedSource, field_name, snake_name
from leadhouse.expectations.guess_nulls import profiles
from leadhouse.expectations.guess_type import detect_writing, guess_type
from leadhouse.expectations.sample import read_sample

_DATED = re.compile(r"(?<![A-Za-z\d])\d+([-_.T ]*\d+)*(?![A-Za-z\d])|(?<=[A-Za-z]{3})\d+$|\d{4,}([-_.T ]*\d+)*")
"""Numbers and dates that change from delivery to delivery: after a separator, at the end of a word, or long."""


@dataclass(frozen=True)
class Draft:
    """A drafted contract."""

    source: str
    text: str
    """The contract file."""
    doubts: tuple[str, ...]
    """Every DOUBT in it, each after the field that it is about, if it is about one."""
    fields: int
    rows: int


def draft_contract(path: Path, source: str | None = None, location: Location | None = None) -> Draft:
    """Guess a contract from a CSV or JSON-lines sample. ``source`` names the source; None: after the file.
    ``location`` is the topic that such lines are messages of; None: such files land.

    Raises InputError where the sample can't be read as either, or the name is no name; for a topic also where it isn't
    JSON lines.
    """
    if source is not None and (problem := name_problem(source, "source")):
        raise InputError(problem)
    sample = read_sample(path)
    if location is not None and sample.table.format != "json":
        raise InputError(
            f"{path}: expected JSON lines, one message each; got {sample.table.format}; take a sample of the topic"
        )
    columns, nulls = profiles(sample.table.columns)
    writing = detect_writing(columns)
    drafted = DraftedSource(source or source_name(path), [], sample.table.rows)
    names: set[str] = set()
    for position, column in enumerate(columns, start=1):
        name = field_name(column.physical_name, position, names)
        names.add(name)
        drafted.fields.append(DraftedField(name, column, guess_type(column, name, writing)))
    _guess(drafted)
    place = location or Location("local", file_glob(path))
    text = contract_yaml(drafted, sample, place, nulls, writing, _history(drafted))
    doubts = tuple(_doubts(text))
    return Draft(drafted.name, text, doubts, len(drafted.fields), sample.table.rows)


def source_name(path: Path) -> str:
    """Return a name for the source of a file: its name without dates and numbers."""
    stem = snake_name(_DATED.sub(" ", path.name.split(".")[0]))
    return stem[:60].strip("_") or "source"


def file_glob(path: Path) -> str:
    """Return a glob for a file and its later deliveries: dates and numbers in its name become ``*``.

    Where files beside it that have another header would match too, it is the file's own name.
    """
    stem, suffix = path.stem, path.suffix
    literal = re.sub(r"([*?\[])", r"[\1]", stem)
    glob = _DATED.sub("*", literal) + suffix
    if not glob.removesuffix(suffix).strip("*-_. "):
        return literal + suffix  # nothing but a date: as a glob it would take every file
    if glob != literal + suffix and any(
        _first_line(other) != _first_line(path) for other in sorted(path.parent.glob(glob))[:50]
    ):
        return literal + suffix
    return glob


def _guess(source: DraftedSource) -> None:
    """Guess step by step, the surest first: what one step has settled, later ones leave alone."""
    guess_identity.assign_contact_points(source)
    guess_time_role.guess_nature(source)
    guess_identity.assign_ids(source)
    guess_time_role.assign_times(source)
    guess_time_role.assign_signal(source)
    guess_trait.assign_consents(source)
    guess_outcome.assign_outcome(source)
    guess_trait.assign_attributes(source)
    guess_trait.assign_traits(source)
    guess_outcome.declare_later(source)


def _history(source: DraftedSource) -> str | None:
    """Why the source is history, if it is: it says itself when things happened."""
    for role in ("occurred_at", "created_at", "outcome_at"):
        for entry in source.having(role):
            span = f" ({entry.type.time.earliest} to {entry.type.time.latest})" if entry.type.time else ""
            return (
                f"{entry.name} says when things happened{span}, so they count as known then and the model can "
                f"learn from them; set live for a source whose records arrive as they happen"
            )
    return None


def _doubts(text: str) -> list[str]:
    """Collect the doubts from the text itself, so that the list can't differ from the file."""
    found: list[str] = []
    pending: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("# DOUBT: "):
            pending.append(stripped.removeprefix("# DOUBT: "))
        elif stripped.startswith("#   ") and pending:
            pending[-1] += " " + stripped.removeprefix("#").strip()
        elif not stripped.startswith("#"):
            about = f"{stripped.removeprefix('- name: ')}: " if stripped.startswith("- name: ") else ""
            found += [about + doubt for doubt in pending]
            pending = []
    return found


def _first_line(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.readline(65536).strip()
    except OSError:
        return b""

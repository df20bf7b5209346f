"""Whether what batches and refusals refer to is kept: definitions by their hash, and streaming jobs' checkpoints."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from leadhouse.jobs.runtime.book import BOOK
from leadhouse.jobs.runtime.finding import NOTE, WRONG, Finding, some
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.soundness.writers import SPECS

CHECK = "definitions"
CHECKPOINTS = "checkpoints"

_NAMED = f"""
SELECT entry['value'] AS digest, min(entry['key']) AS name
FROM (SELECT unnest(map_entries(definitions)) AS entry FROM {BOOK}) GROUP BY entry['value']
"""
_REFUSED = "SELECT DISTINCT contract_hash AS digest, source AS name FROM silver.quarantine"
_GENERATIONS = f"SELECT job, max(generation) AS generation FROM {BOOK} WHERE kind = 'intent' GROUP BY job"
_REMEDY = "restore that file from a backup, or from the workspace's history: replays need it"


def check_definitions(place: Place, tables: Sequence[str]) -> list[Finding]:
    """Check that every definition that is named is kept, and that every kept one is what its name says."""
    folder = place.root / "definitions"
    findings = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if re.fullmatch(r"[0-9a-f]{64}", path.name) and hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
            what = f"definitions/{path.name}: expected the content of that SHA-256; it was changed"
            findings.append(Finding(CHECK, WRONG, what, _REMEDY))
    absent: dict[str, list[str]] = {}
    for digest, name in _named(place, tables):
        if not (folder / digest).is_file():
            absent.setdefault(digest, []).append(name)
    for digest, names in sorted(absent.items()):
        what = f"definitions/{digest}: expected it kept, since batches used it as {some(names)}; it is gone"
        findings.append(Finding(CHECK, WRONG, what, _REMEDY))
    return findings


def check_checkpoints(place: Place, tables: Sequence[str]) -> list[Finding]:
    """Note the streaming jobs whose newest checkpoint is gone."""
    if BOOK not in tables:
        return []
    begun = {row["job"]: row["generation"] for row in Reader(place).fetch(_GENERATIONS)}
    findings = []
    for spec in SPECS:
        generation = begun.get(spec.name)
        if spec.stream and generation is not None and not place.checkpoint_path(spec.name, generation).is_dir():
            what = (
                f"checkpoints/{spec.name}/{generation}: expected it, since batches of that generation began; it is gone"
            )
            findings.append(Finding(CHECKPOINTS, NOTE, what, "nothing to do: the next run starts a new generation"))
    return findings


def _named(place: Place, tables: Sequence[str]) -> Iterator[tuple[str, str]]:
    for table, query in ((BOOK, _NAMED), ("silver.quarantine", _REFUSED)):
        if table in tables:
            yield from ((row["digest"], row["name"]) for row in Reader(place).fetch(query))

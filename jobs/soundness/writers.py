"""Whether each table was written by Leadhouse alone, and each write is there once, by its commits' transactions."""

from __future__ import annotations

from collections.abc import Sequence

from leadhouse.jobs import (
    decide,
    feature,
    ingest,
    quarantine_replay,
    rebuild,
    refine,
    score,
    sync,
    topics,
    train,
    watch,
)
from leadhouse.jobs.runtime.book import BOOK
from leadhouse.jobs.runtime.finding import WRONG, Finding
from leadhouse.jobs.runtime.integrity import Action, commit_files, commit_info, commits
from leadhouse.jobs.runtime.job import JobSpec
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.runtime.retention import JOB as MAINTENANCE
from leadhouse.jobs.runtime.retention import MEASURES as EXPIRED

CHECK = "writers"

SPECS: tuple[JobSpec, ...] = (
    ingest.SPEC,
    topics.SPEC,
    refine.SPEC,
    refine.RELEASES,
    refine.LEADS,
    quarantine_replay.SPEC,
    rebuild.SPEC,
    feature.SPEC,
    train.SPEC,
    watch.SPEC,
    score.SPEC,
    decide.SPEC,
    sync.SPEC,
)
"""Every job that writes."""
OTHERS = {
    "bronze.files": ("bronze.files:listing",),
    "bronze.offsets": ("bronze.offsets:listing",),
    "ops.verdicts": ("held:ops.verdicts",),
    "ops.promotions": ("models:ops.promotions",),
}
"""Writers that are no jobs: table → application ids without the lake's."""
_BOOKED = {MAINTENANCE, *(spec.name for spec in SPECS)}
WITHOUT_TRANSACTION = ("OPTIMIZE", "VACUUM START", "VACUUM END", "DELETE", "ADD COLUMN", "ADD COLUMNS")
"""Operations of maintenance, which repeat nothing if they are done twice."""

_USED = f"""
SELECT entry['key'] AS "table", max(entry['value']) AS version FROM (
  SELECT unnest(map_entries(writes)) AS entry FROM {BOOK}
  UNION ALL SELECT unnest(map_entries(reads)) AS entry FROM {BOOK}
) GROUP BY entry['key']
"""
_STOP = "find what writes there and stop it; restore the table from a backup of before, or start a new lake"


def check_writers(place: Place, tables: Sequence[str]) -> list[Finding]:
    """Check every retained commit of these tables, whose logs are whole."""
    findings = [finding for table in tables for finding in _table(place, table)]
    return findings + _used(place, tables)


def _table(place: Place, table: str) -> list[Finding]:
    findings = []
    seen: dict[tuple[str, int], int] = {}
    for version, actions in commits(place, table):
        transactions = [action["txn"] for action in actions if "txn" in action]
        if not transactions and not _may_lack_transaction(version, actions):
            findings.append(_foreign(table, version, actions, "none"))
        for transaction in transactions:
            app_id, number = str(transaction["appId"]), int(transaction["version"])
            if not is_ours(place.lake_id, table, app_id):
                findings.append(_foreign(table, version, actions, repr(app_id)))
            elif (app_id, number) in seen:
                what = f"{table}: expected each write once; versions {seen[app_id, number]} and {version} are both "
                findings.append(_wrong(f"{what}{app_id.partition(':')[2]} number {number}", _STOP))
            seen.setdefault((app_id, number), version)
    return findings


def tables_used(place: Place) -> set[str]:
    """Return the tables that batches have read or written."""
    return set(_versions_used(place))


def is_ours(lake_id: str, table: str, app_id: str) -> bool:
    """Whether a write's application id is one that this lake may have on this table."""
    lake, _, writer = app_id.partition(":")
    if lake != lake_id:
        return False
    if writer in OTHERS.get(table, ()):
        return True
    job, _, rest = writer.partition(":")
    if table == BOOK:
        name, _, number = job.partition("/")
        return rest in ("intent", "outcome") and name in _BOOKED and number.count("/") == 1
    if job == MAINTENANCE:
        return table in EXPIRED and rest.startswith(f"{table}:")
    return rest.startswith(f"{table}:") and any(spec.name == job and table in spec.writes for spec in SPECS)


def _may_lack_transaction(version: int, actions: Sequence[Action]) -> bool:
    operation = str(commit_info(actions).get("operation"))
    if version == 0:
        return operation == "CREATE TABLE" and not any("add" in action for action in actions)
    if operation == "OPTIMIZE":  # moves rows from file to file
        return not any(action["add"].get("dataChange", True) for action in actions if "add" in action)
    return operation in WITHOUT_TRANSACTION


def _foreign(table: str, version: int, actions: Sequence[Action], transaction: str) -> Finding:
    info = commit_info(actions)
    engine = info.get("engineInfo") or info.get("clientVersion") or "an unknown engine"
    what = (
        f"{table}: expected only this lake's own writes; version {version} is a {info.get('operation', 'commit')} by "
        f"{engine}, its transaction {transaction}"
    )
    return _wrong(what, _STOP)


def _used(place: Place, tables: Sequence[str]) -> list[Finding]:
    """Check that the versions which batches say they read or wrote have been."""
    if BOOK not in tables:
        return []
    findings = []
    for table, version in sorted(_versions_used(place).items()):
        newest = max(commit_files(place, table), default=-1) if table in tables else version
        if newest < version:
            what = f"{table}: expected version {version}, as a batch in {BOOK} used it; the newest is {newest}"
            findings.append(_wrong(what, "restore the end of its log from a backup"))
    return findings


def _versions_used(place: Place) -> dict[str, int]:
    return {str(row["table"]): int(row["version"]) for row in Reader(place).fetch(_USED)}


def _wrong(what: str, remedy: str) -> Finding:
    return Finding(CHECK, WRONG, what, remedy)

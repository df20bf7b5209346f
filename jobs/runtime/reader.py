"""Read-only SQL over a lake without a JVM: DataFusion on the tables' Delta logs, through ``deltalake``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa
import sqlglot
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError
from sqlglot import exp

from leadhouse.conf.errors import InputError
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs.runtime.commits import committed_at
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.rows import python_rows
from leadhouse.jobs.runtime.views import VIEWS

_EXPLAIN = re.compile(r"\s*explain\s+((analyze|verbose)\s+)*", re.IGNORECASE)
_SHOW_TABLES = re.compile(r"\s*show\s+tables\s*;?\s*", re.IGNORECASE)
_INNER_NAME = re.compile(r"\b(bronze|silver|gold|ops)__")


def readable_names() -> list[str]:
    """Return every table and view that SQL may name, as ``layer.name``."""
    return [*table_specs(), *VIEWS]


class Reader:
    """Reads one lake, as it stands or (``as_of``) as it stood; opens each table once, when a query first names it."""

    def __init__(self, place: Place, as_of: datetime | None = None) -> None:
        self.place = place
        self._as_of = as_of
        self._session = QueryBuilder()
        self._made: set[str] = set()

    def ask(self, sql: str) -> pa.RecordBatchReader:
        """Run one SELECT, WITH, VALUES, EXPLAIN, DESCRIBE or SHOW TABLES and return its rows as they come.

        Raises InputError for anything else, for an unknown table or column, and for a moment before the lake was.
        """
        if _SHOW_TABLES.fullmatch(sql):
            return _table_list(self.place)
        for name in _checked(sql):
            self._make(name)
        return _run(self._session, sql)

    def fetch(self, sql: str) -> list[dict[str, Any]]:
        """Run a query and return its rows: maps as dicts, timestamps in UTC."""
        return [row for batch in self.ask(sql) for row in python_rows(batch)]

    def _make(self, name: str) -> None:
        """Make a table or view known to the session under the name that everybody knows it by."""
        if name in self._made:
            return
        layer = name.split(".")[0]
        if layer not in self._made:
            _run(self._session, f"CREATE SCHEMA {layer}")
            self._made.add(layer)
        if name in VIEWS:
            for table in VIEWS[name].over:
                self._make(table)
            _run(self._session, f"CREATE VIEW {name} AS {VIEWS[name].sql}")
        else:
            # Tables are registered under plain names only.
            inner = name.replace(".", "__")
            self._session.register(inner, open_at(self.place, name, self._as_of))
            _run(self._session, f"CREATE VIEW {name} AS SELECT * FROM {inner}")
        self._made.add(name)


def quoted(text: str) -> str:
    """Return a text as an SQL literal, for queries built around values."""
    return "'" + text.replace("'", "''") + "'"


def _checked(sql: str) -> tuple[str, ...]:
    """Return the tables and views that a query reads; raise InputError for what is no query or names unknown ones."""
    prefix = _EXPLAIN.match(sql)
    body = sql[prefix.end() :] if prefix else sql
    try:
        statements = [part for part in sqlglot.parse(body, dialect="duckdb") if part is not None]
    except sqlglot.errors.SqlglotError as problem:
        raise InputError(f"sql: expected a query; {_one_line(problem)}; mend it") from problem
    if len(statements) != 1:
        raise InputError(f"sql: expected one query; got {len(statements)}; give one at a time")
    (statement,) = statements
    if not isinstance(statement, exp.Query | exp.Values | exp.Describe) or statement.find(exp.Into):
        kind = body.split(maxsplit=1)[0].upper() if body.split() else "nothing"
        raise InputError(f"sql: expected SELECT, WITH, EXPLAIN, DESCRIBE or SHOW TABLES; got {kind}; this only reads")
    return _names(statement)


def _names(statement: exp.Expr) -> tuple[str, ...]:
    """Return the tables and views that a statement reads; raise InputError for those that aren't there."""
    local = {cte.alias_or_name.lower() for cte in statement.find_all(exp.CTE)}
    known = readable_names()
    found: dict[str, None] = {}
    problems = []
    for table in statement.find_all(exp.Table):
        if not isinstance(table.this, exp.Identifier):  # a table function
            continue
        name = ".".join(_normal(part) for part in table.parts if isinstance(part, exp.Identifier))
        if name in local:
            continue
        if name in known:
            found[name] = None
        else:
            problems.append(_unknown(name, known))
    if problems:
        raise InputError(dict.fromkeys(problems))
    return tuple(found)


def _normal(identifier: exp.Identifier) -> str:
    return str(identifier.this if identifier.args.get("quoted") else identifier.this.lower())


def _unknown(name: str, known: list[str]) -> str:
    same = [candidate for candidate in known if candidate.partition(".")[2] == name]
    near = same or difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "name one that is there"
    return f"sql: expected a table of the lake; got {name!r}; {hint} (there are {', '.join(known)})"


def open_at(place: Place, table: str, as_of: datetime | None = None) -> DeltaTable:
    """Open a table as it stood at a moment, or now. Raises InputError if it was not there."""
    if not place.exists(table):
        raise InputError(
            f"{table}: expected it in the lake at {place.root}; it is not there; run 'leadhouse run' first"
        )
    opened = place.open(table)
    if as_of is None:
        return opened
    opened.load_as_version(as_of)
    first = committed_at(place.table_path(table), opened.version())
    if first is not None and first > as_of:  # there is nothing older: the oldest version was opened instead
        raise InputError(
            f"--as-of: expected a moment at or after {first.isoformat()}, from which {table} is kept; "
            f"got {as_of.isoformat()}; choose a later one"
        )
    return opened


def _table_list(place: Place) -> pa.RecordBatchReader:
    present = [name for name in readable_names() if name in VIEWS or place.exists(name)]
    return pa.table({"name": pa.array(present, pa.string())}).to_reader()


def _run(session: QueryBuilder, sql: str) -> pa.RecordBatchReader:
    try:
        return _guarded(pa.RecordBatchReader.from_stream(session.execute(sql)))
    except DeltaError as problem:
        raise _refused(problem) from problem


def _guarded(reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """Pass batches on; what goes wrong while they are computed is the query's fault too, e.g. a cast that fails."""

    def batches() -> Iterable[pa.RecordBatch]:
        try:
            yield from reader
        except (pa.ArrowException, OSError, DeltaError) as problem:
            raise _refused(problem) from problem

    return pa.RecordBatchReader.from_batches(reader.schema, batches())


def _refused(problem: BaseException) -> InputError:
    return InputError(f"sql: expected a query that can run; {_one_line(problem)}; mend it")


def _one_line(problem: BaseException) -> str:
    text = " ".join(_INNER_NAME.sub(r"\1.", str(problem)).split())
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return text if len(text) <= 600 else text[:600] + "…"

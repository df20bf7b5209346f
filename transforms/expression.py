"""Safe SQL: the expressions of list files, checked node by node against an allow-list and written anew.

What the user wrote is parsed and never run. What runs is generated from the checked tree: columns that exist, operators
and functions that are listed, and values whose every unusual character is escaped. So an expression can neither call a
function that isn't listed, nor read another table, nor end its statement early.

An expression may read ``score``, ``grade``, ``trend``, ``status``, ``age_days``, ``country``, ``created_at``,
``features.NAME`` and ``traits.NAME``. One rule for names: a name that holds anything but letters, digits and ``_``
stands in backticks, exactly as gold.lead_features has it: ``features.`count_7d:type:page_view```.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from leadhouse.conf.errors import InputError
from leadhouse.transforms.expression_tree import Typed, read_tree

MAX_CHARACTERS = 4_000
MAX_TOKENS = 1_000
MAX_DEPTH = 40

_DIALECT = "spark"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Expression:
    """A checked expression."""

    text: str
    """What the user wrote."""
    sql: str
    """Spark SQL over the columns score, grade, trend, status, country, created_at, numbers, categories and traits."""
    kind: str
    """``boolean``, ``number``, ``text`` or ``moment``."""


def read_expression(text: object, *, traits: Mapping[str, str], kind: str) -> Expression:
    """Check an expression and return what to run in its place.

    ``traits`` maps each trait that a contract declares to its logical type; ``kind`` is what the expression must yield.
    Raises InputError with every problem: no expression, more than one, something that isn't allowed, an unknown column,
    kinds that can't be compared.
    """
    tree = _parsed(text)
    problems: list[str] = []
    typed: Typed = read_tree(tree, traits, problems)
    if not problems and typed.kind != kind:
        problems.append(
            f"expected {_article(kind)} expression; this one yields {_article(typed.kind)}; compare or convert it"
        )
    if problems:
        raise InputError(dict.fromkeys(problems))
    return Expression(str(text), typed.sql, typed.kind)


def _parsed(text: object) -> exp.Expr:
    """Parse one expression that is neither too long nor too deep to handle."""
    if not isinstance(text, str) or not text.strip():
        raise InputError(f'expected an expression, e.g. "score >= 0.3"; got {text!r}; write one')
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"expected at most {MAX_CHARACTERS} characters; got {len(text)}; shorten the expression")
    if _CONTROL.search(text):
        raise InputError("expected printable text; got control characters; remove them")
    try:
        tokens = len(sqlglot.tokenize(text, dialect=_DIALECT))
        if tokens > MAX_TOKENS:
            raise InputError(f"expected at most {MAX_TOKENS} words and signs; got {tokens}; shorten the expression")
        statements = sqlglot.parse(text, dialect=_DIALECT)
    except RecursionError as problem:
        raise InputError(
            f"expected at most {MAX_DEPTH} levels of nesting; got more; simplify the expression"
        ) from problem
    except SqlglotError as problem:
        raise InputError(f"expected an expression; it can't be read ({_first_line(problem)}); mend it") from problem
    if len(statements) != 1 or statements[0] is None:
        raise InputError(f"expected one expression; got {len(statements)} statements; remove the ';'")
    if _depth(statements[0]) > MAX_DEPTH:
        raise InputError(f"expected at most {MAX_DEPTH} levels of nesting; got more; simplify the expression")
    return statements[0]


def _depth(tree: exp.Expr) -> int:
    """Levels of nesting. A chain of ``and`` or of ``or`` counts as one level, however long it is."""
    deepest, open_nodes = 0, [(tree, 1)]
    while open_nodes:
        node, depth = open_nodes.pop()
        deepest = max(deepest, depth)
        for child in node.iter_expressions():
            chained = isinstance(node, exp.And | exp.Or) and type(child) is type(node)
            open_nodes.append((child, depth if chained else depth + 1))
    return deepest


def _first_line(problem: Exception) -> str:
    # The parser underlines the spot with terminal codes; a message for a log holds none.
    line = (str(problem).splitlines() or [""])[0]
    return re.sub(r"\x1b\[[0-9;]*m| for <class '[^']*'>", "", line).rstrip(". ")


def _article(kind: str) -> str:
    return {"boolean": "a true-or-false", "number": "a number", "text": "a text", "moment": "a date or time"}.get(
        kind, "an empty"
    )

"""The allow-list of safe SQL: what each kind of node may hold, what it yields, and the Spark SQL that runs for it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlglot import exp

from leadhouse.transforms.expression_columns import column_sql, text_sql
from leadhouse.transforms.expression_functions import FUNCTIONS, SAME, refusal

UNKNOWN = "unknown"
"""Kind of a part that has a problem of its own, or of NULL: it fits everywhere."""


@dataclass(frozen=True)
class Typed:
    """A checked part: its Spark SQL and the kind of value that it yields."""

    sql: str
    kind: str


_COMPARISONS: dict[type, str] = {exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<="}
# A division by zero is no value: with ANSI rules the plain operators would stop the whole job.
_ARITHMETIC: dict[type, str] = {
    exp.Add: "({} + {})",
    exp.Sub: "({} - {})",
    exp.Mul: "({} * {})",
    exp.Div: "try_divide({}, {})",
    exp.Mod: "try_mod({}, {})",
}
_FLAGS = frozenset({"typed", "safe", "ignore_nulls", "negate"})
"""Arguments of a node that hold no part of the expression."""


def read_tree(tree: exp.Expr, traits: Mapping[str, str], problems: list[str]) -> Typed:
    """Check a parsed expression and return its Spark SQL and kind. Every problem is added to ``problems``."""
    return _Reader(traits, problems).read(tree)


class _Reader:
    """Walks one tree. A part with a problem becomes NULL of an unknown kind, and the walk goes on to the next one."""

    def __init__(self, traits: Mapping[str, str], problems: list[str]) -> None:
        self.traits = traits
        self.problems = problems
        self.readers: dict[type, Callable[[exp.Expr], Typed]] = {
            exp.And: self._chain,
            exp.Or: self._chain,
            exp.Not: self._not,
            exp.Paren: lambda node: self.read(node.this),
            exp.Neg: self._negative,
            exp.Between: self._between,
            exp.In: self._in,
            exp.Is: self._is,
            exp.Like: self._like,
            exp.Case: self._case,
            exp.Round: self._round,
            exp.Column: self._column,
            exp.Literal: self._literal,
            exp.Boolean: lambda node: Typed("TRUE" if node.this else "FALSE", "boolean"),
            exp.Null: lambda node: Typed("NULL", UNKNOWN),
            **dict.fromkeys(_COMPARISONS, self._comparison),
            **dict.fromkeys(_ARITHMETIC, self._arithmetic),
            **dict.fromkeys(FUNCTIONS, self._function),
        }

    def read(self, node: exp.Expr) -> Typed:
        reader = self.readers.get(type(node))
        return reader(node) if reader else self._wrong(refusal(node))

    def _wrong(self, problem: str) -> Typed:
        self.problems.append(problem)
        return Typed("NULL", UNKNOWN)

    def _expect(self, part: Typed, kind: str, where: str) -> Typed:
        if part.kind not in (kind, UNKNOWN):
            return self._wrong(f"{where}: expected {_KINDS[kind]}; got {_KINDS[part.kind]}")
        return part

    def _only(self, node: exp.Expr, *names: str) -> bool:
        """Whether a node holds nothing besides the named arguments; else that is a problem."""
        extra = [name for name, value in node.args.items() if value and name not in names and name not in _FLAGS]
        if extra:
            self._wrong(f"{_label(node)}: expected no {', '.join(extra)} here; remove it")
        return not extra

    def _same(self, parts: Sequence[Typed], nodes: Sequence[exp.Expr], where: str) -> tuple[list[str], str]:
        """The parts' SQL and their one kind; text beside a date is read as a date."""
        kinds = {part.kind for part in parts} - {UNKNOWN}
        if kinds == {"moment", "text"}:
            parts = [self._as_moment(part, node) for part, node in zip(parts, nodes, strict=True)]
            kinds = {"moment"}
        if len(kinds) > 1:
            self._wrong(
                f"{where}: expected values of one kind; got {' and '.join(sorted(_KINDS[kind] for kind in kinds))}"
            )
        return [part.sql for part in parts], next(iter(kinds)) if len(kinds) == 1 else UNKNOWN

    def _as_moment(self, part: Typed, node: exp.Expr) -> Typed:
        if part.kind != "text":
            return part
        while isinstance(node, exp.Paren):
            node = node.this
        if not (isinstance(node, exp.Literal) and node.is_string):
            return self._wrong("a date can be compared only with another date or one in quotes, e.g. '2025-01-31'")
        try:
            moment = datetime.fromisoformat(str(node.this))
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            return self._wrong(
                f"expected a date or time such as '2025-01-31' or '2025-01-31T08:00:00Z'; got {node.this!r}"
            )
        return Typed(f"TIMESTAMP'{moment.isoformat(sep=' ')}'", "moment")

    def _chain(self, node: exp.Expr) -> Typed:
        word = "AND" if isinstance(node, exp.And) else "OR"
        parts = [self._expect(self.read(part), "boolean", word.lower()).sql for part in node.flatten(unnest=False)]
        return Typed("(" + f" {word} ".join(parts) + ")", "boolean")

    def _not(self, node: exp.Expr) -> Typed:
        return Typed(f"(NOT {self._expect(self.read(node.this), 'boolean', 'not').sql})", "boolean")

    def _negative(self, node: exp.Expr) -> Typed:
        return Typed(f"(- {self._expect(self.read(node.this), 'number', '-').sql})", "number")

    def _comparison(self, node: exp.Expr) -> Typed:
        nodes = [node.this, node.expression]
        (left, right), kind = self._same([self.read(part) for part in nodes], nodes, _label(node))
        if kind == "boolean" and not isinstance(node, exp.EQ | exp.NEQ):
            return self._wrong(f"{_label(node)}: true and false have no order; use =")
        return Typed(f"({left} {_COMPARISONS[type(node)]} {right})", "boolean")

    def _between(self, node: exp.Expr) -> Typed:
        nodes = [node.this, node.args["low"], node.args["high"]]
        if not self._only(node, "this", "low", "high"):
            return Typed("NULL", UNKNOWN)
        (value, low, high), _ = self._same([self.read(part) for part in nodes], nodes, "between")
        return Typed(f"({value} BETWEEN {low} AND {high})", "boolean")

    def _in(self, node: exp.Expr) -> Typed:
        if not self._only(node, "this", "expressions") or not node.expressions:
            return self._wrong("in: expected values in brackets, e.g. grade in ('A', 'B')")
        nodes = [node.this, *node.expressions]
        (value, *values), _ = self._same([self.read(part) for part in nodes], nodes, "in")
        return Typed(f"({value} IN ({', '.join(values)}))", "boolean")

    def _is(self, node: exp.Expr) -> Typed:
        value = self.read(node.this)
        if isinstance(node.expression, exp.Null):
            return Typed(f"({value.sql} IS NULL)", "boolean")
        if isinstance(node.expression, exp.Boolean):
            self._expect(value, "boolean", "is true")
            return Typed(f"({value.sql} <=> {'TRUE' if node.expression.this else 'FALSE'})", "boolean")
        return self._wrong("is: expected null, true or false after it; use = to compare")

    def _like(self, node: exp.Expr) -> Typed:
        value, pattern = self._expect(self.read(node.this), "text", "like"), node.expression
        if not (self._only(node, "this", "expression") and isinstance(pattern, exp.Literal) and pattern.is_string):
            return self._wrong("like: expected a pattern in quotes, e.g. like 'Mc%'")
        if "\\" in str(pattern.this) or str(pattern.this).count("%") > 5:
            return self._wrong(f"like: expected a pattern without '\\' and with at most 5 '%'; got {pattern.this!r}")
        word = "NOT LIKE" if node.args.get("negate") else "LIKE"
        return Typed(f"({value.sql} {word} {text_sql(str(pattern.this))})", "boolean")

    def _case(self, node: exp.Expr) -> Typed:
        if node.this is not None or not self._only(node, "ifs", "default"):
            return self._wrong("case: expected 'case when CONDITION then VALUE … else VALUE end'")
        conditions = [self._expect(self.read(branch.this), "boolean", "when") for branch in node.args["ifs"]]
        nodes = [branch.args["true"] for branch in node.args["ifs"]]
        nodes += [node.args["default"]] if node.args.get("default") else []
        values, kind = self._same([self.read(part) for part in nodes], nodes, "case")
        whens = " ".join(f"WHEN {when.sql} THEN {then}" for when, then in zip(conditions, values, strict=False))
        default = f" ELSE {values[-1]}" if node.args.get("default") else ""
        return Typed(f"(CASE {whens}{default} END)", kind)

    def _arithmetic(self, node: exp.Expr) -> Typed:
        parts = [self._expect(self.read(part), "number", _label(node)).sql for part in (node.this, node.expression)]
        return Typed(_ARITHMETIC[type(node)].format(*parts), "number")

    def _round(self, node: exp.Expr) -> Typed:
        value, decimals = self._expect(self.read(node.this), "number", "round"), node.args.get("decimals")
        digits = str(decimals.this) if isinstance(decimals, exp.Literal) else "0"
        if not self._only(node, "this", "decimals") or (decimals is not None and not isinstance(decimals, exp.Literal)):
            return self._wrong("round: expected the number of decimals as a plain number, e.g. round(score, 2)")
        if not re.fullmatch(r"[0-9]|1[0-5]", digits):
            return self._wrong(f"round: expected 0 to 15 decimals; got {digits}")
        return Typed(f"round({value.sql}, {digits})", "number")

    def _function(self, node: exp.Expr) -> Typed:
        function = FUNCTIONS[type(node)]
        first = [node.this] if node.this is not None else []
        nodes = [
            *first,
            *([node.expression] if node.args.get("expression") else []),
            *(node.args.get("expressions") or []),
        ]
        if not self._only(node, "this", "expression", "expressions"):
            return Typed("NULL", UNKNOWN)
        if not function.least <= len(nodes) <= function.most:
            return self._wrong(
                f"{function.name}: expected {function.least} to {function.most} values; got {len(nodes)}"
            )
        parts = [self.read(part) for part in nodes]
        if function.takes == SAME:
            values, kind = self._same(parts, nodes, function.name)
            return Typed(f"{function.name}({', '.join(values)})", kind)
        values = [self._expect(part, function.takes, function.name).sql for part in parts]
        sql = f"{function.name}({', '.join(values)})"
        return Typed(f"CAST({sql} AS DOUBLE)" if function.yields == "number" else sql, function.yields)

    def _column(self, node: exp.Expr) -> Typed:
        parts = [part for name in ("catalog", "db", "table", "this") if (part := node.args.get(name)) is not None]
        names = [part.this for part in parts] if all(isinstance(part, exp.Identifier) for part in parts) else []
        sql, kind, problem = column_sql([str(name) for name in names], self.traits)
        return self._wrong(problem) if problem else Typed(sql, kind)

    def _literal(self, node: exp.Expr) -> Typed:
        if node.is_string:
            return Typed(text_sql(str(node.this)), "text")
        try:
            number = float(str(node.this))
        except ValueError:
            number = math.inf
        if not math.isfinite(number):
            return self._wrong(f"expected a number; got {node.this}")
        return Typed(f"{number!r}D", "number")


_KINDS = {"boolean": "true or false", "number": "a number", "text": "a text", "moment": "a date or time"}


def _label(node: exp.Expr) -> str:
    if type(node) in _COMPARISONS:
        return _COMPARISONS[type(node)]
    return str(node.key)

"""The functions that a list's expression may call, and what is said to any other."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

SAME = "same"
"""In a signature: all arguments of one kind, which is also what the function yields."""


@dataclass(frozen=True)
class Function:
    """One allowed function: its name in Spark, the kind of its arguments, how many, and the kind that it yields."""

    name: str
    takes: str
    yields: str
    least: int = 1
    most: int = 1


FUNCTIONS: dict[type, Function] = {
    exp.Coalesce: Function("coalesce", SAME, SAME, 1, 20),
    exp.Least: Function("least", SAME, SAME, 2, 20),
    exp.Greatest: Function("greatest", SAME, SAME, 2, 20),
    exp.Abs: Function("abs", "number", "number"),
    exp.Floor: Function("floor", "number", "number"),
    exp.Ceil: Function("ceil", "number", "number"),
    exp.Lower: Function("lower", "text", "text"),
    exp.Upper: Function("upper", "text", "text"),
    exp.Trim: Function("trim", "text", "text"),
    exp.Length: Function("length", "text", "number"),
    exp.Contains: Function("contains", "text", "boolean", 2, 2),
    exp.StartsWith: Function("startswith", "text", "boolean", 2, 2),
    exp.EndsWith: Function("endswith", "text", "boolean", 2, 2),
}
ALLOWED_FUNCTIONS = (*sorted(function.name for function in FUNCTIONS.values()), "round")


def refusal(node: exp.Expr) -> str:
    """Return why a part of an expression is not allowed, and what is."""
    functions = f"allowed are {', '.join(ALLOWED_FUNCTIONS)}"
    if isinstance(node, exp.Anonymous):
        return f"function {str(node.this)[:60]}: not allowed in a list; {functions}"
    if isinstance(node, exp.Query | exp.Subquery | exp.Exists):
        return "a query: not allowed in a list; use the lead's own columns"
    if isinstance(node, exp.Cast):
        return "cast: not needed in a list: traits have their contract's type, dates may stand in quotes; remove it"
    if isinstance(node, exp.Func):
        return f"function {node.sql_name().lower()}: not allowed in a list; {functions}"
    return f"{node.key}: not allowed in a list; use and, or, not, comparisons, in, between, like, case and arithmetic"

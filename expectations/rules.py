"""A contract's row rules: each a Column that is null when the item is good and says what is wrong when it isn't."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.expectations.contract import IDENTITY_ROLES, Contract, Field
from leadhouse.transforms.kept_columns import kept_columns
from leadhouse.transforms.values import ValueSpec, fits, present, typed

FUTURE_TOLERANCE = "INTERVAL 1 DAY"
"""Clocks differ; an event later than this after its arrival is refused."""
_SHOWN = 60
"""Characters of an offending value that a message shows."""


@dataclass(frozen=True)
class RowRule:
    """One rule about one field."""

    name: str
    column: str
    message: Column
    """Null when the item is good; otherwise what was expected and what came."""


def value_spec(contract: Contract, field: Field) -> ValueSpec:
    """Return how the texts of a field become values."""
    shape = contract.shape
    return ValueSpec(
        field.logical_type,
        shape.decimal_mark,
        shape.null_tokens,
        shape.true_tokens,
        shape.false_tokens,
        shape.time_zone,
        field.formats,
        field.signs,
    )


@kept_columns
def present_texts(contract: Contract) -> Column:
    """Return the struct of trimmed texts, null tokens made null, from the struct ``texts`` that the parser made."""
    return F.struct(
        *[
            present(F.col("texts")[field.name], value_spec(contract, field)).alias(field.name)
            for field in contract.fields
        ]
    )


@kept_columns
def typed_row(contract: Contract) -> Column:
    """Return the struct of typed values, one for each field, from the struct ``texts`` of present texts."""
    return F.struct(*[typed(_text(field), value_spec(contract, field)).alias(field.name) for field in contract.fields])


@kept_columns
def row_rules(contract: Contract) -> tuple[RowRule, ...]:
    """Return the contract's rules over items with the columns texts, row (the typed values) and received_at."""
    rules = [rule for field in contract.fields for rule in _field_rules(contract, field)]
    identities = [field for field in contract.fields if set(IDENTITY_ROLES) & set(field.roles)]
    if identities:
        nobody = F.coalesce(*[F.col("row")[field.name].cast("STRING") for field in identities]).isNull()
        names = ", ".join(field.name for field in identities)
        rules.append(
            RowRule("identity", identities[0].name, _when(nobody, F.lit(f"expected a value in {names}; got none")))
        )
    return tuple(rules)


@kept_columns
def failures(contract: Contract) -> Column:
    """Return what is wrong with an item by its contract: an array of (rule, column, message), empty if nothing is.

    If there is a ``problem``, the parser's word on the record as a whole, the rules have nothing to judge.
    """
    rules, problem = row_rules(contract), F.col("problem")
    nothing = F.array().cast("ARRAY<STRUCT<rule: STRING, column: STRING, message: STRING>>")
    whole = F.array(
        F.struct(
            problem["rule"].alias("rule"),
            F.lit(None).cast("STRING").alias("column"),
            problem["message"].alias("message"),
        )
    )
    if not rules:
        return F.when(problem.isNotNull(), whole).otherwise(nothing)
    broken = F.lit(False)
    for rule in rules:
        broken = broken | rule.message.isNotNull()
    each = F.array_compact(
        F.array(
            *[
                F.when(
                    rule.message.isNotNull(),
                    F.struct(
                        F.lit(rule.name).alias("rule"),
                        F.lit(rule.column).alias("column"),
                        rule.message.alias("message"),
                    ),
                )
                for rule in rules
            ]
        )
    )
    return F.when(problem.isNotNull(), whole).when(broken, each).otherwise(nothing)


def _field_rules(contract: Contract, field: Field) -> list[RowRule]:
    spec = value_spec(contract, field)
    text, value = _text(field), F.col("row")[field.name]
    is_value = fits(text, value, spec)
    rules = []
    if field.required:
        rules.append(RowRule("required", field.name, _when(text.isNull(), F.lit("expected a value; got none"))))
    if field.logical_type != "string":
        wrong = text.isNotNull() & ~is_value
        rules.append(RowRule("type", field.name, _when(wrong, _got(_type_words(contract, field), text))))
    if field.valid_values:
        allowed = ", ".join(field.valid_values[:8]) + (" …" if len(field.valid_values) > 8 else "")
        wrong = text.isNotNull() & ~value.cast("STRING").isin(*field.valid_values)
        rules.append(RowRule("valid_values", field.name, _when(wrong, _got(f"one of {allowed}", text))))
    if field.pattern is not None:
        rules.append(
            RowRule(
                "pattern",
                field.name,
                _when(text.isNotNull() & ~text.rlike(field.pattern), _got(f"text like {field.pattern}", text)),
            )
        )
    if field.minimum is not None:
        rules.append(
            RowRule(
                "minimum", field.name, _when(value < F.lit(field.minimum), _got(f"at least {field.minimum:g}", text))
            )
        )
    if field.maximum is not None:
        rules.append(
            RowRule(
                "maximum", field.name, _when(value > F.lit(field.maximum), _got(f"at most {field.maximum:g}", text))
            )
        )
    if field.max_length is not None:
        too_long = F.length(text) > field.max_length
        rules.append(
            RowRule("max_length", field.name, _when(too_long, _got(f"at most {field.max_length} characters", text)))
        )
    if {"created_at", "occurred_at", "updated_at", "outcome_at"} & set(field.roles):
        late = value.cast("TIMESTAMP") > F.col("received_at") + F.expr(FUTURE_TOLERANCE)
        rules.append(RowRule("future", field.name, _when(late, _got("a moment that has been, by our clock", text))))
    return rules


def _text(field: Field) -> Column:
    return F.col("texts")[field.name]


def _type_words(contract: Contract, field: Field) -> str:
    shape = contract.shape
    if field.logical_type == "boolean":
        return f"one of {', '.join(shape.true_tokens + shape.false_tokens)}"
    if field.logical_type in ("timestamp", "date"):
        return f"a {field.logical_type} like {' or '.join(field.formats) or 'ISO 8601'}"
    return f"{'an integer' if field.logical_type == 'integer' else 'a number'} (decimal mark '{shape.decimal_mark}')"


def _when(condition: Column, message: Column) -> Column:
    return F.when(condition, message)


def _got(expected: str, text: Column) -> Column:
    shown = F.when(F.length(text) > _SHOWN, F.concat(F.substring(text, 1, _SHOWN), F.lit("…"))).otherwise(text)
    return F.concat(F.lit(f"expected {expected}; got '"), shown, F.lit("'"))

"""Texts to typed values, and typed values to the canonical text that traits are kept in.

All functions take and return Columns; a text that doesn't fit its type becomes null, and the row rules say why.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

EPOCH_SECONDS, EPOCH_MILLIS = "epoch_seconds", "epoch_millis"
"""Formats of a timestamp that is a number."""

_DECIMAL = "DECIMAL(38,12)"
_ISO_DATE = r"^\d{4}-\d{2}-\d{2}"
_ZONE = r"(Z|[+-]\d{2}(:?\d{2})?)$"
_ZONE_LETTERS = re.compile(r"[XxZVzO]")
_TEXT_FORMAT = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"


@dataclass(frozen=True)
class ValueSpec:
    """How the texts of one field become values."""

    logical_type: str
    decimal_mark: str
    null_tokens: tuple[str, ...]
    true_tokens: tuple[str, ...]
    false_tokens: tuple[str, ...]
    time_zone: str
    formats: tuple[str, ...]
    signs: tuple[str, ...] = ()
    """What may stand before or after a number and is no part of it: a currency, a percent sign."""


def present(text: Column, spec: ValueSpec) -> Column:
    """Return the trimmed text; null where it is one of the null tokens."""
    trimmed = F.trim(text)
    return F.when(~trimmed.isin(*spec.null_tokens), trimmed) if spec.null_tokens else trimmed


def typed(text: Column, spec: ValueSpec) -> Column:
    """Return a present text as a value of its type: STRING, BIGINT, DOUBLE, BOOLEAN, TIMESTAMP or DATE; null if it
    isn't one."""
    if spec.logical_type == "integer":
        return _number(text, spec).try_cast("BIGINT")
    if spec.logical_type == "number":
        return _number(text, spec).cast("DOUBLE")
    if spec.logical_type == "boolean":
        lowered = F.lower(text)
        return F.when(lowered.isin(*_lower(spec.true_tokens)), True).when(
            lowered.isin(*_lower(spec.false_tokens)), False
        )
    if spec.logical_type == "timestamp":
        return _timestamp(text, spec)
    if spec.logical_type == "date":
        return _date(text, spec)
    return text


def fits(text: Column, value: Column, spec: ValueSpec) -> Column:
    """Return whether a present text is a value of its type, nothing lost: 2.5 is no integer."""
    if spec.logical_type == "integer":
        return value.isNotNull() & (value.cast(_DECIMAL) == _number(text, spec))
    return value.isNotNull()


def canonical(text: Column, value: Column, spec: ValueSpec) -> Column:
    """Return the text form in which a value is kept as a trait: one form for equal values, whatever the source
    wrote."""
    if spec.logical_type == "number":
        plain = _number(text, spec).cast("STRING")
        return F.regexp_replace(F.regexp_replace(plain, r"(\.\d*?)0+$", "$1"), r"\.$", "")
    if spec.logical_type == "timestamp":
        return F.date_format(value, _TEXT_FORMAT)
    return value.cast("STRING")


def _number(text: Column, spec: ValueSpec) -> Column:
    """The text as an exact decimal; thousands separators are allowed where they stand right. NaN and Infinity are no
    numbers."""
    if spec.signs:
        either = "|".join(re.escape(sign) for sign in spec.signs)
        text = F.regexp_replace(text, rf"^([+-]?)\s*(?:{either})\s*([+-]?)|\s*(?:{either})$", "$1$2")
    mark = re.escape(spec.decimal_mark)
    thousands = "[,' \u00a0]" if spec.decimal_mark == "." else "[.' \u00a0]"
    plain = text.rlike(rf"^[+-]?(\d+({mark}\d*)?|{mark}\d+)([eE][+-]?\d{{1,3}})?$")
    grouped = text.rlike(rf"^[+-]?\d{{1,3}}({thousands}\d{{3}})+({mark}\d*)?$")
    cleaned = F.when(plain, text).when(grouped, F.regexp_replace(text, thousands, ""))
    pointed = cleaned if spec.decimal_mark == "." else F.regexp_replace(cleaned, mark, ".")
    return pointed.try_cast(_DECIMAL)


def _timestamp(text: Column, spec: ValueSpec) -> Column:
    if not spec.formats:
        # The cast alone would take "12:30" for today; it is twice as fast as parsing without a format.
        moment = F.when(text.rlike(_ISO_DATE), text.try_cast("TIMESTAMP"))
        return _in_zone(moment, spec, F.substring(text, 11, 64).rlike(_ZONE))
    tries = [_timestamp_by(text, form, spec) for form in spec.formats]
    return F.coalesce(*tries)


def _timestamp_by(text: Column, form: str, spec: ValueSpec) -> Column:
    if form == EPOCH_SECONDS:
        return F.timestamp_micros((text.try_cast("DECIMAL(20,6)") * 1_000_000).cast("BIGINT"))
    if form == EPOCH_MILLIS:
        return F.timestamp_micros((text.try_cast("DECIMAL(20,3)") * 1_000).cast("BIGINT"))
    parsed = F.try_to_timestamp(text, F.lit(form))
    return _in_zone(parsed, spec, F.lit(bool(_ZONE_LETTERS.search(re.sub(r"'[^']*'", "", form)))))


def _in_zone(moment: Column, spec: ValueSpec, has_zone: Column) -> Column:
    """Shift a wall-clock time of the source's zone to UTC, unless the text itself named a zone."""
    if spec.time_zone == "UTC":
        return moment
    return F.when(has_zone, moment).otherwise(F.to_utc_timestamp(moment, spec.time_zone))


def _date(text: Column, spec: ValueSpec) -> Column:
    if not spec.formats:
        return F.when(text.rlike(_ISO_DATE), F.substring(text, 1, 10).try_cast("DATE"))
    return F.coalesce(*[_timestamp_by(text, form, _naive(spec)).cast("DATE") for form in spec.formats])


def _naive(spec: ValueSpec) -> ValueSpec:
    """The same without a zone: a date is a date wherever it was written."""
    return ValueSpec(
        spec.logical_type, spec.decimal_mark, spec.null_tokens, spec.true_tokens, spec.false_tokens, "UTC", spec.formats
    )


def _lower(tokens: tuple[str, ...]) -> list[str]:
    return [token.lower() for token in tokens]

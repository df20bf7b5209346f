"""The columns that a list's expression may read, and the Spark SQL behind each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from leadhouse.transforms.feature_names import WINDOWS_DAYS, is_count, parse_feature_name

_LEAD_COLUMNS: Mapping[str, tuple[str, str]] = {
    "score": ("score", "number"),
    "grade": ("grade", "text"),
    "trend": ("trend", "number"),
    "status": ("status", "text"),
    "age_days": ("try_element_at(numbers, 'age_days')", "number"),
    "country": ("country", "text"),
    "created_at": ("created_at", "moment"),
}
_TRAIT_SQL: Mapping[str, tuple[str, str]] = {
    "string": ("{}", "text"),
    "integer": ("try_cast({} AS DOUBLE)", "number"),
    "number": ("try_cast({} AS DOUBLE)", "number"),
    "boolean": ("try_cast({} AS BOOLEAN)", "boolean"),
    "timestamp": ("try_cast({} AS TIMESTAMP)", "moment"),
    "date": ("try_cast({} AS TIMESTAMP)", "moment"),
}
_PLAIN = re.compile(r"[A-Za-z0-9 ._-]")


def column_sql(names: Sequence[str], traits: Mapping[str, str]) -> tuple[str, str, str | None]:
    """Return (Spark SQL, kind, problem) of a column, given as the parts of its dotted name.

    ``traits`` maps each declared trait to its logical type. The problem, if there is one, names what is known.
    """
    if len(names) == 1 and names[0].lower() in _LEAD_COLUMNS:
        return *_LEAD_COLUMNS[names[0].lower()], None
    if len(names) == 2 and names[0].lower() == "features":
        return _feature(names[1], traits)
    if len(names) == 2 and names[0].lower() == "traits":
        return _trait(names[1], traits)
    known = f"{', '.join(_LEAD_COLUMNS)}, features.NAME and traits.NAME"
    return "", "", f"column {'.'.join(names) or '?'}: unknown; known are {known}; texts stand in single quotes"


def _trait(name: str, traits: Mapping[str, str]) -> tuple[str, str, str | None]:
    if name == "country":
        return "country", "text", None
    if name not in traits:
        known = ", ".join(sorted({*traits, "country"}))
        return "", "", f"traits.{name}: no contract declares this trait; known are {known}"
    sql, kind = _TRAIT_SQL[traits[name]]
    return sql.format(f"try_element_at(traits, {text_sql(name)})"), kind, None


def _feature(name: str, traits: Mapping[str, str]) -> tuple[str, str, str | None]:
    try:
        parsed = parse_feature_name(name)
    except ValueError:
        return "", "", (
            f"features.{name}: unknown; known are count_Nd, intensity, campaigns, days_since, days_between, age_days "
            "and trait:NAME; of one type or channel in backticks, e.g. features.`count_7d:type:page_view`"
        )  # fmt: skip
    if parsed.window_days is not None and parsed.window_days not in WINDOWS_DAYS:
        days = ", ".join(str(window) for window in WINDOWS_DAYS)
        return "", "", f"features.{name}: expected a window of {days} days; got {parsed.window_days}"
    if parsed.measure == "trait":
        kind = "string" if parsed.value == "country" else traits.get(str(parsed.value))
        if kind is None:
            return "", "", f"features.{name}: no contract declares this trait; known are {', '.join(sorted(traits))}"
        if kind == "string":
            return f"try_element_at(categories, {text_sql(name)})", "text", None
    number = f"try_element_at(numbers, {text_sql(name)})"
    return (f"coalesce({number}, 0.0D)" if is_count(name) else number), "number", None


def text_sql(text: str) -> str:
    """Return a Spark SQL literal of a text. Whatever isn't a letter, digit, blank or one of ``._-`` is escaped."""

    def escaped(character: str) -> str:
        code = ord(character)
        return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

    return "'" + "".join(c if _PLAIN.fullmatch(c) else escaped(c) for c in text) + "'"

"""Features in words, from the grammar of their names; no feature is known by name here."""

from __future__ import annotations

import re
from decimal import Decimal

from leadhouse.models.matrix import FLAG, Feature
from leadhouse.transforms.feature_names import FeatureName, parse_feature_name

UNKNOWN = "not known"
_YES_NO = {0.0: "no", 1.0: "yes"}
_DONE = re.compile(
    r"(?<!e)ed$|\b(agreed|begun|bought|given|left|lost|made|met|paid|read|seen|sent|sold|taken|won|written)$",
    re.IGNORECASE,
)
"""Signals whose name says what was done, as webhooks name theirs: they have no plural of their own."""
_LONG = 10_000
"""Numbers from here on are written with a comma; years, and what looks like them, without."""


def describe(feature: Feature, value: float | str | None) -> str:
    """Return what a lead's value of a feature says, e.g. ``18 page views in 7 days`` or ``country is DE``.

    ``value`` is None where it is missing.
    """
    parsed = parse_feature_name(feature.name)
    if parsed.measure == "trait":
        return f"{_plain(str(parsed.value))} is {show(feature, value)}"
    if parsed.measure in _WORDS:
        return _WORDS[parsed.measure](parsed, value)
    raise ValueError(f"feature: expected one with words; got {feature.name!r}; add its words to models/wording.py")


def show(feature: Feature, value: float | str | None) -> str:
    """Return a value as text: whole numbers without a point, flags as yes or no, missing as ``not known``."""
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        return value
    if feature.kind == FLAG and value in _YES_NO:
        return _YES_NO[value]
    return number(value)


def usual(feature: Feature, value: float | str | None) -> str:
    """Return what is usual, in brackets behind a space, where that says more than the lead's own value.

    It is the median in training of those who have a value, or the most frequent level.
    """
    if feature.usual is None or (feature.kind == FLAG and feature.usual not in _YES_NO):
        return ""
    own, others = (_briefly(feature, each) for each in (value, feature.usual))
    return "" if own == others else f" (usually {others})"


def points(effect: float) -> str:
    """Return an effect on a probability in percentage points, without its sign: 4.1 points, 1 point."""
    rounded = round(abs(effect) * 100, 1)
    if not rounded:
        return "less than 0.1 points"
    return f"{number(rounded)} {'point' if rounded == 1 else 'points'}"


def title(name: str) -> str:
    """Return what a feature is about, without a value: ``page views in 7 days``, ``days since last call``."""
    parsed = parse_feature_name(name)
    if parsed.measure == "trait":
        return _plain(str(parsed.value))
    if parsed.measure == "count":
        return f"{_things(parsed, 2)} {_within(parsed)}"
    if parsed.measure == "days_since":
        return f"days since last {_things(parsed, 1)}"
    return _TITLES[parsed.measure]


def number(value: float) -> str:
    """Return a number as a person writes it: 18, 3.2, 0.04, 1998, 12,500."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:.0f}" if abs(value) < _LONG else f"{value:,.0f}"
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 1 else f"{Decimal(f'{value:.2g}'):f}"


def _count(parsed: FeatureName, value: float | str | None) -> str:
    many = float(value or 0)
    return f"{number(many) if many else 'no'} {_things(parsed, many)} {_within(parsed)}"


def _within(parsed: FeatureName) -> str:
    return "in the last day" if parsed.window_days == 1 else f"in {parsed.window_days} days"


def _days_since(parsed: FeatureName, value: float | str | None) -> str:
    thing = _things(parsed, 1)
    if value is None:
        return f"no {thing} yet"
    return f"last {thing} {_days(float(value))} ago"


def _intensity(parsed: FeatureName, value: float | str | None) -> str:
    return f"recent activity is {number(float(value or 0))}"


def _campaigns(parsed: FeatureName, value: float | str | None) -> str:
    many = float(value or 0)
    return f"{number(many) if many else 'no'} {'campaign' if many == 1 else 'campaigns'}"


def _days_between(parsed: FeatureName, value: float | str | None) -> str:
    return "fewer than two signals" if value is None else f"{_days(float(value))} between signals"


def _age(parsed: FeatureName, value: float | str | None) -> str:
    return "age as a lead is not known" if value is None else f"a lead for {_days(float(value))}"


_WORDS = {
    "count": _count,
    "days_since": _days_since,
    "intensity": _intensity,
    "campaigns": _campaigns,
    "days_between": _days_between,
    "age_days": _age,
}
_TITLES = {
    "intensity": "recent activity",
    "campaigns": "campaigns",
    "days_between": "days between signals",
    "age_days": "days as a lead",
}


def _briefly(feature: Feature, value: float | str | None) -> str:
    """A value beside what ``describe`` has said it is of: ``12 days``, ``none``, ``DE``."""
    measure = parse_feature_name(feature.name).measure
    if measure in ("days_since", "days_between", "age_days") and value is not None:
        return _days(float(value))
    if measure in ("count", "campaigns") and not value:
        return "none"
    return show(feature, value)


def _things(parsed: FeatureName, many: float) -> str:
    """What is counted: ``page views``, ``email signals``, ``signals``."""
    if parsed.dimension == "type":
        name = _plain(str(parsed.value))
        name = f"{name} signal" if _DONE.search(name) else name
    else:
        name = f"{_plain(str(parsed.value))} signal" if parsed.dimension == "channel" else "signal"
    return name if many == 1 else _plural(name)


def _plural(name: str) -> str:
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "ch", "sh")) else f"{name}s"


def _days(value: float) -> str:
    if 0 <= value < 1:
        return "less than a day"
    whole = round(value) if value >= 10 else round(value, 1)
    return f"{number(whole)} {'day' if whole == 1 else 'days'}"


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").strip()

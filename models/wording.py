"""Features in words, from the grammar of their names; no feature is known by name here."""

from __future__ import annotations

from leadhouse.models.matrix import FLAG, Feature
from leadhouse.transforms.feature_names import FeatureName, parse_feature_name

UNKNOWN = "not known"


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
    if feature.kind == FLAG:
        return "yes" if value else "no"
    return number(value)


def number(value: float) -> str:
    """Return a number as a person writes it: 18, 3.2, 0.04, 12,500."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"


def _count(parsed: FeatureName, value: float | str | None) -> str:
    many = float(value or 0)
    days = "day" if parsed.window_days == 1 else f"{parsed.window_days} days"
    within = f"in the last {days}" if parsed.window_days == 1 else f"in {days}"
    return f"{number(many) if many else 'no'} {_things(parsed, many)} {within}"


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


def _things(parsed: FeatureName, many: float) -> str:
    """What is counted: ``page views``, ``email signals``, ``signals``."""
    if parsed.dimension == "type":
        name = _plain(str(parsed.value))
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

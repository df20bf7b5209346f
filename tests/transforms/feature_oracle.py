"""The features again, in plain Python over plain rows: what the Spark transforms must come to."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

from leadhouse.transforms.features import TraitKind

Row = dict[str, Any]
DAY = 86_400_000_000


def features(
    moment: Row, *, signals: list[Row], traits: list[Row], identities: list[Row], kinds: tuple[TraitKind, ...]
) -> tuple[dict[str, float], dict[str, str]]:
    """Numbers and categories of one moment (tenant, lead_id, as_of, known)."""
    numbers = _signal_features(moment, _seen(moment, signals, identities))
    more, categories = _trait_features(moment, _seen(moment, traits, identities), kinds)
    return numbers | more, categories


def _seen(moment: Row, facts: list[Row], identities: list[Row]) -> list[Row]:
    keys = {}
    for row in sorted(identities, key=lambda row: (row["known_at"], int(row["batch"].split("/")[2]))):
        if row["tenant"] == moment["tenant"]:
            first = keys.get(row["identity_key"], (None, False, None))[2]
            since = first or (row["known_at"] if row["is_lead"] else None)
            keys[row["identity_key"]] = (row["lead_id"], row["is_lead"], since)
    seen = []
    for fact in facts:
        lead_id, is_lead, since = keys.get(fact["identity_key"], (None, False, None))
        mine = is_lead and lead_id == moment["lead_id"] and fact["tenant"] == moment["tenant"]
        if mine and fact["occurred_at"] <= moment["as_of"] and max(fact["known_at"], since) <= moment["known"]:
            seen.append(fact)
    return seen


def _signal_features(moment: Row, signals: list[Row]) -> dict[str, float]:
    groups: dict[str, list[int]] = {}
    for signal in signals:
        age = micros(moment["as_of"]) - micros(signal["occurred_at"])
        groups.setdefault("", []).append(age)
        groups.setdefault(f":type:{signal['signal_type']}", []).append(age)
        if signal["channel"] is not None:
            groups.setdefault(f":channel:{signal['channel']}", []).append(age)
    found: dict[str, float] = {}
    for about, ages in groups.items():
        for window in (1, 7, 30, 90):
            found[f"count_{window}d{about}"] = float(sum(age < window * DAY for age in ages))
        if not about.startswith(":channel"):
            found[f"days_since{about}"] = min(ages) / DAY
    if ages := groups.get("", []):
        found["intensity"] = sum(math.floor(1e6 * 2 ** (-(age // DAY) / 14) + 0.5) for age in ages) / 1e6
        found["campaigns"] = float(len({signal["campaign"] for signal in signals} - {None}))
        if len(ages) > 1:
            found["days_between"] = (max(ages) - min(ages)) / ((len(ages) - 1) * DAY)
    zeros = {
        name for name, value in found.items() if value == 0 and name.startswith(("count", "intensity", "campaigns"))
    }
    return {name: value for name, value in found.items() if name not in zeros}


def _trait_features(
    moment: Row, traits: list[Row], kinds: tuple[TraitKind, ...]
) -> tuple[dict[str, float], dict[str, str]]:
    usable = {(kind.tenant, kind.source, kind.name): kind.kind for kind in kinds if kind.known == "at_creation"}
    numbers: dict[str, float] = {}
    categories: dict[str, str] = {}
    for name in {trait["name"] for trait in traits}:
        if name == "created_at":
            first = min(trait["value"] for trait in traits if trait["name"] == name)
            numbers["age_days"] = (micros(moment["as_of"]) - micros(datetime.fromisoformat(first))) / DAY
            continue
        typed = [t for t in traits if t["name"] == name and (t["tenant"], t["source"], name) in usable]
        if not typed:
            continue
        last = max(
            typed,
            key=lambda t: (t["stated_at"] <= moment["known"], t["stated_at"], t["occurred_at"], t["trait_id"]),
        )
        value = _typed(last["value"], usable[last["tenant"], last["source"], name], moment["as_of"])
        if isinstance(value, str):
            categories[f"trait:{name}"] = value
        elif value is not None:
            numbers[f"trait:{name}"] = value
    return numbers, categories


def _typed(text: str | None, kind: str, as_of: datetime) -> float | str | None:
    if text is None or kind == "string":
        return text
    try:
        if kind == "number":
            return float(text) if math.isfinite(float(text)) else None
        if kind == "boolean":
            return {"true": 1.0, "false": 0.0}.get(text)
        if kind == "date":
            midnight = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            return (micros(as_of) - micros(midnight)) / DAY
        return (micros(as_of) - micros(datetime.fromisoformat(text))) / DAY
    except ValueError:
        return None


def micros(moment: datetime) -> int:
    """Whole microseconds since 1970."""
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds

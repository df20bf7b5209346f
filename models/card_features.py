"""What a model card says about features: what the model looks at, what was left out, and what may know too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadhouse.models.markdown import many, table, text
from leadhouse.models.model import LeadModel
from leadhouse.models.wording import UNKNOWN, describe, show

_FEATURES = 40
"""Features shown, the most important first."""
_NEVER = (
    "Fields that the contracts declare as known later or personal never come this far, sensitive ones only if the "
    "contract says `feature: true`."
)


def _left_out(card: Mapping[str, Any]) -> list[str]:
    """What was counted out or let in on somebody's word. Cards of older models know nothing of it."""
    rare, sensitive = sorted(card.get("rare", {}).items()), card.get("sensitive", [])
    repeated = card.get("repeated", 0)
    lines = [f"- `{text(name)}`: {many(count, 'rare value')} counted as missing." for name, count in rare]
    if repeated:
        lines.append(f"- {many(repeated, 'example')} of a lead and a moment that another spoke of already.")
    if sensitive:
        names = ", ".join(f"`{text(name)}`" for name in sensitive)
        lines.append(f"- **Declared as a feature although sensitive: {names}.** The contract says `feature: true`.")
    return ["", *lines] if lines else []


def features_section(model: LeadModel) -> list[str]:
    """Return the lines that say what a model looks at, the most important first, and what was left out."""
    card = model.card
    importance = model.fitted.importance()
    ranked = sorted(model.fitted.spec.features, key=lambda feature: (-importance[feature.name], feature.name))
    rows = [
        (
            f"`{feature.name}`",
            describe(feature, feature.usual),
            UNKNOWN if feature.usual is None else show(feature, feature.usual),
            f"{importance[feature.name]:.1%}",
        )
        for feature in ranked[:_FEATURES]
    ]
    left = len(ranked) - len(rows)
    excluded = sorted(card["excluded"].items())
    infinite = sorted(card["infinite"].items())
    return [
        f"{many(len(ranked), 'feature')}. Importance is a feature's share of what the trees gained in learning.",
        "",
        *table(("Feature", "A usual lead", "Usual value", "Importance"), rows),
        *(["", f"And {many(left, 'less important feature')}."] if left else []),
        "",
        f"{_NEVER} Left out here:" if excluded else _NEVER,
        *([""] if excluded else []),
        *(table(("Left out", "Why"), [(f"`{name}`", why) for name, why in excluded]) if excluded else []),
        *([""] if infinite else []),
        *(f"- `{text(name)}`: {many(count, 'infinite value')} counted as missing." for name, count in infinite),
        *_left_out(card),
    ]


def leakage_section(card: Mapping[str, Any]) -> list[str]:
    """Return the lines that name the features that are suspected of holding the outcome, and what to do about each."""
    if not card["suspects"]:
        return ["No feature is suspected of holding the outcome itself."]
    rows = [(f"`{one['feature']}`", one["words"], one.get("advice", "")) for one in card["suspects"]]
    return [
        "**Look at these before you trust any figure above.**",
        "",
        *table(("Feature", "Why it is suspected", "What to do"), rows),
    ]

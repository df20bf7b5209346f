"""What a model card says about features: what the model looks at, what was left out, and what may know too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadhouse.models.markdown import many, table, text
from leadhouse.models.model import LeadModel
from leadhouse.models.overall import overall_of
from leadhouse.models.wording import UNKNOWN, describe, points, show

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
    card, found = model.card, overall_of(model.card)
    gain = model.fitted.importance()
    effects = {} if found is None else {one.feature: one.mean for one in found.effects}
    weight = effects or gain
    ranked = sorted(model.fitted.spec.features, key=lambda feature: (-weight[feature.name], feature.name))
    rows = [
        (
            f"`{feature.name}`",
            describe(feature, feature.usual),
            UNKNOWN if feature.usual is None else show(feature, feature.usual),
            points(effects[feature.name]) if effects else "–",
            f"{gain[feature.name]:.1%}",
        )
        for feature in ranked[:_FEATURES]
    ]
    left = len(ranked) - len(rows)
    excluded = sorted(card["excluded"].items())
    infinite = sorted(card["infinite"].items())
    return [
        f"{many(len(ranked), 'feature')}. A feature moves a score up or down by so much on average; its share of the "
        "gain is of what the trees gained in learning.",
        "",
        *table(("Feature", "A usual lead", "Usual value", "Moves a score by", "Share of the gain"), rows),
        *(["", f"And {many(left, 'less important feature')}."] if left else []),
        "",
        f"{_NEVER} Left out here:" if excluded else _NEVER,
        *([""] if excluded else []),
        *(table(("Left out", "Why"), [(f"`{name}`", why) for name, why in excluded]) if excluded else []),
        *([""] if infinite else []),
        *(f"- `{text(name)}`: {many(count, 'infinite value')} counted as missing." for name, count in infinite),
        *_left_out(card),
    ]


def dependence_section(model: LeadModel) -> list[str]:
    """Return the lines that say what a model would say, were all leads of a sample alike in one feature."""
    found = overall_of(model.card)
    if found is None:
        return ["An earlier release trained this model, and looked no further than at the gain."]
    kinds = {feature.name: feature for feature in model.fitted.spec.features}
    rows = [
        (
            f"`{one.feature}`",
            " · ".join(f"{show(kinds[one.feature], point.value)}: {point.probability:.1%}" for point in one.points),
        )
        for one in found.dependence
    ]
    return [
        f"A lead's score is {found.start:.1%} plus the effects of all its features. Below, all of "
        f"{many(found.examples, 'example')} are given one value of a feature, then another, and everything else stays "
        "as it is: this is what the model would say on average (partial dependence). It says what the model does, not "
        "what would happen; features that hang together don't change one by one.",
        "",
        *(table(("Feature", "Value: mean score"), rows) if rows else ["No feature moves a score."]),
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

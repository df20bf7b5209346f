"""The limits of a model's use, as its own evidence tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leadhouse.models.judge import OUT_OF_TIME
from leadhouse.models.markdown import text

_ALWAYS = (
    "It ranks leads for sales and marketing. It is not made for decisions about people's rights, such as credit, "
    "employment or insurance.",
    "It finds what goes together with the outcome, not what brings it about: acting on a reason need not change a "
    "lead's chance.",
)
_SAME_TIME = "It was judged on leads of the same time as those it has learned from: how it ages is not known."
_STILL_OPEN = (
    "There was too little time before the cut-offs to leave out leads whose outcome was still open there; so it was "
    "judged with slightly more knowledge than it would have had on those days."
)
_LEAKS = "Features are suspected of holding the outcome itself (above): its figures may be too good."


def limits(card: Mapping[str, Any]) -> list[str]:
    """Return what a model must not be trusted with, a sentence or two each. ``card`` is LeadModel's."""
    found = [
        f"It says how likely `{card['outcome']}` is within {card['horizon_days']} days, for leads of "
        f"{text(card['tenant'])} like those it has learned from; nothing about other companies, outcomes or horizons.",
        *_ALWAYS,
    ]
    if card["method"] != OUT_OF_TIME:
        found.append(_SAME_TIME)
    elif any(not one["gap_days"] for one in card["origins"]):
        found.append(_STILL_OPEN)
    for one in card["baselines"]:
        if one["gain"] is None or one["gain"]["low"] <= 0:
            found.append(f"It ranks leads no better than the {one['name']} does, beyond noise.")
    for one in flagged(card):
        found.append(f"For {text(one['dimension'])} {text(one['level'])} it is worse than the base rate.")
    return [*found, _LEAKS] if card["suspects"] else found


def flagged(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the slices in which a model is worse than the base rate."""
    return [one for one in card["slices"] if one["worse"]]

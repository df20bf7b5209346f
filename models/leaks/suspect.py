"""What a suspected leak is, in words that a person can act on."""

from __future__ import annotations

from dataclasses import dataclass

from leadhouse.transforms.feature_names import parse_feature_name

ALONE, MISSINGNESS, VALUE, WRITING = "alone", "missingness", "value", "writing"
ORDER, IDENTIFIER, PAIR, TIME_TRAVEL = "order", "identifier", "pair", "time travel"
_AND = " and "


@dataclass(frozen=True)
class Suspect:
    """One suspected leak."""

    feature: str
    """The feature, or two with ``and`` between them."""
    kind: str
    """What gave it away: ``alone``, ``missingness``, ``value``, ``writing``, ``order``, ``identifier``, ``pair`` or
    ``time travel``."""
    figure: float
    """The AUC, the rate or the share that raised the suspicion."""
    words: str
    """What was seen; goes on from the feature's name."""
    advice: str
    """What to do about it."""

    @property
    def features(self) -> tuple[str, ...]:
        """The feature, or the two."""
        return tuple(self.feature.split(_AND)) if self.kind == PAIR else (self.feature,)


def accuse(kind: str, figure: float, words: str, *features: str) -> Suspect:
    """Return a suspect with the advice that fits the names of its features. Raises ValueError for what is no name."""
    traits = [str(parsed.value) for parsed in map(parse_feature_name, features) if parsed.measure == "trait"]
    return Suspect(_AND.join(features), kind, figure, words, _advice(kind, traits))


def _advice(kind: str, traits: list[str]) -> str:
    fields = " or ".join(f"'{name}'" for name in traits)
    if kind == IDENTIFIER:
        return f"take the role 'trait' from the field {fields} in its contract, or give it the role 'external_id'"
    if traits:
        return f"if it is filled in or changed after the lead came in, declare 'known: later' for the field {fields}"
    return (
        "look at when these signals happen: if the outcome causes them, give them no signal type, or date them by the "
        "field with the role 'occurred_at'"
    )

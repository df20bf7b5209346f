"""Which column says how it ended, and which columns are only known afterwards."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from leadhouse.expectations.drafted import DraftedField, DraftedSource
from leadhouse.expectations.guess_time_role import open_times

LEAK = 0.85
"""A column whose values alone order won before lost this well (AUC) is suspected to be filled in afterwards."""
MISSING_LEAK = 0.6
"""The same for whether it is filled at all."""
_WITH_IT, _WITHOUT_IT = 0.9, 0.02
"""A time is taken for the outcome's if at least this share of the won have it, and at most that of the others."""
_TICKS = frozenset("xX✓✔*")
"""Marks beside some rows, and nothing beside the others."""
_FEWEST = 40
"""Outcomes of either kind below which nothing is measured."""

_OUTCOMES = (
    r"^(is_|has_|was_)?(converted|conversion|won|closed_won|gewonnen|konvertiert)$",
    r"^(outcome|target|label|y|success|successful|result|ziel)$",
    r"^(is_|became_|is_a_)?(customer|kunde|buyer|client)$",
    r"^(is_|has_)?(churn(ed)?|purchase[d]?|bought|sold|sale|deposit|responded|response|exited|attrition|enrolled|accepted|subscribed|"
    r"subscription|booked|ordered|signed|hired|renewed|cancell?ed|abgeschlossen|gekauft|gekuendigt)$",
    r"(^|_)(converted|won|churn(ed)?|purchased|target|conversion)(_(flag|status|yn|ind|label))?$",
    r"^(revenue|class|default|transaction)$",
)
_STAGES = re.compile(r"(^|_)(status|stage|outcome|result|disposition|lifecycle|state|phase|ergebnis)(_|$)")
_WON = re.compile(
    r"(closed|is|deal|opportunity|lead)?[\s_-]*"
    r"(won|converted|customer|sold|purchased|gewonnen|verkauft|success|successful|closed deal)|"
    r"closed[\s_-]?won|won[\s_-]?deal",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"(^|_)(status|stage|owner|last|notes?|comments?|remarks?|quality|score|index|rating|grade|tags?|profile|reason|closed?|closing|won|"
    r"lost|converted|conversion|disposition|follow_?up|assigned|opportunity|deal|lifecycle|next|duration|result|notable|recent|"
    r"modified|updated|priority|qualified|qualification|probability|amount_paid|notiz(en)?|bemerkung(en)?|grund|letzte[rs]?)(_|$)"
)


def assign_outcome(source: DraftedSource) -> None:
    """Give the role outcome to the likeliest column, or state it by the row's existence in a source of deals."""
    if source.nature == "events":
        return
    if source.nature == "outcomes":
        source.outcome = "won"
        for entry in source.having("outcome_at"):
            entry.required = entry.profile.filled == source.rows
        source.doubts.append(
            "outcome: each row is taken to say that a lead was won, at the time of the field with role outcome_at"
        )
        return
    ranked = [(rank, entry) for entry in source.open_fields() if (rank := _outcome_rank(entry)) is not None]
    for _, entry in sorted(ranked, key=lambda found: found[0])[:1]:
        _settle_outcome(entry)
        others = [other.name for _, other in ranked if other is not entry]
        if others:
            entry.doubts.append(f"{', '.join(others)} might be the outcome instead")
    if not ranked:
        _assign_stage(source)
    if source.having("outcome_at") and not source.having("outcome"):
        source.outcome = "won"
        (when,) = source.having("outcome_at")
        when.doubts.append(f"no column says whether it happened: a row with a {when.name} is taken as won")
    elif source.having("outcome") and not source.having("outcome_at"):
        _assign_when(source)


def declare_later(source: DraftedSource) -> None:
    """Declare traits as known later whose name, or whose values beside the outcome, look like filled in afterwards."""
    won = _won(source)
    for entry in source.fields:
        if entry.roles != ["trait"]:
            continue
        if source.nature == "outcomes":
            entry.later("it was learned with the outcome")
            continue
        reasons = []
        if _LATER.search(entry.name) and not re.search(r"(^|_)(last_?name|first_?name)$", entry.name):
            reasons.append("by its name it is filled in while a lead is worked on")
        elif entry.logical_type in ("timestamp", "date"):
            reasons.append("it is a time other than that of the lead's creation")
        if won is not None:
            reasons += _leaks(entry, won)
        if reasons:
            entry.later("; ".join(reasons) + "; drop this if not")


def _outcome_rank(entry: DraftedField) -> int | None:
    values = entry.profile.distinct
    two_words = len(values) == 2 and entry.logical_type in ("string", "integer") and entry.profile.filled >= 10
    ticked = len(values) == 1 and entry.profile.filled < entry.profile.rows and _TICKS.issuperset(values)
    if entry.logical_type != "boolean" and not two_words and not ticked:
        return None
    return next((rank for rank, pattern in enumerate(_OUTCOMES) if re.search(pattern, entry.name)), None)


def _settle_outcome(entry: DraftedField) -> None:
    entry.settle("outcome")
    if entry.logical_type != "boolean":
        words = [value for value in entry.profile.distinct if _WON.fullmatch(value)]
        fewest = min(entry.profile.distinct, key=lambda value: (entry.profile.distinct[value], value))
        entry.positive_values = tuple(words or [fewest])
        entry.doubts.append(f"{' or '.join(entry.positive_values)} is taken to mean that it happened")


def _assign_stage(source: DraftedSource) -> None:
    for entry in source.open_fields():
        won = tuple(value for value in entry.profile.distinct if _WON.fullmatch(value))
        if _STAGES.search(entry.name) and won and entry.logical_type == "string" and len(entry.profile.distinct) <= 50:
            entry.settle("outcome")
            entry.positive_values = won
            entry.doubts.append(f"{' and '.join(won)} taken to mean won; any other value means not (yet)")
            return


def _assign_when(source: DraftedSource) -> None:
    """Give the role outcome_at to a time that the won have, and the others don't."""
    (what,) = source.having("outcome")
    won = _won(source)
    for entry in open_times(source) if won is not None else []:
        filled = Counter(
            (outcome, value is not None) for outcome, value in zip(won or (), entry.profile.values, strict=True)
        )
        with_it, without_it = (
            filled[kind, True] / (filled[kind, True] + filled[kind, False]) for kind in (True, False)
        )
        if with_it >= _WITH_IT and without_it <= _WITHOUT_IT:
            entry.settle("outcome_at")
            entry.doubts.append(f"filled in where {what.name} says won, and hardly elsewhere: taken for when that was")
            return
    what.doubts.append(
        "no column says when it happened: give one the role outcome_at, else the model can't be judged by time"
    )


def _won(source: DraftedSource) -> list[bool | None] | None:
    """Per row whether it was won; None where there are too few outcomes to measure anything."""
    for entry in source.having("outcome"):
        positive = {value.casefold() for value in (entry.positive_values or entry.type.true_tokens)}
        rows = [None if value is None else value.casefold() in positive for value in entry.profile.values]
    if not source.having("outcome"):
        if not source.having("outcome_at"):
            return None
        rows = [value is not None for value in source.having("outcome_at")[0].profile.values]
    counts = Counter(rows)
    return rows if min(counts[True], counts[False]) >= _FEWEST else None


def _leaks(entry: DraftedField, won: Sequence[bool | None]) -> list[str]:
    values = _binned(entry)
    cells = [(value, int(outcome)) for value, outcome in zip(values, won, strict=True) if outcome is not None]
    missing = predictive_power([("filled" if value else "", outcome) for value, outcome in cells])
    if missing >= MISSING_LEAK:
        return [f"whether it is filled in already says much about the outcome (AUC {missing:.2f})"]
    alone = predictive_power(cells)
    return [f"it alone predicts the outcome (AUC {alone:.2f})"] if alone >= LEAK else []


def predictive_power(cells: Sequence[tuple[str, int]]) -> float:
    """Return how well a value tells the outcome (0 or 1): the area under the ROC curve, .5 for not at all, 1 for fully.

    Each value's share of ones is learned on half of the cells and judged on the rest, so that ids don't look clever.
    """
    # Which half must not follow the order of the rows: every other one could be all of a kind.
    learning = [(place * 2_654_435_761 >> 13) & 1 for place in range(len(cells))]
    learned: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for (value, outcome), chosen in zip(cells, learning, strict=True):
        if chosen:
            learned[value][outcome] += 1
    ones = sum(pair[1] for pair in learned.values())
    prior = ones / max(sum(learning), 1)
    scored: dict[float, list[int]] = defaultdict(lambda: [0, 0])
    for (value, outcome), chosen in zip(cells, learning, strict=True):
        if not chosen:
            lost, won = learned.get(value, (0, 0))
            scored[(won + 2 * prior) / (lost + won + 2)][outcome] += 1
    below, area = 0, 0.0
    for _, (zeros, ones) in sorted(scored.items()):
        area += ones * (below + zeros / 2)
        below += zeros
    positives = sum(ones for _, ones in scored.values())
    return area / (below * positives) if below and positives else 0.5


def _binned(entry: DraftedField) -> list[str]:
    """The column's values; numbers as one of twenty bins, so that each holds enough rows to learn from."""
    values = entry.profile.values
    if entry.logical_type not in ("integer", "number") or len(entry.profile.distinct) <= 20:
        return [value or "" for value in values]
    numbers = sorted((_plain(value), value) for value in entry.profile.distinct)
    total, before = entry.profile.filled, 0
    bins = {}
    for _, value in numbers:
        bins[value] = str(20 * before // total)
        before += entry.profile.distinct[value]
    return [bins[value] if value else "" for value in values]


def _plain(value: str) -> float:
    try:
        return float(value.replace(",", "."))
    except ValueError:
        return 0.0

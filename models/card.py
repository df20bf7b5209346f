"""The model card: what a model is for, how good it is, where it fails, where it comes from; Markdown, for people.

After Mitchell et al., Model Cards for Model Reporting, FAT* 2019. Plain words come first, then tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from leadhouse.models.card_features import dependence_section, features_section, leakage_section
from leadhouse.models.evaluate import TOP_SHARE
from leadhouse.models.judge import OUT_OF_TIME
from leadhouse.models.limits import flagged, limits
from leadhouse.models.markdown import between, figure, many, table, text
from leadhouse.models.model import GRADES, LeadModel

_FIGURES = {
    "auc": "AUC",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "lift_at_10": "Lift at 10 %",
    "calibration_error": "Calibration error",
    "base_rate": "Base rate",
}


@dataclass(frozen=True)
class Promotion:
    """Who made a version the champion, when and why."""

    by: str
    at: str
    why: str


def model_card(
    model: LeadModel, *, title: str, model_hash: str, tags: Mapping[str, str], promotion: Promotion | None = None
) -> str:
    """Return the card as Markdown.

    A function of the model, which holds its own evidence, and of what is known of its version only: ``title`` names it,
    ``tags`` are the registry's (versions of the tables read, of Leadhouse, hashes of contracts). ``promotion`` is None
    as long as nobody has promoted it.
    """
    card = model.card
    sections = {
        f"Model card: {text(title)}": _purpose(card),
        "How good is it?": [*_in_words(card), "", *_figures(card), "", *_baselines(card), "", *_origins(card)],
        "Do its probabilities mean what they say?": _calibration(card),
        "Where does it fail?": _slices(card),
        "What does it look at?": features_section(model),
        "What does it make of it?": dependence_section(model),
        "Could it know the outcome beforehand?": leakage_section(card),
        "What is it not good for?": [f"- {line}" for line in limits(card)],
        "Where does it come from?": _origin_of(card, model_hash, tags),
        "Who promoted it, and why?": _promotion(promotion),
    }
    parts = [
        f"{'##' if place else '#'} {head}\n\n" + "\n".join(body) for place, (head, body) in enumerate(sections.items())
    ]
    return "\n\n".join(parts) + "\n"


def _purpose(card: Mapping[str, Any]) -> list[str]:
    leads = many(card["leads_won"] + card["leads_lost"], "lead")
    tenant, outcome, days = text(card["tenant"]), card["outcome"], card["horizon_days"]
    return [
        f"How likely a lead of {tenant} is to reach `{outcome}` within {days} days.",
        f"Learned from {many(card['examples'], 'example')} of {leads}, of which {card['leads_won']:,} won, "
        f"seen between {_day(card['first_moment'])} and {_day(card['last_moment'])}.",
    ]


def _in_words(card: Mapping[str, Any]) -> list[str]:
    figures = card["metrics"]
    first = f"{figures['auc'] * 100:.0f}"
    pairs = f"Of 100 pairs of a lead that won and one that did not, the model puts the winner first in {first}"
    interval = card["intervals"].get("auc")
    if interval:
        pairs += f" ({interval[0] * 100:.0f} to {interval[1] * 100:.0f})"
    how = (
        "on leads that came after all that it had learned from"
        if card["method"] == OUT_OF_TIME
        else "on leads that it had not learned from, of the same time"
    )
    return [
        f"{pairs}; guessing gets 50. In the {TOP_SHARE:.0%} of leads with the highest scores, "
        f"{figures['lift_at_10']:.1f} times as many win as among all.",
        f"Judged {card['method']}: {how}, {many(figures['examples'], 'example')}.",
    ]


def _figures(card: Mapping[str, Any]) -> list[str]:
    rows = []
    for name, words in _FIGURES.items():
        interval = card["intervals"].get(name)
        rows.append((words, figure(card["metrics"][name]), "–" if interval is None else between(*interval)))
    note = f"Intervals are drawn by lead, {card['draws']} times (percentile bootstrap)."
    return [*table(("Figure", "Model", "95 % interval"), rows), "", note]


def _baselines(card: Mapping[str, Any]) -> list[str]:
    rows = [("this model", figure(card["metrics"]["auc"]), figure(card["metrics"]["log_loss"]), "")]
    for one in card["baselines"]:
        gain = "–" if one["gain"] is None else between(one["gain"]["low"], one["gain"]["high"])
        rows.append((one["name"], figure(one["auc"]), figure(one["log_loss"]), gain))
    head = ("On the same leads", "AUC", "Log loss (lower is better)", "The model's AUC is higher by (95 %)")
    return table(head, rows)


def _origins(card: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            one["name"],
            f"{one['learned_from']:,}",
            f"{one['metrics']['examples']:,}",
            f"{one['metrics']['base_rate']:.1%}",
            figure(one["metrics"]["auc"]),
            "–" if one["interval"] is None else between(one["interval"]["low"], one["interval"]["high"]),
            figure(one["baseline_auc"]),
        )
        for one in card["origins"]
    ]
    gaps = {one["gap_days"] for one in card["origins"]}
    note = [f"Nothing was learned from the last {max(gaps)} days before a cut-off.", ""] if max(gaps) else []
    head = ("Judged", "Learned from", "Examples", "Won", "AUC", "95 % interval", "Logistic regression")
    return [*note, *table(head, rows)]


def _calibration(card: Mapping[str, Any]) -> list[str]:
    gap = card["metrics"]["calibration_error"] * 100
    shares = [
        f"{grade} the next {share:.0%}" for grade, share in zip(GRADES[1:], np.diff(card["grade_shares"]), strict=False)
    ]
    return [
        f"On average a score is {gap:.1f} points off what then happens (calibrated by {card['calibration']}).",
        f"Grade A is the top {card['grade_shares'][0]:.0%}, {', '.join(shares)}, {GRADES[-1]} the rest.",
        "",
        *table(
            ("The model says", "It happened", "Examples"),
            [
                (f"{one['probability']:.1%}", f"{one['rate']:.1%}", f"{one['examples']:,}")
                for one in card["reliability"]
            ],
        ),
    ]


def _slices(card: Mapping[str, Any]) -> list[str]:
    worse = flagged(card)
    names = ", ".join(f"{text(one['dimension'])} {text(one['level'])}" for one in worse)
    said = (
        f"**Worse than the base rate: {names}.** There, scores mislead; do not rank by them."
        if worse
        else "Nowhere among these is it worse than the slice's own base rate beyond noise."
    )
    rows = [
        (
            one["dimension"],
            one["level"],
            f"{one['examples']:,}",
            f"{one['base_rate']:.1%}",
            f"{one['probability']:.1%}",
            "too few" if one["auc"] is None else figure(one["auc"]),
            "–" if one["interval"] is None else between(one["interval"]["low"], one["interval"]["high"]),
            figure(one["log_loss"]),
            figure(one["base_log_loss"]),
            "worse" if one["worse"] else "",
        )
        for one in card["slices"]
    ]
    head = (
        "By", "Slice", "Examples", "Won", "The model says", "AUC", "95 % interval", "Log loss", "Of its base rate", "",
    )  # fmt: skip
    missing = [f"- Not by {text(name)}: {text(why)}." for name, why in sorted(card["missing"].items())]
    shown = table(head, rows) if rows else ["There is nothing to slice by."]
    return [said, "", *shown, *([""] if missing else []), *missing]


def _origin_of(card: Mapping[str, Any], model_hash: str, tags: Mapping[str, str]) -> list[str]:
    rows = [
        ("Model (SHA-256)", f"`{model_hash}`"),
        ("Training data and plan", f"`{card['training_key']}`"),
        ("Data window", f"{_day(card['first_moment'])} to {_day(card['last_moment'])}"),
        ("Seed", str(card["seed"])),
        ("XGBoost", str(card["xgboost"])),
        *sorted((name, value) for name, value in tags.items() if value not in (model_hash, card["training_key"])),
    ]
    return table(("What", "Which"), rows)


def _promotion(promotion: Promotion | None) -> list[str]:
    if promotion is None:
        return ["When this card was written, nobody had promoted it."]
    return [f"{text(promotion.by)}, {text(promotion.at)}: {text(promotion.why)}"]


def _day(micros: int) -> str:
    return str(np.datetime64(micros, "us").astype("datetime64[D]"))

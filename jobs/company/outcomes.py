"""What becomes of the leads of the made-up company, drawn from a propensity that is known exactly.

At the first midnight (UTC) thirty days after a lead's creation its fate is drawn: it will be won with probability
``p``, a logistic function of its traits and of what it has done up to that very moment. If so, the deal closes between
1 and 44 days later. Hence

- at that moment, which is also the one that training looks at (``ages_days = [30]``), every lead is still open, and the
  deals that will be won all close within the horizon of 45 days: the label is a fair draw from ``p``;
- all that ``p`` depends on is in the facts that had occurred by then, and nothing that happens later depends on the
  fate: no model can rank leads better than ``p`` does, except by luck;
- the expected AUC of ``p`` itself follows from ``p`` alone, without any label (``expected_auc``).

A model comes near, but below: it has some thousand leads to learn from, and features that are not quite the formula's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadhouse.jobs.company.behaviour import KIND, LEARNING_DAYS, Events
from leadhouse.jobs.company.people import DAY, END, People

HORIZON_DAYS = 45
"""Every deal that is ever won closes within this many days after its lead's moment."""

_BASE = -4.05
_COUNTRY = (0.4, 0.0, 0.2, -0.3, 0.3, -0.4)
_INDUSTRY = (0.7, 0.4, 0.0, 0.6, -0.4, -0.2, 0.0)
"""By INDUSTRIES; the last for leads whose industry nobody knows."""
_SOURCE = (0.2, 0.1, 0.0, 1.1, 0.5, -0.9)


@dataclass(frozen=True)
class Outcomes:
    """What is true about each lead, entry i for lead i."""

    moment: NDArray[np.int64]
    """When the lead's fate is drawn, in seconds since 1970; may lie after END."""
    propensity: NDArray[np.float64]
    """Probability of being won, at that moment; NaN where it lies after END."""
    won: NDArray[np.bool_]
    lost: NDArray[np.bool_]
    closed: NDArray[np.int64]
    """When the deal was closed, in seconds since 1970; 0 where there is none by END."""
    settled: NDArray[np.bool_]
    """Whether the horizon has passed by END, so that the label is known."""


def draw_outcomes(rng: np.random.Generator, people: People, events: Events) -> Outcomes:
    """Draw what becomes of each lead."""
    moment = -(-(people.created + LEARNING_DAYS * DAY) // DAY) * DAY
    propensity = 1.0 / (1.0 + np.exp(-_logit(people, events, moment)))
    won = rng.random(len(people)) < propensity
    lost = ~won & (rng.random(len(people)) < 0.35)
    closed = moment + rng.integers(DAY, (HORIZON_DAYS - 1) * DAY, len(people))
    known = (won | lost) & (closed <= END)
    return Outcomes(
        moment=moment,
        propensity=np.where(moment <= END, propensity, np.nan),
        won=won & known,
        lost=lost & known,
        closed=np.where(known, closed, 0),
        settled=moment + HORIZON_DAYS * DAY <= END,
    )


def count_until(events: Events, moment: NDArray[np.int64], *types: str) -> NDArray[np.float64]:
    """Count each lead's events of some types up to its own moment."""
    chosen = np.isin(events.kind, [KIND[name] for name in types]) & (events.lead >= 0)
    lead = events.lead[chosen]
    lead = lead[events.at[chosen] <= moment[lead]]
    return np.bincount(lead, minlength=len(moment)).astype(np.float64)


def expected_auc(propensity: NDArray[np.float64]) -> float:
    """Return the AUC that ranking by the propensity reaches on average over all labels that it could have drawn.

    It is the share of (won, open) pairs that it ranks rightly, each pair weighted by its probability p·(1-q); nobody
    can expect more. Needs at least two propensities strictly between 0 and 1.
    """
    p = np.sort(propensity)
    below = np.concatenate([[0.0], np.cumsum(1.0 - p)])
    low = np.searchsorted(p, p, side="left")
    high = np.searchsorted(p, p, side="right")
    ties = below[high] - below[low]
    own = p * (1.0 - p)  # a lead makes no pair with itself
    right = float(np.sum(p * (below[low] + 0.5 * ties)) - 0.5 * np.sum(own))
    return right / float(np.sum(p) * np.sum(1.0 - p) - np.sum(own))


def observed_auc(score: NDArray[np.float64], label: NDArray[np.bool_]) -> float:
    """Return the AUC of a score on labels: the share of (true, false) pairs that it ranks rightly, ties half."""
    ordered = np.sort(score[~label])
    low = np.searchsorted(ordered, score[label], side="left")
    high = np.searchsorted(ordered, score[label], side="right")
    return float(np.mean((low + high) / 2) / len(ordered))


def _logit(people: People, events: Events, moment: NDArray[np.int64]) -> NDArray[np.float64]:
    """The formula. Counts enter by their logarithm: the tenth page view says less than the second."""
    size = np.log10(np.maximum(people.employees, 1)) - 2.3
    traits = (
        np.take(_COUNTRY, people.country)
        + np.take(_INDUSTRY, people.industry)
        + np.take(_SOURCE, people.source)
        + np.where(people.employees == 0, -0.4, 0.7 - 0.8 * size**2)
    )
    done = (
        0.30 * np.log1p(count_until(events, moment, "page_view", "download"))
        + 1.00 * np.log1p(count_until(events, moment, "pricing_view"))
        + 1.30 * np.minimum(count_until(events, moment, "form_demo"), 1.0)
        + 0.80 * np.log1p(count_until(events, moment, "email_click"))
        + 0.45 * np.minimum(count_until(events, moment, "call"), 3.0)
    )
    return np.asarray(_BASE + traits + done)

"""Values whose leads practically all won, or all lost, although there are many of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from leadhouse.models.leaks.coding import Coding, code, code_presence
from leadhouse.models.leaks.rates import Rates, Won, rates_out_of_fold
from leadhouse.models.leaks.sample import Sample
from leadhouse.models.leaks.suspect import MISSINGNESS, VALUE, Suspect, accuse

_RATE = 0.95
_COVERAGE = 0.10
"""Share of all winners (or losers) that telling values must hold: a good source of leads may be as pure, but small."""
_MIN_LEADS = 20
_ODDS = 20.0
"""Times by which the odds must surely exceed those of all leads."""
_SURPRISING = 0.65
"""An outcome that more leads than this have anyway makes no value suspicious: some leads honestly never buy."""
_CHOSEN = 0.9
_Z = 2.5
_NAMED = 3


@dataclass(frozen=True)
class Telling:
    """A set of leads that practically all won, or all lost."""

    leads: Won
    """Which leads of the sample belong to it."""
    won: bool
    """Whether they won."""
    rate: float
    """Share of them that did."""


def telling_value(sample: Sample, place: int) -> Suspect | None:
    """Return a feature as a suspect if some of its values, or its being there, say how it ended; else None."""
    feature, column = sample.spec.features[place], sample.matrix[:, place]
    for coding, kind in ((code_presence(feature, column), MISSINGNESS), (code(feature, column), VALUE)):
        found = telling(coding, sample)
        if found is not None:
            return accuse(kind, found.rate, describe(found, coding, sample), feature.name)
    return None


def telling(coding: Coding, sample: Sample) -> Telling | None:
    """Return the leads whose codes practically decide the outcome, if they are many; else None.

    Which codes these are is found on other leads than those that are counted, so that luck isn't counted twice.
    """
    rates = rates_out_of_fold(coding.codes, sample.won, sample.fold, prior=1.0)
    for won in (True, False):
        found = _side(rates if won else 1 - rates, sample.won == won, won)
        if found is not None:
            return found
    return None


def describe(found: Telling, coding: Coding, sample: Sample) -> str:
    """Return in words which values these are, and how many of their leads won or lost."""
    codes, count = np.unique(coding.codes[found.leads], return_counts=True)
    names = [coding.words[place] for place in codes[np.argsort(-count, kind="stable")]]
    more = f" (and {len(names) - _NAMED:,} more)" if len(names) > _NAMED else ""
    verb, base = ("won", sample.rate) if found.won else ("lost", 1 - sample.rate)
    return (
        f"has values that tell the outcome: {found.rate:.0%} of the {int(found.leads.sum()):,} leads with "
        f"{', '.join(names[:_NAMED])}{more} {verb}, of all leads {base:.0%}"
    )


def _side(rates: Rates, ended_so: Won, won: bool) -> Telling | None:
    chosen = rates >= _CHOSEN
    base, count, hits = ended_so.mean(), int(chosen.sum()), int(ended_so[chosen].sum())
    if base > _SURPRISING or hits < max(_MIN_LEADS, _COVERAGE * ended_so.sum()) or hits < _RATE * count:
        return None
    least = _wilson_low(hits, count)
    if least / (1 - least) < _ODDS * base / (1 - base):
        return None
    return Telling(chosen, won, hits / count)


def _wilson_low(hits: int, count: int) -> float:
    """The lower end of Wilson's score interval (Journal of the American Statistical Association 22, 1927)."""
    share, square = hits / count, _Z**2
    centre = share + square / (2 * count)
    spread = _Z * math.sqrt(share * (1 - share) / count + square / (4 * count**2))
    return (centre - spread) / (1 + square / count)

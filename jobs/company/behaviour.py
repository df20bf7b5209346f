"""What the leads of the made-up company do: page views, e-mail events, forms, calls, until END.

How much a lead does depends on its hidden interest. Nothing that it does depends on whether it will be won, so what
happens after the moment of the propensity (see outcomes.py) tells no more about the outcome than the propensity itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leadhouse.jobs.company.people import DAY, END, People

SIGNAL_TYPES = (
    "page_view",
    "pricing_view",
    "download",
    "email_sent",
    "email_open",
    "email_click",
    "email_unsubscribe",
    "form_contact",
    "form_demo",
    "form_newsletter",
    "call",
)
KIND = {name: number for number, name in enumerate(SIGNAL_TYPES)}
"""Number of each signal type."""
LEARNING_DAYS = 30
"""Days after its creation in which a lead mostly makes up its mind."""

_PAGE_SHARES = (0.80, 0.12, 0.08)
_MAX_SENT = 20


@dataclass(frozen=True)
class Events:
    """Signals as columns, in no particular order."""

    lead: NDArray[np.int64]
    """Place of the lead in People; -1 for somebody whom the CRM does not know."""
    kind: NDArray[np.int64]
    """Index into SIGNAL_TYPES."""
    at: NDArray[np.int64]
    """When it happened, in seconds since 1970."""
    stranger: NDArray[np.int64]
    """Number of the visitor or recipient whom the CRM does not know; -1 for leads."""
    number: NDArray[np.int64]
    """The event's own number, from which its id comes."""

    def __len__(self) -> int:
        """How many events there are."""
        return len(self.at)

    def of(self, *types: str) -> Events:
        """Return the events of some types."""
        return self.take(np.isin(self.kind, [KIND[name] for name in types]))

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Events:
        """Return some of the events, by mask or by place."""
        return Events(self.lead[which], self.kind[which], self.at[which], self.stranger[which], self.number[which])


def draw_behaviour(rng: np.random.Generator, people: People) -> Events:
    """Draw everything that leads and strangers do, oldest first."""
    parts = [
        *_page_views(rng, people),
        *_emails(rng, people),
        *_forms(rng, people),
        _calls(rng, people),
    ]
    strangers = [_strange_visitors(rng, len(people)), _strange_recipients(rng, len(people))]
    lead, kind, at = (np.concatenate(column) for column in zip(*parts, strict=True))
    other, other_kind, other_at = (np.concatenate(column) for column in zip(*strangers, strict=True))
    everything = Events(
        lead=np.concatenate([lead, np.full(len(other), -1)]),
        kind=np.concatenate([kind, other_kind]),
        at=np.concatenate([at, other_at]),
        stranger=np.concatenate([np.full(len(lead), -1), other]),
        number=np.zeros(len(lead) + len(other), dtype=np.int64),
    )
    happened = everything.take(everything.at <= END)
    ordered = happened.take(np.lexsort((happened.stranger, happened.lead, happened.kind, happened.at)))
    return Events(ordered.lead, ordered.kind, ordered.at, ordered.stranger, np.arange(len(ordered)))


_Part = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def _page_views(rng: np.random.Generator, people: People) -> list[_Part]:
    """Before creation a few, in the first month most, later now and then. Only of leads whose cookie gets known."""
    known = people.sends_form
    drive = people.interest
    before = rng.poisson(np.where(known, 2.0 * np.exp(0.4 * drive), 0.0))
    first = rng.poisson(np.where(known, 5.0 * np.exp(0.6 * drive), 0.0))
    weeks = np.clip(END - people.created - LEARNING_DAYS * DAY, 0, 150 * DAY) / (7 * DAY)
    later = rng.poisson(np.where(known, 0.25 * np.exp(0.3 * drive) * weeks, 0.0))
    spans = (
        (before, -20.0, 0.0, 0.0),
        (first, 0.0, float(LEARNING_DAYS), 9.0),
        (later, LEARNING_DAYS + 1.0, 180.0, 0.0),
    )
    parts = []
    for counts, start, end, mean in spans:
        lead = np.repeat(np.arange(len(people)), counts)
        days = rng.uniform(start, end, len(lead)) if mean == 0 else rng.exponential(mean, len(lead)) % end
        keen = np.clip(_PAGE_SHARES[1] * np.exp(0.5 * drive[lead]), 0.0, 0.6)
        draw = rng.random(len(lead))
        kind = np.where(draw < keen, KIND["pricing_view"], np.where(draw < keen + _PAGE_SHARES[2], KIND["download"], 0))
        parts.append((lead, kind, people.created[lead] + (days * DAY).astype(np.int64)))
    return parts


def _emails(rng: np.random.Generator, people: People) -> list[_Part]:
    """One e-mail a week to who agreed, until the consent is withdrawn; some are opened, some clicked."""
    weeks = np.clip((END - people.created) // (7 * DAY), 0, _MAX_SENT)
    counts = np.where(people.consents, weeks, 0)
    lead = np.repeat(np.arange(len(people)), counts)
    week = np.arange(len(lead)) - np.repeat(np.cumsum(counts) - counts, counts)
    at = people.created[lead] + week * 7 * DAY + rng.integers(DAY // 24, 2 * DAY, len(lead))
    sent = at < people.withdrawn[lead]
    lead, at = lead[sent], at[sent]
    opens = rng.random(len(lead)) < _share(-1.0 + 0.6 * people.interest[lead])
    opened = at[opens] + rng.integers(60, DAY, int(opens.sum()))
    clicks = rng.random(len(opened)) < _share(-1.2 + 0.7 * people.interest[lead[opens]])
    leavers = np.flatnonzero(people.withdrawn <= END)
    return [
        (lead, np.full(len(lead), KIND["email_sent"]), at),
        (lead[opens], np.full(len(opened), KIND["email_open"]), opened),
        (lead[opens][clicks], np.full(int(clicks.sum()), KIND["email_click"]), opened[clicks] + 20),
        (leavers, np.full(len(leavers), KIND["email_unsubscribe"]), people.withdrawn[leavers]),
    ]


def _forms(rng: np.random.Generator, people: People) -> list[_Part]:
    """The first form of whoever sends one, and for some a demonstration asked for within the first month."""
    lead = np.flatnonzero(people.sends_form)
    website = people.source[lead] <= 1
    # A form on the website makes the lead a moment later; others find the website in their first weeks.
    delay = np.where(website, -rng.integers(60, 600, len(lead)), rng.integers(DAY, 20 * DAY, len(lead)))
    newsletter = people.consents[lead] & (rng.random(len(lead)) < 0.5)
    kind = np.where(newsletter, KIND["form_newsletter"], KIND["form_contact"])
    asks = lead[rng.random(len(lead)) < _share(-2.0 + 1.0 * people.interest[lead])]
    asked = people.created[asks] + rng.integers(DAY, LEARNING_DAYS * DAY, len(asks))
    return [(lead, kind, people.created[lead] + delay), (asks, np.full(len(asks), KIND["form_demo"]), asked)]


def _calls(rng: np.random.Generator, people: People) -> _Part:
    """Most in the first month, all by day, to the minute: the telephone system writes no seconds."""
    lead = np.repeat(np.arange(len(people)), rng.poisson(0.8 * np.exp(0.3 * people.interest)))
    days = np.where(
        rng.random(len(lead)) < 0.7, rng.integers(2, LEARNING_DAYS, len(lead)), rng.integers(2, 90, len(lead))
    )
    midnight = (people.created[lead] // DAY + days) * DAY
    return lead, np.full(len(lead), KIND["call"]), midnight + rng.integers(7 * 60, 16 * 60, len(lead)) * 60


def _strange_visitors(rng: np.random.Generator, leads: int) -> _Part:
    """Page views of visitors who never say who they are: as many visitors as there are leads."""
    stranger = np.repeat(np.arange(leads), rng.poisson(3.0, leads))
    at = rng.integers(END - 300 * DAY, END, len(stranger))
    return stranger, rng.choice(3, len(stranger), p=_PAGE_SHARES), at


def _strange_recipients(rng: np.random.Generator, leads: int) -> _Part:
    """E-mail events of people whom the CRM does not know."""
    stranger = np.arange(max(leads // 50, 1))
    return stranger, np.full(len(stranger), KIND["email_open"]), rng.integers(END - 200 * DAY, END, len(stranger))


def _share(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))

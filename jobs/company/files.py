"""The files that the made-up company's systems export: one file per source and month."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from leadhouse.jobs.company.behaviour import SIGNAL_TYPES, Events
from leadhouse.jobs.company.outcomes import Outcomes
from leadhouse.jobs.company.people import COUNTRIES, DAY, END, INDUSTRIES, SOURCES, People

Landing = dict[str, list[bytes]]
"""Path below the landing folder → the file's records, a CSV's header first; without line ends."""

CRM_HEADER = (
    "Lead ID", "Created", "Last modified", "E-mail", "Phone", "Company", "Country", "Industry", "Employees", "Source",
    "Do not contact", "Status", "Notes",
)  # fmt: skip
DEAL_HEADER = ("deal_id", "lead_id", "outcome", "closed_at", "amount")
CALL_HEADER = ("Gesprächsnummer", "Kundennummer", "Beginn", "Dauer (Minuten)", "Bemerkung")
CALL_ENCODING = "iso-8859-1"

_BERLIN = ZoneInfo("Europe/Berlin")
_PAGES = {
    "page_view": ("/", "/sensors", "/blog", "/about"),
    "pricing_view": ("/pricing",),
    "download": ("/datasheet.pdf",),
}
_CAMPAIGNS = ("spring", "fair", "webinar", "launch")


def crm_exports(rng: np.random.Generator, people: People, outcomes: Outcomes) -> Landing:
    """Return the CRM's monthly exports: a lead when it is new, and again when its deal is closed."""
    worked = people.created + 3 * DAY
    month_end = (_month(people.created) + 1).astype("datetime64[s]").astype(np.int64)
    is_worked = worked < np.minimum(month_end, END)
    noted = rng.random(len(people)) < 0.03
    landing: Landing = defaultdict(list)

    def add(which: NDArray[np.int64], at: NDArray[np.int64], filed: NDArray[np.int64], status: Sequence[str]) -> None:
        created, changed, months = _iso(people.created[which]), _iso(at), _month(filed).astype(str).tolist()
        for place, lead in enumerate(which.tolist()):
            row = crm_row(people, lead, created[place], changed[place], status[place], bool(noted[lead]))
            landing[f"crm/leads_{months[place]}.csv"].append(csv_line(row))

    everyone = np.arange(len(people))
    first_status = np.where(is_worked, "working", "new").tolist()
    add(everyone, np.where(is_worked, worked, people.created), people.created, first_status)
    closed = np.flatnonzero(outcomes.closed > 0)
    add(
        closed, outcomes.closed[closed], outcomes.closed[closed], np.where(outcomes.won[closed], "won", "lost").tolist()
    )
    return {path: [csv_line(CRM_HEADER), *landing[path]] for path in sorted(landing)}


def crm_row(people: People, lead: int, created: str, changed: str, status: str, noted: bool) -> tuple[object, ...]:
    """Return a lead's row in an export."""
    return (
        people.lead_id[lead],
        created,
        changed,
        people.email[lead],
        people.phone[lead],
        people.company[lead],
        COUNTRIES[people.country[lead]],
        INDUSTRIES[people.industry[lead]] if people.industry[lead] >= 0 else "-",
        people.employees[lead] or "",
        SOURCES[people.source[lead]],
        "x" if people.opted_out[lead] else "",
        status,
        'Called back.\nSaid: "next quarter, maybe".' if noted else "",
    )


def page_views(rng: np.random.Generator, events: Events) -> Landing:
    """Return the web tracker's events, as JSON lines with nested objects."""
    views = events.of(*_PAGES)
    seconds = np.round(rng.exponential(40.0, len(views)), 1).tolist()
    choice = rng.integers(0, 12, len(views)).tolist()
    visitors = [
        visitor(lead, stranger) for lead, stranger in zip(views.lead.tolist(), views.stranger.tolist(), strict=True)
    ]

    def line(place: int, kind: str, at: str, number: int) -> str:
        pages = _PAGES[kind]
        campaign = f',"campaign":{{"name":"{_CAMPAIGNS[choice[place]]}"}}' if choice[place] < len(_CAMPAIGNS) else ""
        return (
            f'{{"event_id":"pv-{number:08d}","type":"{kind}","anonymous_id":"{visitors[place]}","occurred_at":"{at}",'
            f'"page":{{"url":"{pages[choice[place] % len(pages)]}","seconds":{seconds[place]}}}{campaign}}}'
        )

    return _monthly("web/page_views_{}.jsonl", views, line)


def email_events(people: People, events: Events) -> Landing:
    """Return the e-mail service's events, as JSON lines."""
    mails = events.of("email_sent", "email_open", "email_click", "email_unsubscribe")
    whose = addresses(people, mails)
    weeks = ((mails.at // DAY) % len(_CAMPAIGNS)).tolist()

    def line(place: int, kind: str, at: str, number: int) -> str:
        return (
            f'{{"event_id":"em-{number:08d}","event":"{kind}","email":"{whose[place]}",'
            f'"campaign":"newsletter-{_CAMPAIGNS[weeks[place]]}","occurred_at":"{at}"}}'
        )

    return _monthly("email/events_{}.jsonl", mails, line)


def form_submissions(people: People, events: Events) -> Landing:
    """Return the forms that leads sent, as JSON lines; a ticked newsletter form gives consent."""
    forms = events.of("form_contact", "form_demo", "form_newsletter")
    whose = addresses(people, forms)
    leads = forms.lead.tolist()

    def line(place: int, kind: str, at: str, number: int) -> str:
        ticked = ',"newsletter_consent":true' if kind == "form_newsletter" else ""
        return (
            f'{{"submission_id":"fs-{number:08d}","form":"{kind}","email":"{whose[place]}",'
            f'"anonymous_id":"{visitor(leads[place], -1)}"{ticked},"submitted_at":"{at}"}}'
        )

    return _monthly("forms/submissions_{}.jsonl", forms, line)


def calls(rng: np.random.Generator, people: People, events: Events) -> Landing:
    """Return the telephone system's calls: semicolons, decimal commas, Berlin's clock, ISO 8859-1."""
    made = events.of("call")
    tenths = rng.integers(2, 300, len(made)).tolist()
    lines = []
    for place, (lead, at, number) in enumerate(
        zip(made.lead.tolist(), made.at.tolist(), made.number.tolist(), strict=True)
    ):
        begun = datetime.fromtimestamp(at, _BERLIN).strftime("%d.%m.%Y %H:%M")
        minutes = f"{tenths[place] // 10},{tenths[place] % 10}"
        lines.append(
            f"G{number:08d};{people.lead_id[lead]};{begun};{minutes};{'Rückruf erbeten' if place % 9 == 0 else ''}"
        )
    return {
        "calls/calls.csv": [
            ";".join(CALL_HEADER).encode(CALL_ENCODING),
            *(line.encode(CALL_ENCODING) for line in lines),
        ]
    }


def consents(people: People, events: Events) -> Landing:
    """Return the preference centre's statements: given when a lead came in without a ticked form, and withdrawn."""
    ticked = np.zeros(len(people), dtype=bool)
    ticked[events.of("form_newsletter").lead] = True
    given = np.flatnonzero(people.consents & ~ticked)
    withdrawn = np.flatnonzero(people.withdrawn <= END)
    stated = [(int(people.created[lead]), int(lead), "true") for lead in given]
    stated += [(int(people.withdrawn[lead]), int(lead), "false") for lead in withdrawn]
    stated.sort()
    times = _iso(np.array([at for at, _, _ in stated], dtype=np.int64))
    lines = [
        f'{{"consent_id":"co-{place:07d}","email":"{people.email[lead]}","email_marketing":{answer},"stated_at":"{times[place]}"}}'
        for place, (_, lead, answer) in enumerate(stated)
    ]
    return {"consents/consents.jsonl": [line.encode() for line in lines]}


def deals(rng: np.random.Generator, people: People, outcomes: Outcomes) -> Landing:
    """Return the deals that were closed, won or lost."""
    closed = np.flatnonzero(outcomes.closed > 0)
    closed = closed[np.argsort(outcomes.closed[closed], kind="stable")]
    times = _iso(outcomes.closed[closed])
    amounts = np.round(rng.lognormal(9.0, 0.8, len(closed)), 2).tolist()
    rows = [
        csv_line(
            (
                f"D-{place:06d}",
                people.lead_id[lead],
                "won" if outcomes.won[lead] else "lost",
                times[place],
                amounts[place],
            )
        )
        for place, lead in enumerate(closed.tolist())
    ]
    return {"deals/deals.csv": [csv_line(DEAL_HEADER), *rows]}


def addresses(people: People, events: Events) -> list[str]:
    """Return the e-mail address that each event is about; strangers have addresses that the CRM does not know."""
    pairs = zip(events.lead.tolist(), events.stranger.tolist(), strict=True)
    return [people.email[lead] if lead >= 0 else f"stranger{stranger}@nowhere.example" for lead, stranger in pairs]


def visitor(lead: int, stranger: int) -> str:
    """Return the cookie of a lead or of a stranger."""
    return f"visitor-{lead:07d}" if lead >= 0 else f"passer-by-{stranger:07d}"


def csv_line(row: Iterable[object]) -> bytes:
    """Return one CSV record without its line end; fields with commas, quotes or line breaks are quoted."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(row)
    return text.getvalue().encode()


def json_line(item: object) -> bytes:
    """Return one JSON record without its line end."""
    return json.dumps(item, ensure_ascii=False).encode()


def iso(at: int) -> str:
    """Return a moment as ISO 8601 in UTC."""
    return _iso(np.array([at]))[0]


def _monthly(path: str, events: Events, line: Callable[[int, str, str, int], str]) -> Landing:
    landing: Landing = defaultdict(list)
    kinds, times, numbers = events.kind.tolist(), _iso(events.at), events.number.tolist()
    for place, at in enumerate(times):
        landing[path.format(at[:7])].append(line(place, SIGNAL_TYPES[kinds[place]], at, numbers[place]).encode())
    return dict(sorted(landing.items()))


def _month(at: NDArray[np.int64]) -> NDArray[np.datetime64]:
    return at.astype("datetime64[s]").astype("datetime64[M]")


def _iso(at: NDArray[np.int64]) -> list[str]:
    return [f"{text}Z" for text in np.datetime_as_string(at.astype("datetime64[s]")).tolist()]

"""What is wrong with the made-up company's data, as it is with anybody's: planted on purpose and counted.

Records that can't be understood, records that come twice or late, two CRM records of one person, contact points that
many share, deals that contradict the CRM. The planted people are younger than a month: no label depends on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leadhouse.jobs.company.broken import BROKEN, TRUNCATED, UNCLOSED
from leadhouse.jobs.company.files import Landing, crm_row, csv_line, iso
from leadhouse.jobs.company.outcomes import Outcomes
from leadhouse.jobs.company.people import DAY, END, FIRST_NUMBER, People

QUARANTINED, DUPLICATE, FINDING, KEPT = "quarantined", "duplicate", "finding", "kept"
_SOURCE_PREFIX = {
    "page_views": "web/",
    "email_events": "email/",
    "crm_leads": "crm/",
    "calls": "calls/",
    "deals": "deals/",
    "consents": "consents/",
    "form_submissions": "forms/",
}


@dataclass(frozen=True)
class Planted:
    """One kind of defect, and what ought to become of it."""

    source: str
    what: str
    records: int
    result: str
    """``quarantined``, ``duplicate``, ``finding`` or ``kept`` (accepted, with care)."""
    rule: str | None = None
    """The rule that the records break."""


def plant_defects(
    rng: np.random.Generator, landing: Landing, people: People, outcomes: Outcomes
) -> tuple[Landing, tuple[Planted, ...]]:
    """Return the landing's files with defects added, and what was added."""
    files = {path: list(lines) for path, lines in landing.items()}
    planted = [
        *_repeated(rng, files),
        _late(rng, files),
        *_odd_people(rng, files, people),
        _contradictory(rng, files, people, outcomes),
        *_broken(rng, files),
    ]
    return files, tuple(entry for entry in planted if entry.records)


def last_file(files: Landing, source: str) -> list[bytes]:
    """Return the records of a source's newest file."""
    return files[max(path for path in files if path.startswith(_SOURCE_PREFIX[source]))]


def _repeated(rng: np.random.Generator, files: Landing) -> list[Planted]:
    """Events that are delivered twice; leads that are exported again though nothing has changed."""
    planted = []
    for source in ("page_views", "email_events"):
        pool = [line for path in sorted(files) if path.startswith(_SOURCE_PREFIX[source]) for line in files[path]]
        again = [pool[place] for place in rng.choice(len(pool), len(pool) // 200, replace=False).tolist()]
        last_file(files, source).extend(again)
        planted.append(Planted(source, "the same event twice", len(again), DUPLICATE))
    exports = sorted(path for path in files if path.startswith("crm/"))
    repeated = 0
    for before, after in zip([files[path][1:] for path in exports], exports[1:], strict=False):
        again = [before[place] for place in rng.choice(len(before), len(before) // 30, replace=False).tolist()]
        files[after].extend(again)
        repeated += len(again)
    return [*planted, Planted("crm_leads", "the same lead in two exports", repeated, DUPLICATE)]


def _late(rng: np.random.Generator, files: Landing) -> Planted:
    """A hundredth of the e-mail events arrives in a file of its own, long after the others."""
    late: list[bytes] = []
    for path in sorted(path for path in files if path.startswith("email/")):
        is_late = rng.random(len(files[path])) < 0.01
        late += [line for line, moved in zip(files[path], is_late, strict=True) if moved]
        files[path] = [line for line, moved in zip(files[path], is_late, strict=True) if not moved]
    files["email/events_late.jsonl"] = late
    return Planted("email_events", "delivered late", len(late), KEPT)


def _odd_people(rng: np.random.Generator, files: Landing, people: People) -> list[Planted]:
    """Leads that share a switchboard or a mailbox, and second records of leads that the CRM has already."""
    young = np.flatnonzero(
        (people.created > END - 25 * DAY) & np.array([bool(email) for email in people.email], dtype=bool)
    )
    twins = rng.permutation(young)[:15].tolist()
    number = FIRST_NUMBER + len(people)
    rows = []
    for place in range(12):
        rows.append((f"boss{place}@switchboard.example", "+49 30 23125 999", "Switchboard & Sons GmbH"))
    for _ in range(8):
        rows.append(("info@mailbox.example", "", "Mailbox Ltd"))
    for place, (email, phone, company) in enumerate(rows):
        at = iso(END - (20 - place) * DAY // 2)
        status = (f"L-{number + place}", at, at, email, phone, company, "DE", "-", "", "trade_fair", "", "new", "")
        last_file(files, "crm_leads").append(csv_line(status))
    for place, lead in enumerate(twins):
        at = iso(min(int(people.created[lead]) + DAY, END - 60))
        row = list(crm_row(people, lead, at, at, "new", noted=False))
        row[0], row[4] = f"L-{number + len(rows) + place}", ""
        last_file(files, "crm_leads").append(csv_line(row))
    return [
        Planted("crm_leads", "a switchboard's number that twelve share", 12, KEPT),
        Planted("crm_leads", "a mailbox (info@) that eight share", 8, KEPT),
        Planted("crm_leads", "a second record of a known person", len(twins), KEPT),
    ]


def _contradictory(rng: np.random.Generator, files: Landing, people: People, outcomes: Outcomes) -> Planted:
    """Deals that were won before their lead was there."""
    open_leads = np.flatnonzero(outcomes.settled & (outcomes.closed == 0))
    chosen = rng.permutation(open_leads)[:4].tolist()
    for place, lead in enumerate(chosen):
        closed = iso(int(people.created[lead]) - 10 * DAY)
        last_file(files, "deals").append(csv_line((f"D-9{place:05d}", people.lead_id[lead], "won", closed, "1000.0")))
    return Planted("deals", "won before the lead was there", len(chosen), FINDING, "outcome_before_creation")


def _broken(rng: np.random.Generator, files: Landing) -> list[Planted]:
    """Records that break a rule each, strewn over their source's newest file."""
    planted = []
    for source, what, rule, count, make in BROKEN:
        lines = last_file(files, source)
        for number in range(count):
            # After a CSV's header.
            lines.insert(int(rng.integers(min(1, len(lines)), len(lines) + 1)), make(number))
        planted.append(Planted(source, what, count, QUARANTINED, rule))
    # These two must be the last of their files: one lacks its end, the other would swallow what follows.
    last_file(files, "page_views").append(TRUNCATED)
    last_file(files, "crm_leads").append(UNCLOSED)
    planted.append(Planted("page_views", "a truncated last line", 1, QUARANTINED, "record"))
    planted.append(Planted("crm_leads", "an unclosed quotation mark", 1, QUARANTINED, "record"))
    return planted

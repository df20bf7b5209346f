"""The people of the made-up company's CRM: who they are, where they work, how they can be reached.

Nobody of them can be reached: the e-mail addresses end in ``.example`` and the telephone numbers come from the ranges
that each country keeps free for films. Where those run out, people have no telephone number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DAY = 86_400
END = int(np.datetime64("2026-06-30T18:00:00", "s").astype(np.int64))
"""The company's last second (UTC), in seconds since 1970; a constant, so that a seed says all on any day."""
HISTORY_DAYS = 300
"""The oldest lead is about this many days old at END."""
FIRST_NUMBER = 100_001

COUNTRIES = ("DE", "US", "GB", "FR", "NL", "AU")
INDUSTRIES = ("machinery", "chemicals", "food", "automotive", "pharma", "electronics")
SOURCES = ("website", "webinar", "trade_fair", "referral", "partner", "cold_list")

_COUNTRY_SHARES = (0.35, 0.20, 0.15, 0.12, 0.10, 0.08)
_SOURCE_SHARES = (0.40, 0.15, 0.12, 0.10, 0.08, 0.15)
_CONSENT_SHARES = (0.65, 0.80, 0.50, 0.40, 0.30, 0.0)
"""Share of each source's leads that agree to marketing by e-mail."""
_FORM_SHARES = (1.0, 1.0, 0.35, 0.35, 0.35, 0.20)
"""Share of each source's leads that send a form, which tells whose cookie it is."""
_FIRST_NAMES = (
    "Anna", "Ben", "Chloé", "David", "Elif", "Finn", "Grace", "Hugo", "Ines", "Jürgen", "Katarzyna", "Liam", "Mia",
    "Noah", "Olivia", "Paweł", "Renée", "Søren", "Theo", "Zoë",
)  # fmt: skip
_LAST_NAMES = (
    "Schmidt", "Müller", "Smith", "Johnson", "Dubois", "Lefèvre", "de Vries", "Jansen", "O'Brien", "Walker", "Nguyen",
    "Kowalski", "García", "Rossi", "Åberg", "Becker", "Taylor", "Martin", "Visser", "Kelly",
)  # fmt: skip
_COMPANY_NAMES = (
    "Alder",
    "Birke",
    "Cobalt",
    "Dorn",
    "Eider",
    "Falke",
    "Granit",
    "Harbor",
    "Iris",
    "Juniper",
    "Kupfer",
    "Lumen",
)
_COMPANY_TRADES = ("Pumps", "Werkzeuge", "Chemie", "Foods", "Motors", "Papier", "Labs", "Glas", "Systems", "Metall")
_COMPANY_FORMS = {"DE": "GmbH & Co. KG", "US": "Inc.", "GB": "Ltd", "FR": "SAS", "NL": "B.V.", "AU": "Pty Ltd"}
_FICTIONAL_NUMBERS = {
    "DE": [(f"+49{prefix}", 3) for prefix in ("3023125", "6990009", "4066969", "2214710", "8999998")],
    "US": [(f"+1{area}55501", 2) for area in (*range(201, 211), *range(212, 220), 303, 305, 312, 404, 415, 617, 702)],
    "GB": [(f"+44{prefix}", 3) for prefix in ("2079460", "1134960", "1144960", "1314960", "1174960", "1614960")],
    "FR": [(f"+33{prefix}", 4) for prefix in ("19900", "26191", "35301", "46571", "53649")],
    "NL": [],
    "AU": [(f"+61{area}{prefix}", 4) for area in "2378" for prefix in ("5550", "7010")],
}  # fmt: skip
"""Per country: prefix and how many digits follow it."""


@dataclass(frozen=True)
class People:
    """Leads as columns: entry i of each belongs to lead i, in the order of creation."""

    lead_id: Sequence[str]
    created: NDArray[np.int64]
    """When each was entered into the CRM, in seconds since 1970."""
    email: Sequence[str]
    """Empty where the CRM has none."""
    phone: Sequence[str]
    """As somebody typed it; empty where the CRM has none."""
    company: Sequence[str]
    country: NDArray[np.int64]
    """Index into COUNTRIES."""
    industry: NDArray[np.int64]
    """Index into INDUSTRIES; -1 where nobody knows."""
    employees: NDArray[np.int64]
    """0 where nobody knows."""
    source: NDArray[np.int64]
    """Index into SOURCES."""
    consents: NDArray[np.bool_]
    """Whether the lead agreed to marketing by e-mail when it came in."""
    withdrawn: NDArray[np.int64]
    """When that consent was withdrawn; a moment after END where it never was."""
    opted_out: NDArray[np.bool_]
    """Whether the CRM says not to contact the lead at all."""
    sends_form: NDArray[np.bool_]
    """Whether the lead sends a form, which tells whose cookie it is."""
    interest: NDArray[np.float64]
    """What drives how much a lead does, unknown to everybody: standard normal."""

    def __len__(self) -> int:
        """How many leads there are."""
        return len(self.created)


def draw_people(rng: np.random.Generator, count: int) -> People:
    """Draw leads, oldest first. The same generator state draws the same people."""
    created = np.sort(rng.integers(END - HISTORY_DAYS * DAY, END - DAY // 2, count))
    country = rng.choice(len(COUNTRIES), count, p=_COUNTRY_SHARES)
    industry = np.where(rng.random(count) < 0.1, -1, rng.integers(0, len(INDUSTRIES), count))
    employees = np.clip(np.exp(rng.normal(4.8, 1.6, count)), 1, 200_000).astype(np.int64)
    employees[rng.random(count) < 0.05] = 0
    source = rng.choice(len(SOURCES), count, p=_SOURCE_SHARES)
    has_email = rng.random(count) < 0.96
    consents = (rng.random(count) < np.take(_CONSENT_SHARES, source)) & has_email
    withdraws = consents & (rng.random(count) < 0.1)
    withdrawn = np.where(withdraws, created + rng.integers(21 * DAY, 100 * DAY, count), END + DAY)
    company, domain = _companies(rng, country)
    return People(
        lead_id=[f"L-{FIRST_NUMBER + number}" for number in range(count)],
        created=created,
        email=_emails(rng, domain, has_email),
        phone=_phones(rng, country),
        company=company,
        country=country,
        industry=industry,
        employees=employees,
        source=source,
        consents=consents,
        withdrawn=withdrawn,
        opted_out=rng.random(count) < 0.02,
        sends_form=(rng.random(count) < np.take(_FORM_SHARES, source)) & has_email,
        interest=rng.normal(0.0, 1.0, count),
    )


def _companies(rng: np.random.Generator, country: NDArray[np.int64]) -> tuple[list[str], list[str]]:
    """Names and e-mail domains of the companies; about three leads share one."""
    number = rng.integers(0, max(len(country) // 3, 1), len(country))
    names, domains = [], []
    for place, code in zip(number.tolist(), country.tolist(), strict=True):
        name = _COMPANY_NAMES[place % len(_COMPANY_NAMES)]
        trade = _COMPANY_TRADES[place // len(_COMPANY_NAMES) % len(_COMPANY_TRADES)]
        names.append(f"{name} {trade} {place}, {_COMPANY_FORMS[COUNTRIES[code]]}")
        domains.append(f"{name}{trade}{place}.example".lower())
    return names, domains


def _emails(rng: np.random.Generator, domain: Sequence[str], has_email: NDArray[np.bool_]) -> list[str]:
    first = rng.integers(0, len(_FIRST_NAMES), len(domain)).tolist()
    last = rng.integers(0, len(_LAST_NAMES), len(domain)).tolist()
    return [
        f"{_ascii(_FIRST_NAMES[first[i]])}.{_ascii(_LAST_NAMES[last[i]])}{i}@{domain[i]}" if has_email[i] else ""
        for i in range(len(domain))
    ]


def _phones(rng: np.random.Generator, country: NDArray[np.int64]) -> list[str]:
    """One fictional number a lead at most, none twice, typed in one of several ways."""
    phones = [""] * len(country)
    style = rng.integers(0, 4, len(country)).tolist()
    for code, name in enumerate(COUNTRIES):
        numbers = [
            prefix + str(n).zfill(digits) for prefix, digits in _FICTIONAL_NUMBERS[name] for n in range(10**digits)
        ]
        owners = np.flatnonzero((country == code) & (rng.random(len(country)) < 0.8))[: len(numbers)].tolist()
        for owner, number in zip(owners, rng.permutation(len(numbers)).tolist(), strict=False):
            phones[owner] = _typed(numbers[number], style[owner])
    return phones


def _typed(number: str, style: int) -> str:
    """Write +CCNNN… as people do: plain, with spaces, with 00, or nationally (only German numbers)."""
    if style == 1:
        return f"{number[:3]} {number[3:6]} {number[6:]}"
    if style == 2:
        return f"00{number[1:]}"
    if style == 3 and number.startswith("+49"):
        return f"0{number[3:5]}/{number[5:]}"
    return number


def _ascii(name: str) -> str:
    table = str.maketrans(
        {"ü": "ue", "ö": "oe", "ø": "oe", "Å": "aa", "ł": "l", "é": "e", "è": "e", "ë": "e", "í": "i", "'": "", " ": ""}
    )
    return name.translate(table).lower()

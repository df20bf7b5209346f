"""Records of the made-up company that break a rule each: what one sees when systems export to each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from leadhouse.jobs.company.files import CALL_ENCODING, csv_line, iso, json_line
from leadhouse.jobs.company.people import DAY, END

_NOW = iso(END - 3 * DAY)
_MEGABYTE = 1_100_000
_DEEP = 1_000


def _view(number: int, **changes: object) -> bytes:
    """A page view with some of its values replaced; None leaves one out."""
    seconds = changes.pop("seconds", 1.5)
    good = {"event_id": f"bad-{number}", "type": "page_view", "anonymous_id": "visitor-bad", "occurred_at": _NOW}
    kept = {name: value for name, value in (good | changes).items() if value is not None}
    return json_line(kept | {"page": {"url": "/", "seconds": seconds}})


def _lead(number: int, **changes: str) -> bytes:
    """A CRM row with some of its values replaced."""
    row = {
        "id": f"L-99{number:04d}", "created": _NOW, "changed": _NOW, "email": f"bad{number}@broken.example",
        "phone": "", "company": "Broken GmbH", "country": "DE", "industry": "-", "employees": "10",
        "source": "website", "opt": "", "status": "new", "notes": "",
    } | changes  # fmt: skip
    return csv_line(row.values())


def _mail(number: int, email: str) -> bytes:
    event = {"event_id": f"bad-{number}", "event": "email_open", "email": email, "campaign": "none"}
    return json_line(event | {"occurred_at": _NOW})


def _form(number: int) -> bytes:
    return json_line({"submission_id": f"bad-{number}", "form": "form_contact", "submitted_at": _NOW})


def _consent(number: int, answer: object) -> bytes:
    statement = {"consent_id": f"bad-{number}", "email": "bad@broken.example", "email_marketing": answer}
    return json_line(statement | {"stated_at": _NOW})


def _call(number: int, begun: str, minutes: str) -> bytes:
    return f"Gbad{number};L-100001;{begun};{minutes};".encode(CALL_ENCODING)


def _deal(number: int, outcome: str, amount: str) -> bytes:
    return csv_line((f"D-bad{number}", "L-100001", outcome, _NOW, amount))


def _deep(number: int) -> bytes:
    return _view(number)[:-1] + b',"more":' + b"[" * _DEEP + b"]" * _DEEP + b"}"


BROKEN: Sequence[tuple[str, str, str, int, Callable[[int], bytes]]] = (
    ("page_views", "broken JSON", "record", 5, lambda n: b'{"event_id":"bad","type":page_view}'),
    ("page_views", "text where a number is due", "type", 4, lambda n: _view(n, seconds="many")),
    ("page_views", "NaN or Infinity", "type", 3, lambda n: _view(n, seconds=float("nan" if n else "inf"))),
    ("page_views", "a type that nobody declared", "valid_values", 6, lambda n: _view(n, type="teleport")),
    ("page_views", "no visitor", "required", 5, lambda n: _view(n, anonymous_id=None)),
    ("page_views", "a day that never was", "type", 4, lambda n: _view(n, occurred_at="2026-02-30T25:61:00Z")),
    ("page_views", "a field of a megabyte", "record_size", 1, lambda n: _view(n, note="x" * _MEGABYTE)),
    ("page_views", "bytes that are not UTF-8", "encoding", 3, lambda n: _view(n, note="~").replace(b"~", b"\xff\xfe")),
    ("page_views", "a NUL character", "encoding", 3, lambda n: _view(n, note="~").replace(b"~", b"\x00")),
    ("page_views", "nesting a thousand deep", "record", 2, _deep),
    ("email_events", "an address without @", "pattern", 4, lambda n: _mail(n, "nobody")),
    ("form_submissions", "no address", "required", 3, _form),
    ("consents", "neither yes nor no", "type", 2, lambda n: _consent(n, "perhaps")),
    ("crm_leads", "a country that isn't one", "valid_values", 3, lambda n: _lead(n, country="ZZ")),
    ("crm_leads", "no lead number", "required", 2, lambda n: _lead(n, id="")),
    ("crm_leads", "text where a number is due", "type", 2, lambda n: _lead(n, employees="many")),
    ("crm_leads", "a negative number of employees", "minimum", 2, lambda n: _lead(n, employees="-5")),
    ("crm_leads", "a day that never was", "type", 2, lambda n: _lead(n, created="2026-02-31T08:00:00Z")),
    ("crm_leads", "too few columns", "record", 2, lambda n: csv_line((f"L-99{n:04d}", _NOW, _NOW))),
    ("calls", "two decimal commas", "type", 2, lambda n: _call(n, "01.06.2026 10:00", "12,5,3")),
    ("calls", "a day that never was", "type", 2, lambda n: _call(n, "32.13.2026 99:00", "1,0")),
    ("deals", "neither won nor lost", "valid_values", 2, lambda n: _deal(n, "maybe", "1.0")),
    ("deals", "an infinite amount", "type", 1, lambda n: _deal(n, "lost", "Infinity")),
)
"""Source, what is wrong, the rule that it breaks, how many, and how to make one."""
TRUNCATED = _view(0)[:-40]
"""A page view whose writer was stopped in the middle."""
UNCLOSED = f'L-999900,{_NOW},{_NOW},,,"Unclosed GmbH,DE,-,,website,,new,'.encode()
"""A CRM row with a quotation mark that nobody closes."""

"""What a row of a source is (a lead, an event, a deal), and which of its times says when."""

from __future__ import annotations

import re

from leadhouse.expectations.drafted import DraftedField, DraftedSource
from leadhouse.expectations.guess_identity import event_ids, nearly_unique, person_ids

_CREATED = (
    r"^(lead_|contact_|record_|customer_)?(created|create|creation)(_?(at|on|date|time|datetime|timestamp|dt|am|ts))*$",
    r"(^|_)(created|create|creation|date_created|erstellt|angelegt|anlage|anlagedatum|erstelldatum|created_time)(_|$)",
    r"(^|_)(sign_?up|signed_up|registered|registration|joined|join|enrolled|submitted|submission|inquiry|enquiry|first_contact|"
    r"first_seen|first_touch|entry|lead_date|date_lead|captured|acquired|inserted|added|eingang|erfasst|dt_customer)(_|$)",
    r"^(date|datum|timestamp|received(_at|_on|_date)?|time|datetime|day)$",
)
_UPDATED = re.compile(
    r"(^|_)(updated|update|modified|modification|changed|last_?mod|systemmodstamp|system_modstamp|modstamp|geaendert|aktualisiert)(_|$)"
    r"|(^|_)mod_?stamp$"
)
_OCCURRED = (
    r"(^|_)(occurred|happened|event_?(time|date|timestamp|at|ts)|timestamp|original_timestamp)(_|$)",
    r"^(ts|time|datetime|date|datum|zeit|zeitpunkt|at|when)$|(^|_)(activity|action|call|visit|click|sent|open(ed)?|logged|interaction)_?"
    r"(time|date|at|on|ts|datetime)$",
    r"(^|_)(sent|received|created|logged|start|started)(_?(at|on|time|date))?$",
)
_OUTCOME_AT = re.compile(
    r"(^|_)(won|win|converted|conversion|closed|close|churned|churn|purchased?|paid|deal|signed|order(ed)?|sold|cancell?ed|"
    r"became(_an?)?_(customer|client|buyer)|gewonnen|abschluss|abgeschlossen|verkauft|deposit|enrol(led|ment))(_?(at|on|date|time|datum|day|am|timestamp))+$"
    r"|(^|_)(date|time|datum)_(won|converted|closed|churned|sold|paid)$|^customer_since$"
)
_FORECAST = re.compile(r"(^|_)(expected|forecast|estimated|planned|target|due|next|scheduled)(_|$)")
_SIGNAL = (
    r"^(event|event_type|event_name|eventtype|eventname|signal|signal_type|action|activity|activity_type|interaction|"
    r"interaction_type|touchpoint|ereignis|aktion)$",
    r"(^|_)(event|activity|action|interaction)(_(type|name))?$",
    r"^(type|kind|verb|name|typ|art|what|was)$",
    r"(^|_)(type|topic|trigger|hook)$",
)
_DOTTED = re.compile(r"[\w-]+([.:][\w-]+)+")
"""What makes a column of the last kind one that says what happened, e.g. contact.propertyChange."""
_EVENT_FILE = re.compile(
    r"(^|_)(events?|activit(y|ies)|clicks?|calls?|visits?|page_?views?|sessions?|logs?|tracking|signals?|interactions?|opens?|"
    r"emails_sent|touchpoints?|clickstream|webhooks?)(_|$)"
)

_CHANNELS = {
    "email": re.compile(r"e?mail|delivered|bounce", re.IGNORECASE),
    "phone": re.compile(r"(^|[\W_])(phone|calls?)(?=$|[\W_])", re.IGNORECASE),
    "web": re.compile(r"page|visit|web|session|form", re.IGNORECASE),
}
_DONE = (
    r"\w*[a-z]ed(_?(up|in|out|off))?|creation|deletion|\w*change|"
    r"sent|won|lost|paid|bought|sold|made|left|read|begun|met"
)
_DOTTED_DEED = re.compile(rf"[\w-]+([.:/][\w-]+)*[.:/](\w*[_-])?({_DONE})", re.IGNORECASE)
_DEED = re.compile(rf"[\w-]+([ .:/_-][\w-]+)*[ .:/_-]({_DONE})|({_DONE})", re.IGNORECASE)
"""What webhooks call what was done, e.g. invitee.created; in a column of events also form_submitted or opened."""
_LEAVING = re.compile(r"unsub|opt.?out|spam|complain|abmeld|withdraw|revoke", re.IGNORECASE)
_GENERIC_ID = re.compile(r"id|uuid|guid|_id")
_EVENT_VALUE = re.compile(r"(evt|ev|event|msg|message)[_-]", re.IGNORECASE)


def _says_event(entry: DraftedField) -> bool:
    """Whether an id's own values say that it numbers events, as in evt_1N3x."""
    return all(_EVENT_VALUE.match(value) for value in list(entry.profile.distinct)[:100])


def guess_nature(source: DraftedSource) -> None:
    """Set what a row is. Ids that come again and a column that says what happened speak for events."""
    times = open_times(source)
    people = [*person_ids(source), *source.having("email"), *source.having("anonymous_id")]
    kinds = [_signal_rank(entry) for entry in source.fields]
    score = 0
    score += 2 if kinds and min(kinds) <= 1 else 1 if kinds and min(kinds) == 2 else 0
    score += 2 if _EVENT_FILE.search(source.name) else 0
    score += 1 if any(_ranked(entry, _OCCURRED[:2]) is not None for entry in times) else 0
    score += 2 if any(not _GENERIC_ID.fullmatch(entry.name) or _says_event(entry) for entry in event_ids(source)) else 0
    score -= 2 if any(_UPDATED.search(entry.name) for entry in times) else 0
    score -= 1 if any(_ranked(entry, _CREATED[:1]) is not None for entry in times) else 0
    # A plain "id" may number events as well as leads: who else is named decides.
    people = [entry for entry in people if not _GENERIC_ID.fullmatch(entry.name)] or people
    repeating = [entry for entry in people if len(entry.profile.distinct) < 0.9 * entry.profile.filled]
    lasting = [entry for entry in people if nearly_unique(entry.profile)]
    if lasting:
        score -= 3 if source.rows >= 20 else 1
    elif repeating:
        score += 2
    if times and (score >= 3 or any(_tells_deeds(entry) for entry in source.fields)):
        source.nature = "events"
    elif _is_outcomes(times):
        source.nature = "outcomes"


def _tells_deeds(entry: DraftedField) -> bool:
    """Whether a column says what was done, which no lead is, however seldom anybody comes again."""
    rank = _signal_rank(entry)
    deed = _DEED if rank == 0 else _DOTTED_DEED
    deeds = [bool(deed.fullmatch(value)) for value in entry.profile.distinct]
    return any(deeds) if rank == 3 else rank < 9 and all(deeds)


def assign_times(source: DraftedSource) -> None:
    """Give the roles created_at, updated_at, occurred_at and outcome_at, each to the likeliest time."""
    if source.nature == "events":
        _assign(
            source,
            "occurred_at",
            [entry for entry in open_times(source) if not _FORECAST.search(entry.name)],
            _OCCURRED,
        )
        for entry in source.having("occurred_at"):
            entry.required = True
        if not source.having("occurred_at"):
            source.doubts.append(
                "occurred_at: no column says when an event happened; it counts as happening when it is received"
            )
        return
    won = [entry for entry in open_times(source) if _OUTCOME_AT.search(entry.name) and not _FORECAST.search(entry.name)]
    for entry in sorted(won, key=lambda entry: not re.search(r"won|convert|churn|sold|purchas", entry.name))[:1]:
        entry.settle("outcome_at")
    updated = [entry for entry in open_times(source) if _UPDATED.search(entry.name)]
    for entry in sorted(updated, key=lambda entry: bool(re.search(r"stamp", entry.name)))[:1]:
        entry.settle("updated_at")
    if source.nature == "entities":
        rest = [
            entry
            for entry in open_times(source)
            if not _FORECAST.search(entry.name)
            and not _UPDATED.search(entry.name)
            and not _OUTCOME_AT.search(entry.name)
        ]
        _assign(source, "created_at", rest, _CREATED)


def assign_signal(source: DraftedSource) -> None:
    """Give the roles signal_type, channel and campaign in a source of events, or the constants in their place."""
    if source.nature != "events":
        return
    typed = sorted(
        (entry for entry in source.open_fields() if _signal_rank(entry) < 9),
        # What never changes may name the envelope, e.g. type: notification.
        key=lambda entry: (
            entry.profile.filled < 0.95 * source.rows,
            len(entry.profile.distinct) == 1,
            _signal_rank(entry),
        ),
    )
    for entry in typed[:1]:
        entry.settle("signal_type")
        missing = source.rows - entry.profile.filled
        entry.required = not missing
        if missing:
            entry.doubts.append(f"{missing:,} of {source.rows:,} rows don't say what happened; check them")
        if leaving := [value for value in entry.profile.distinct if _LEAVING.search(value)]:
            entry.doubts.append(
                f"{', '.join(sorted(leaving)[:4])}: as signals they withdraw no consent; to make them do so, land them "
                f"as a source of its own with role consent"
            )
        if len(entry.profile.distinct) > 50:
            entry.doubts.append(f"{len(entry.profile.distinct):,} different types: is there a coarser column?")
    if not typed:
        source.signal_type = _singular(source.name)
        source.doubts.append(
            f"signalType: no column says what happened, so every row is a {source.signal_type!r}; rename it as you like"
        )
    for role, pattern in (
        ("channel", r"(^|_)(channel|medium|utm_medium|kanal)$"),
        ("campaign", r"(^|_)(utm_)?(campaign|kampagne)(_(name|id|title))?$"),
    ):
        fitting = [
            entry
            for entry in source.open_fields()
            if re.search(pattern, entry.name) and entry.logical_type in ("string", "integer")
        ]
        for entry in fitting[:1]:
            entry.settle(role)
    if not source.having("channel"):
        source.channel = _channel(source)


def open_times(source: DraftedSource) -> list[DraftedField]:
    """The times whose role is not decided yet, but for a person's own, such as the day of birth."""
    return [
        entry
        for entry in source.open_fields()
        if entry.type.logical_type in ("timestamp", "date") and not _private(entry)
    ]


def _private(entry: DraftedField) -> bool:
    return bool(re.search(r"(^|_)(birth|dob|birthday|born|geburt\w*)(_|$)", entry.name))


def _ranked(entry: DraftedField, patterns: tuple[str, ...]) -> int | None:
    return next((rank for rank, pattern in enumerate(patterns) if re.search(pattern, entry.name)), None)


def _assign(source: DraftedSource, role: str, times: list[DraftedField], patterns: tuple[str, ...]) -> None:
    named = [
        (rank, position, entry)
        for position, entry in enumerate(times)
        if (rank := _ranked(entry, patterns)) is not None
    ]
    if named:
        chosen = min(named, key=lambda found: (found[0], -found[2].profile.filled, _depth(found[2]), found[1]))[2]
        chosen.settle(role)
        others = [entry.name for rank, _, entry in named if entry is not chosen and rank == min(named)[0]]
        if others:
            chosen.doubts.append(f"{', '.join(others)} might be {role} too")
    elif len(times) == 1 and (role == "occurred_at" or times[0].profile.filled == source.rows):
        times[0].settle(role)
        times[0].doubts.append(f"taken for {role}, being the only time; check")


def _depth(entry: DraftedField) -> int:
    return entry.profile.physical_name.count(".")


def _is_outcomes(times: list[DraftedField]) -> bool:
    """Whether rows are deals: the time of an outcome in (nearly) every row, and no time of creation."""
    won = [entry for entry in times if _OUTCOME_AT.search(entry.name) and not _FORECAST.search(entry.name)]
    created = [entry for entry in times if entry not in won and _ranked(entry, _CREATED) is not None]
    return any(entry.profile.filled >= 0.98 * entry.profile.rows for entry in won) and not created


def _signal_rank(entry: DraftedField) -> int:
    if entry.settled or entry.logical_type != "string" or not entry.profile.filled:
        return 9
    distinct = len(entry.profile.distinct)
    if distinct > max(20, 0.3 * entry.profile.filled) or distinct > 2000:
        return 9
    rank = _ranked(entry, _SIGNAL)
    if rank is None or (rank == 3 and not all(_DOTTED.fullmatch(value) for value in entry.profile.distinct)):
        return 9
    return rank


def _singular(name: str) -> str:
    base = re.sub(r"(^|_)(export|data|dump|all|full|log|logs)(?=_|$)", "", name).strip("_") or name
    return re.sub(r"ies$", "y", base) if base.endswith("ies") else base.removesuffix("s") or base


def _channel(source: DraftedSource) -> str | None:
    """The one channel that all signal types, or the source's name, speak of."""
    words = [value for entry in source.having("signal_type") for value in entry.profile.distinct] or [
        source.signal_type or ""
    ]
    found = [channel for channel, pattern in _CHANNELS.items() if all(pattern.search(word) for word in words)]
    return found[0] if len(found) == 1 else None

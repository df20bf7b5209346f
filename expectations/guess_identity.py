"""Which columns name a person, and which make the key."""

from __future__ import annotations

import re

from leadhouse.expectations.drafted import DraftedField, DraftedSource
from leadhouse.expectations.guess_nulls import Profile

STAFF = re.compile(
    r"(^|_)(owner|rep|agent|sales_?person|assigned|assignee|manager|created_by|modified_by|updated_by|sender|from|sdr|sr|bdr|"
    r"advisor|consultant|employee|executive|counsellor|counselor|berater|besitzer|betreuer)(_|$)"
)
"""Names of columns about one's own people, who are no leads."""

_EMAIL_VALUE = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}")
_EMAIL_NAME = re.compile(r"(^|_)(email|mail)(_?(address|addr|id|adresse))?(_\d+)?$")
_PHONE_VALUE = re.compile(r"[+(]{0,2}\d[\d\s()./-]{4,20}\d(\s?(x|ext\.?)\s?\d+)?", re.IGNORECASE)
_PHONE_NAME = re.compile(
    r"(^|_)(phone|mobile|telephone|tel|telefon|handy|mobil|cell|cellphone|whatsapp|msisdn|rufnummer|telefonnummer)(_|$)"
)
_ANONYMOUS = re.compile(
    r"(^|_)(anonymous|anon|visitor|cookie|device|distinct|browser)_(id|uuid|key)$|(^|_)(cookie|anonymousid|fingerprint)$"
)
_PERSON = (
    r"lead|contact|prospect|customer|client|kunden?|user|person|member|subscriber|mql|sql|visitor|student|applicant|candidate|"
    r"donor|guest|buyer|interessent(en)?|patient|player|policyholder|account|crm|sfdc|hubspot|salesforce"
)
_ID_END = r"(id|uuid|guid|key|number|no|nr|num|nummer|code|ref)"
_PERSON_ID = re.compile(rf"(^|_)({_PERSON})(_record)?_?{_ID_END}$|^(id|unique_id|rec_id|record_id|uid|guid|uuid|_id)$")
_EVENT_ID = re.compile(
    r"(^|_)(event|message|msg|activity|call|signal|hit|interaction|log|click|visit|session_event|touchpoint|notification|submission)_?(id|uuid|guid)$"
    r"|^(id|uuid|guid|_id|insert_id|row_id)$"
)
_ID_NAME = re.compile(rf"(^|_){_ID_END}$|^id_|(^|_)(uuid|guid|hash)(_|$)")
_BARE_PERSON = re.compile(_PERSON)
_BARE_ID = re.compile(r"[\w.:-]*\d[\w.:-]*")
_PLAIN_ID = re.compile(r"id|uid|uuid|guid|_id|record_id|rec_id|unique_id")
_MANY = 10
_GENERIC = re.compile(r"^(|id|uid|unique|rec|record|row|_)$")


def assign_contact_points(source: DraftedSource) -> None:
    """Give the roles email, phone and anonymous_id, by names and values."""
    for entry in source.open_fields():
        values = entry.profile
        staff = bool(STAFF.search(entry.name))
        is_email = _share(values, _EMAIL_VALUE) >= (0.7 if _EMAIL_NAME.search(entry.name) else 0.9)
        is_phone = _looks_like_phone(entry)
        if (is_email or is_phone) and staff:
            entry.classification = "confidential"
            entry.settled = True
            entry.doubts.append(
                "no role: it seems to name one of your own people; if it is the lead's, add role "
                + ("email" if is_email else "phone")
            )
        elif is_email:
            entry.classification = "confidential"
            entry.settle("email")
            odd = sum(count for value, count in values.distinct.items() if not _EMAIL_VALUE.fullmatch(value))
            if odd:
                entry.doubts.append(f"{odd:,} of {values.filled:,} values are no e-mail addresses")
        elif is_phone:
            entry.classification = "confidential"
            entry.settle("phone")
            if not all(value.startswith(("+", "00")) for value in list(values.distinct)[:2000]):
                entry.doubts.append(
                    "numbers without a country code get settings.toml's identity.default_region; check it"
                )
        elif entry.type.logical_type in ("string", "integer") and _ANONYMOUS.search(entry.name):
            entry.settle("anonymous_id")


def person_ids(source: DraftedSource) -> list[DraftedField]:
    """Return the columns that are ids of a person by their name, the likeliest first."""
    fitting = [
        entry
        for entry in source.open_fields()
        if (_PERSON_ID.search(entry.name) or _is_person(entry)) and not STAFF.search(entry.name) and _id_type(entry)
    ]
    fitting = [entry for entry in fitting if not (_PLAIN_ID.fullmatch(entry.name) and _is_always_the_same(entry))]
    return sorted(fitting, key=lambda entry: (not entry.profile.unique, not re.search(r"id$|guid$|uuid$", entry.name)))


def _is_person(entry: DraftedField) -> bool:
    """Whether a column is named like a person, and holds what looks like ids: user, with u17."""
    return bool(_BARE_PERSON.fullmatch(entry.name)) and all(map(_BARE_ID.fullmatch, entry.profile.distinct))


def _is_always_the_same(entry: DraftedField) -> bool:
    """Whether many rows have the same value, as what numbers an account or a page has: it names no row's person."""
    return len(entry.profile.distinct) == 1 and entry.profile.filled >= _MANY


def event_ids(source: DraftedSource) -> list[DraftedField]:
    """Return the columns that are ids of an event by their name and whose values (nearly) never repeat."""
    return [
        entry
        for entry in source.open_fields()
        if _EVENT_ID.search(entry.name)
        and _id_type(entry)
        and nearly_unique(entry.profile)
        and "email" not in entry.roles
    ]


def is_id(entry: DraftedField) -> bool:
    """Whether a column is some id, by its name and type."""
    return bool(_ID_NAME.search(entry.name)) and _id_type(entry)


def nearly_unique(profile: Profile) -> bool:
    """Whether every row has a value and at most one in fifty repeats another."""
    return profile.filled == profile.rows and len(profile.distinct) >= 0.98 * profile.filled and profile.filled > 0


def namespace(name: str, source: str) -> str:
    """Return the namespace of an external id: what it numbers, by its name, so that sources with the same id join."""
    base = re.sub(r"_?(id|uuid|guid|key)$", "", name)
    return source if _GENERIC.match(base) else base


def assign_ids(source: DraftedSource) -> None:
    """Give the role external_id and the key, as the source's nature asks."""
    if source.nature == "events":
        for entry in event_ids(source)[:1]:
            entry.settle()
            _make_key(entry)
            entry.notes.append("the event's own id: an event that comes twice is taken once")
    people = person_ids(source)
    if source.nature != "events":  # of events a sample may be of one person
        people = [entry for entry in people if not _is_always_the_same(entry)]
    for entry in people:
        entry.settle("external_id")
        entry.namespace = namespace(entry.name, source.name)
        entry.notes.append(f"namespace: sources that say {entry.namespace!r} mean the same lead by the same id")
    if source.nature != "events":
        _entity_key(source, people)
    elif not any(entry.key_position for entry in source.fields):
        source.doubts.append("key: no column is an event's own id; without one, equal rows count as one event")
    if not _named(source):
        source.doubts.append(
            "identity: no column names a person (e-mail, phone, id); without a field with role external_id, email, "
            "phone or anonymous_id no row becomes a lead; export one (a row's number will do, if it stays the same)"
        )


def _named(source: DraftedSource) -> bool:
    return any({"email", "phone", "external_id", "anonymous_id"} & set(entry.roles) for entry in source.fields)


def _entity_key(source: DraftedSource, people: list[DraftedField]) -> None:
    unique = [entry for entry in people if nearly_unique(entry.profile)]
    if not unique:
        others = [entry for entry in source.open_fields() if is_id(entry) and nearly_unique(entry.profile)]
        others = [entry for entry in others if not STAFF.search(entry.name)][:1]
        for entry in others:
            entry.settle("external_id")
            entry.namespace = namespace(entry.name, source.name)
            entry.doubts.append(
                "taken for the lead's id, since it never repeats; if it names something else, drop the role"
            )
        unique = others or [entry for entry in source.having("email") if nearly_unique(entry.profile)]
    if not unique:
        source.doubts.append(
            "key: no column identifies a row; without one, each different row is a new version of its lead"
        )
        return
    _make_key(unique[0])
    repeats = unique[0].profile.filled - len(unique[0].profile.distinct)
    if repeats:
        unique[0].doubts.append(
            f"{repeats:,} {'value comes' if repeats == 1 else 'values come'} again; the latest row of each counts"
        )
    for entry in unique[1:]:
        entry.doubts.append("a second id that never repeats; drop the role if it does not name the lead")


def _make_key(entry: DraftedField) -> None:
    entry.key_position = 1
    entry.required = True


def _id_type(entry: DraftedField) -> bool:
    if entry.type.logical_type not in ("string", "integer") or entry.type.time is not None:
        return False
    values = list(entry.profile.distinct)[:500]
    return sum(len(value) <= 64 and " " not in value for value in values) >= 0.95 * len(values)


def _looks_like_phone(entry: DraftedField) -> bool:
    if entry.type.logical_type not in ("string", "integer", "number") or entry.type.time is not None:
        return False
    named = bool(_PHONE_NAME.search(entry.name)) and not re.search(r"(^|_)(fax|type|id|model|calls?)(_|$)", entry.name)
    fits = _share(entry.profile, _PHONE_VALUE)
    plus = sum(count for value, count in entry.profile.distinct.items() if value.startswith("+"))
    return (named and fits >= 0.7) or (
        fits >= 0.9 and plus >= 0.8 * entry.profile.filled and entry.type.logical_type == "string"
    )


def _share(profile: Profile, pattern: re.Pattern[str]) -> float:
    fitting = sum(count for value, count in profile.distinct.items() if pattern.fullmatch(value))
    return fitting / max(profile.filled, 1)

"""What the remaining columns are: consents, company and country, personal data, traits, or nothing to learn from."""

from __future__ import annotations

import re

from leadhouse.expectations.contract import Consent
from leadhouse.expectations.drafted import DraftedField, DraftedSource
from leadhouse.expectations.guess_identity import STAFF, is_id

_WITHDRAWN = re.compile(
    r"(^|_)(do_?not|dont|opt(ed)?_?out|has_opted_out(_of)?|unsubscribed?|dnc|no_(email|calls?|contact|marketing)|abgemeldet|"
    r"widerspruch|suppressed|blocked)(_|$)|(^|_)opt(ed)?_?out"
)
_GIVEN = re.compile(
    r"(^|_)(opt(ed)?_?in|consent(ed)?|gdpr|dsgvo|newsletter|subscribed|marketing_permission|permission|einwilligung|zustimmung|"
    r"accepts?_(marketing|email)|email_ok|contact_allowed|may_contact|double_opt_in)(_|$)|(^|_)opt_?in"
)
_PERHAPS_CONSENT = re.compile(r"(^|_)(agree|updates?|receive|permit|allow)(_|$)")
_CHANNELS = (
    ("email", r"email|newsletter|mail"),
    ("sms", r"(^|_)(sms|text)(_|$)"),
    ("phone", r"(^|_)(calls?|phone|telephone|telefon|dnc|anruf)(_|$)"),
    ("post", r"(^|_)(post|letter|brief|postal)(_|$)"),
    ("whatsapp", r"whatsapp"),
)
_COMPANY = re.compile(
    r"(^|_)(company|company_name|organi[sz]ation|organi[sz]ation_name|firm|firma|employer|account_name|business_name|unternehmen|"
    r"associated_company|entreprise|empresa)$"
)
_COUNTRY = re.compile(r"(^|_)(country|land|nation|pays|pais)(_(code|name|iso))?$")
_RESTRICTED = re.compile(
    r"(^|_)(ssn|soc_sec(_id)?|social_security|passport|iban|bank_account|account_number|credit_card|tax_id|dob|date_of_birth|birth_?(date|day)|"
    r"birthday|geburtsdatum|password|token|national_id)(_|$)"
)
_CONFIDENTIAL = re.compile(
    r"(^|_)(first_?name|last_?name|full_?name|given_?name|family_?name|middle_?name|maiden_?name|surname|firstname|lastname|vorname|"
    r"nachname|name|contact_?name|lead_?name|customer_?name|salutation|street|strasse|address|address_\d|adresse|line_?[12]|street_number|ip|ip_address|optin_ip|"
    r"latitude|longitude|lat|lon|lng|linkedin(_url)?|twitter|fax|user_?agent|username|user_name|login|photo|avatar)(_|$)"
)
_NOT_A_PERSON = re.compile(
    r"(^|_)(company|campaign|product|event|page|domain|file|business|account|course|plan|project|form|list|segment|account|event|"
    r"screen|button|app|os|browser|city|state|region|country|asset|email_address)_?name"
)
_SENSITIVE = re.compile(
    r"(^|_)(gender|sex|race|ethnicity|ethnic|religion|religious|political|disability|health|sexual_orientation|union_member|nationality|"
    r"marital(_status)?|caste|geschlecht|familienstand|pregnan\w*)(_|$)"
)
_TEXT = re.compile(
    r"(^|_)(message|comments?|notes?|description|body|subject|text|url|uri|referrer|referer|link|query|title|path|html|bio|summary|feedback)(_|$)"
)
_MOST_CATEGORIES = 1000


def assign_consents(source: DraftedSource) -> None:
    """Give the role consent to columns that are yes or no and named like an opt-in or opt-out."""
    for entry in source.open_fields():
        withdrawn, given = _WITHDRAWN.search(entry.name), _GIVEN.search(entry.name)
        if not withdrawn and not given:
            if entry.logical_type == "boolean" and _PERHAPS_CONSENT.search(entry.name):
                entry.doubts.append(
                    "it sounds like a consent; if it is one, give it the role consent (docs/onboarding.md)"
                )
            continue
        if entry.logical_type != "boolean":
            doubt = "it tells of a consent when, but the role consent needs yes or no; export it so"
            if entry.logical_type not in ("timestamp", "date"):
                doubt = (
                    "it tells of a consent in words: if they mean yes and no, set logicalType to boolean, name them in "
                    "trueTokens and falseTokens, and give it the role consent (docs/onboarding.md)"
                )
            entry.doubts.append(doubt)
            continue
        channel = next((name for name, pattern in _CHANNELS if re.search(pattern, entry.name)), "*")
        means = "withdrawn" if withdrawn else "given"
        entry.consent = Consent(channel, "marketing", means, "consent")
        entry.settle("consent")
        if means == "given":
            entry.doubts.append(
                "a yes is taken as consent to marketing; make sure that it was asked for, for this channel and purpose"
            )
        else:
            entry.notes.append(
                f"an opt-out: 'yes' withdraws consent for {'every channel' if channel == '*' else channel}"
            )


def assign_attributes(source: DraftedSource) -> None:
    """Give the roles company, country and deleted."""
    for role, pattern in (("company", _COMPANY), ("country", _COUNTRY)):
        for entry in source.open_fields():
            if (
                pattern.search(entry.name)
                and entry.logical_type == "string"
                and len(entry.profile.distinct) > (role == "company") * 3
            ):
                entry.settle(role)
                break
    for entry in source.open_fields():
        if re.fullmatch(r"(is_)?(deleted|removed|geloescht)", entry.name) and entry.logical_type == "boolean":
            entry.settle("deleted")
            break


def assign_traits(source: DraftedSource) -> None:
    """Give the role trait to what is left and can be learned from; say of the rest why it can't."""
    for entry in source.open_fields():
        if _RESTRICTED.search(entry.name):
            entry.classification = "restricted"
            entry.notes.append("personal data that lists don't need: no role, so it stays in bronze")
            entry.settle()
        elif source.nature == "events":
            _event_field(entry)
        elif _CONFIDENTIAL.search(entry.name) and not _NOT_A_PERSON.search(entry.name):
            entry.classification = "confidential"
            entry.settle("trait")
            entry.notes.append("personal data: kept, but never a feature")
        elif reason := _unlearnable(entry):
            entry.settle()
            entry.doubts.append(f"no role: {reason}; add role trait to keep it")
        else:
            entry.settle("trait")
            if _SENSITIVE.search(entry.name):
                entry.classification = "sensitive"
                entry.doubts.append(
                    "by its name a protected attribute, so no feature; the property 'feature: true' would make it one"
                )
            if len(entry.profile.distinct) == 1 and entry.logical_type != "boolean":
                entry.notes.append("only one value seen: nothing to learn from yet")


def _event_field(entry: DraftedField) -> None:
    """In a source of events traits would change with each event, so its other columns stay raw unless somebody asks."""
    if _CONFIDENTIAL.search(entry.name) and not _NOT_A_PERSON.search(entry.name):
        entry.classification = "confidential"
    entry.settle()
    entry.notes.append("no role: kept raw; role trait would make its latest value an attribute of the lead")


def _unlearnable(entry: DraftedField) -> str | None:
    values, distinct = entry.profile, len(entry.profile.distinct)
    if entry.logical_type in ("number", "timestamp", "date", "boolean"):
        return None
    if entry.logical_type == "integer":
        if is_id(entry) and distinct > 0.5 * values.filled and values.filled >= 20:
            return f"an id by its name, with {distinct:,} different values"
        return None
    if distinct > 20 and (distinct > 0.5 * values.filled or distinct > _MOST_CATEGORIES):
        what = "ids" if is_id(entry) else "free text"
        return f"{distinct:,} different values in {values.filled:,} rows, so {what}, which nothing can be learned from"
    longest = sum(len(value) * count for value, count in values.distinct.items()) / values.filled
    if longest > 100 or (_TEXT.search(entry.name) and distinct > max(20, 0.2 * values.filled)):
        return "free text"
    if STAFF.search(entry.name) and is_id(entry):
        entry.later("it names one of your own people, assigned later")
    return None

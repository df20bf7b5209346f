"""A contract in the making: what has been guessed about each field so far, with the doubts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, field

from leadhouse.expectations.contract import Consent
from leadhouse.expectations.guess_nulls import Profile
from leadhouse.expectations.guess_type import TypeGuess

_LETTERS = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "Ä": "Ae",
        "Ö": "Oe",
        "Ü": "Ue",
        "ß": "ss",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "æ": "ae",
    }
)
_LONGEST = 63


@dataclass
class DraftedField:
    """One field as guessed so far; the guessing fills it in step by step."""

    name: str
    profile: Profile
    type: TypeGuess
    roles: list[str] = field(default_factory=list)
    namespace: str | None = None
    known_later: bool = False
    classification: str | None = None
    consent: Consent | None = None
    positive_values: tuple[str, ...] = ()
    key_position: int | None = None
    required: bool = False
    settled: bool = False
    """Whether its role is decided, so that no further guess applies."""
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def logical_type(self) -> str:
        """The type to write: ids, e-mail addresses, phones and what has no role stay text, whatever they look like."""
        if {"external_id", "anonymous_id", "email", "phone"} & set(self.roles):
            return "string"
        # Nothing is lost by leaving as text what nobody uses, while a type could cost the whole row.
        return "string" if self.settled and not self.roles else self.type.logical_type

    def settle(self, *roles: str) -> None:
        """Give the field its roles, for good."""
        self.roles += [role for role in roles if role not in self.roles]
        self.settled = True

    def later(self, why: str) -> None:
        """Declare that the field is known only later, with the reason."""
        if self.known_later:
            return
        self.known_later = True
        self.doubts.append(f"known later? {why}")


@dataclass
class DraftedSource:
    """What has been guessed about the source as a whole."""

    name: str
    fields: list[DraftedField]
    rows: int
    nature: str = "entities"
    """``entities`` (rows are leads), ``events`` (rows are what happened) or ``outcomes`` (rows are deals)."""
    outcome: str | None = None
    signal_type: str | None = None
    channel: str | None = None
    doubts: list[str] = field(default_factory=list)

    def open_fields(self) -> list[DraftedField]:
        """The fields whose role is not decided yet and that were ever filled."""
        return [entry for entry in self.fields if not entry.settled and entry.profile.filled]

    def having(self, role: str) -> list[DraftedField]:
        """The fields with a role."""
        return [entry for entry in self.fields if role in entry.roles]


def snake_name(text: str) -> str:
    """Return a name in small ASCII letters, digits and underscores; empty if the text has none of them."""
    plain = unicodedata.normalize("NFKD", text.translate(_LETTERS)).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", plain)
    plain = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_").lower()
    return re.sub(r"(^|_)e_mail(?=_|$)", r"\1email", plain)


def field_name(physical_name: str, position: int, taken: Collection[str]) -> str:
    """Return a contract name for a column: like its own, unique, starting with a letter, at most 63 characters."""
    plain = re.sub(r"\[0\]|\[[^\[\]=]+=([^\[\]]*)\]", r".\1", physical_name.removeprefix("$."))
    name = snake_name(plain) or f"column_{position}"
    if not name[0].isalpha():
        name = f"column_{name}"
    name = name[:_LONGEST].strip("_")
    unique, number = name, 2
    while unique in taken:
        unique = f"{name[: _LONGEST - 5]}_{number}"
        number += 1
    return unique

"""Tokens that stand for "no value" in a sample, and its columns without them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leadhouse.expectations.sample_table import SampleColumn

_TOKENS = frozenset(
    (
        *(
            "null",
            "none",
            "n/a",
            "na",
            "nan",
            "nil",
            "nat",
            "undefined",
            "<na>",
            "<null>",
            "(null)",
            "(none)",
            "(blank)",
        ),
        *("[null]", "-", "--", "---", "?", ".", "\\n", "#n/a", "#na", "#null!", "#value!", "#ref!", "#div/0!"),
        *("select", "select...", "select…", "please select", "- select -", "-- select --", "--select--", "--none--"),
        *("- none -", "choose...", "choose one", "not set", "(not set)", "no value"),
        *("k.a.", "k.a", "keine", "keine angabe", "bitte wählen", "bitte auswählen"),
    )
)
_PERHAPS = frozenset(
    ("unknown", "not specified", "not provided", "not available", "missing", "unbekannt", "no answer", "tbd")
)
"""Words that may be a category of their own: a lead whose source is unknown may behave unlike others."""


@dataclass(frozen=True)
class Profile:
    """One column of a sample without its null tokens."""

    physical_name: str
    values: Sequence[str | None]
    """One per row, trimmed; None where there is none."""
    distinct: Counter[str]
    kinds: frozenset[str]
    perhaps_null: tuple[str, ...]
    """Values that might mean "no value" but were left."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.values)

    @property
    def filled(self) -> int:
        """Number of rows with a value."""
        return self.distinct.total()

    @property
    def unique(self) -> bool:
        """Whether there are several values and no two are the same."""
        return 1 < self.filled == len(self.distinct)


@dataclass(frozen=True)
class NullToken:
    """A token taken for "no value", with where it was seen."""

    token: str
    count: int
    columns: tuple[str, ...]


def profiles(columns: Sequence[SampleColumn]) -> tuple[tuple[Profile, ...], tuple[NullToken, ...]]:
    """Return each column without its null tokens, and the tokens found, the most frequent first."""
    counts: Counter[str] = Counter()
    seen_in: dict[str, list[str]] = {}
    counted = []
    for column in columns:
        values = [None if value is None else value.strip(" ") for value in column.values]
        distinct = Counter(value for value in values if value)
        counted.append((column, values, distinct))
        for token in _tokens(distinct):
            counts[token] += distinct[token]
            seen_in.setdefault(token, []).append(column.physical_name.strip())
    tokens = tuple(NullToken(token, count, tuple(seen_in[token])) for token, count in counts.most_common())
    found = {token.token for token in tokens}
    return tuple(_profile(column, values, distinct, found) for column, values, distinct in counted), tokens


def _tokens(distinct: Mapping[str, int]) -> list[str]:
    """The column's null tokens. Two-letter codes keep their NA, which is Namibia."""
    found = [value for value in distinct if value.casefold() in _TOKENS]
    others = [value for value in distinct if value.casefold() not in _TOKENS]
    codes = len(others) >= 3 and all(len(value) == 2 and value.isalpha() and value.isupper() for value in others)
    return [value for value in found if not (codes and value == "NA")]


def _profile(column: SampleColumn, values: list[str | None], distinct: Counter[str], tokens: set[str]) -> Profile:
    left = Counter({value: count for value, count in distinct.items() if value not in tokens})
    return Profile(
        physical_name=column.physical_name,
        values=[value if value in left else None for value in values],
        distinct=left,
        kinds=column.kinds,
        perhaps_null=tuple(value for value in left if value.casefold() in _PERHAPS),
    )

"""What type a column's texts have: how they are written, and which of them don't fit."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from leadhouse.expectations.guess_nulls import Profile
from leadhouse.expectations.guess_time import TimeGuess, guess_time
from leadhouse.transforms.values import EPOCH_MILLIS, EPOCH_SECONDS

_ENOUGH = 0.98
"""Share of the values that must fit a type; the rest goes to quarantine."""
_SMALL = 50
"""Below so many values all must fit."""
_BOOLEANS = (
    ({"true"}, {"false"}),
    ({"t"}, {"f"}),
    ({"yes"}, {"no"}),
    ({"y"}, {"n"}),
    ({"1"}, {"0"}),
    ({"on"}, {"off"}),
    ({"ja"}, {"nein"}),
    ({"j"}, {"n"}),
    ({"oui"}, {"non"}),
    ({"si", "sí", "sì"}, {"no"}),
    ({"sim"}, {"não", "nao"}),
    ({"ja"}, {"nee"}),
    ({"ja"}, {"nej"}),
    ({"tak"}, {"nie"}),
    ({"checked"}, {"unchecked"}),
    ({"opted in"}, {"opted out"}),
    ({"subscribed"}, {"unsubscribed"}),
    ({"wahr"}, {"falsch"}),
    ({"vrai"}, {"faux"}),
)
_ONE_SIDED = {"yes", "no", "true", "false", "ja", "nein", "oui", "non"}
_INTEGER = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
_LEADING_ZERO = re.compile(r"[+-]?0\d+")
_COUNTED = re.compile(
    r"(^|_)(count|num|number|nr|no|visits?|views?|score|amount|qty|quantity|total|age|days|hours|minutes|kids?|children|"
    r"dependents|employees|sum|points|rank|level|position|index|year|month|week|cluster|group|class|clicks|opens|sessions)(_|$)"
)
_FLAG = re.compile(
    r"(^|_)(is|has|had|do|does|not|opt|flag|opted|converted|won|active|deleted|churn(ed)?|target|bool|yn|y|accepts?)(_|$)"
)
_SIGN = re.compile(r"[$€£¥₹%]|EUR|USD|GBP|CHF")
_TIME_NAME = re.compile(
    r"(^|_)(time|timestamp|ts|date|datetime|at|on|epoch|created|updated|modified|occurred|sent|received|dt|when|since|start|end|"
    r"started|ended|closed|opened|joined|zeit|zeitpunkt|erstellt|angelegt|geaendert|beginn|ende|seit)(_|$)|time$|date$|stamp$|datum$"
)


@dataclass(frozen=True)
class TypeGuess:
    """A column's type, and what is doubtful about it."""

    logical_type: str
    formats: tuple[str, ...] = ()
    time: TimeGuess | None = None
    true_tokens: tuple[str, ...] = ()
    false_tokens: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Writing:
    """How the whole file writes numbers and dates."""

    decimal_mark: str
    day_first: bool | None
    doubts: tuple[str, ...] = ()


def detect_writing(columns: Sequence[Profile]) -> Writing:
    """Return what the columns together show: a decimal mark, and whether the day comes before the month."""
    comma = point = groups = 0
    order: set[bool] = set()
    for column in columns:
        values = [_unsigned(value) for value in list(column.distinct)[:2000]]
        fits = {mark: sum(bool(_number(mark).fullmatch(value)) for value in values) for mark in ".,"}
        if max(fits.values()) >= 0.9 * max(len(values), 1):
            comma += sum(
                bool(re.fullmatch(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),(\d{1,2}|\d{4,})", value)) for value in values
            )
            point += sum(
                bool(re.fullmatch(r"[+-]?(\d+|\d{1,3}(,\d{3})+)\.(\d{1,2}|\d{4,})", value)) for value in values
            )
            groups += sum(bool(re.fullmatch(r"[+-]?\d{1,3},\d{3}", value)) for value in values)
        guess = guess_time(Counter(column.distinct).items())
        if guess and guess.day_first is not None:
            order.add(guess.day_first)
    doubts = []
    if comma and point:
        doubts.append(
            "decimalMark: some columns write 1,5 and others 1.5; the rarer ones would be quarantined; check them"
        )
    elif groups and not comma and not point:
        doubts.append('decimalMark: values such as 1,234 are read as thousands; if they are decimals, set it to ","')
    if len(order) > 1:
        doubts.append("some date columns are day first and others month first; check the formats of each")
    return Writing("," if comma > point else ".", order.pop() if len(order) == 1 else None, tuple(doubts))


def guess_type(column: Profile, name: str, writing: Writing) -> TypeGuess:
    """Return a column's type. ``name`` is its name in the contract, which decides where values can't."""
    if column.filled == 0:
        return TypeGuess("string", doubts=("never filled in the sample: its type is a guess",))
    if column.kinds == {"boolean"}:
        return TypeGuess("boolean", true_tokens=("true",), false_tokens=("false",))
    tries: tuple[Callable[[], TypeGuess | None], ...] = (
        lambda: _boolean(column, name),
        lambda: _epoch(column, name),
        lambda: _time(column, name, writing),
        lambda: _numeric(column.distinct, column.filled, writing),
        lambda: _signed(column, writing),
    )
    guess = next((found for attempt in tries if (found := attempt())), TypeGuess("string", doubts=_text_doubts(column)))
    if len(column.kinds - {"integer", "number"}) > 1 or (
        column.kinds & {"integer", "number"} and "string" in column.kinds
    ):
        kinds = ", ".join(sorted(column.kinds))
        guess = replace(
            guess, doubts=(*guess.doubts, f"JSON values of several kinds ({kinds}); check what the source means")
        )
    return guess


def _boolean(column: Profile, name: str) -> TypeGuess | None:
    lowered = {value.casefold() for value in column.distinct}
    if len(lowered) > 4:
        return None
    for true, false in _BOOLEANS:
        if not lowered <= true | false:
            continue
        both = bool(lowered & true) and bool(lowered & false)
        if lowered <= {"0", "1"} and not _is_flag(column, name, both):
            return None
        if not both and not lowered <= _ONE_SIDED and not _FLAG.search(name):
            return None
        doubts = () if both else (f"only one value seen ({next(iter(column.distinct))!r}); taken as yes/no",)
        return TypeGuess(
            "boolean",
            true_tokens=tuple(value for value in column.distinct if value.casefold() in true),
            false_tokens=tuple(value for value in column.distinct if value.casefold() in false),
            doubts=doubts,
        )
    return None


def _is_flag(column: Profile, name: str, both: bool) -> bool:
    """Whether a column of 0 and 1 is yes/no rather than a small count."""
    if _FLAG.search(name):
        return True
    return both and column.filled >= 20 and not _COUNTED.search(name)


def _epoch(column: Profile, name: str) -> TypeGuess | None:
    hinted = bool(_TIME_NAME.search(name))
    for form, digits, unit in ((EPOCH_SECONDS, 10, "seconds"), (EPOCH_MILLIS, 13, "milliseconds")):
        pattern = re.compile(rf"[12]\d{{{digits - 1}}}" + (r"(\.\d+)?" if digits == 10 else ""))
        fitting = sum(count for value, count in column.distinct.items() if pattern.fullmatch(value))
        first = min((int(value[:10]) for value in column.distinct if pattern.fullmatch(value)), default=0)
        if fitting >= _ENOUGH * column.filled and first >= 946_684_800 and hinted:
            return TypeGuess("timestamp", (form,), doubts=(f"numbers taken as {unit} since 1970",))
    return None


def _time(column: Profile, name: str, writing: Writing) -> TypeGuess | None:
    guess = guess_time(column.distinct.items(), writing.day_first)
    if guess is None or guess.share < (_ENOUGH if column.filled >= _SMALL else 1.0):
        return None
    doubts = []
    if guess.formats == ("yyyyMMdd",) and not (_TIME_NAME.search(name) or re.search(r"date|dob|birth|day", name)):
        return None
    if guess.ambiguous:
        other = " or ".join(_swapped(form) for form in guess.formats)
        doubts.append(f"day or month first? No value tells; read as {' or '.join(guess.formats)}; it may be {other}")
    elif guess.day_first is None and writing.day_first is not None and any("/" in form for form in guess.formats):
        doubts.append("day or month first was taken from the file's other dates")
    if guess.short_years:
        doubts.append("years of two digits are read as 2000 to 2099")
    if guess.share < 1:
        doubts.append(_misfits(column.filled, guess.share, guess.logical_type))
    return TypeGuess(guess.logical_type, guess.formats, guess, doubts=tuple(doubts))


def _swapped(form: str) -> str:
    return (
        re.sub(r"(d+)([-/.])(M+)\b", r"\3\2\1", form)
        if form.startswith("d")
        else re.sub(r"(M+)([-/.])(d+)", r"\3\2\1", form)
    )


def _numeric(distinct: Mapping[str, int], filled: int, writing: Writing) -> TypeGuess | None:
    if any(_LEADING_ZERO.fullmatch(value) for value in distinct):
        return None  # a postcode, a phone or an id: a number would lose its zeros
    number = _number(writing.decimal_mark)
    for logical_type, fits in (("integer", _INTEGER.fullmatch), ("number", number.fullmatch)):
        fitting = sum(count for value, count in distinct.items() if fits(value))
        share = fitting / filled
        if share >= (_ENOUGH if filled >= _SMALL else 1.0):
            doubts = () if share == 1 else (_misfits(filled, share, logical_type),)
            if logical_type == "integer" and share < 1 and all(map(number.fullmatch, distinct)):
                continue  # a few decimals make it a number
            return TypeGuess(logical_type, doubts=doubts)
    return None


def _signed(column: Profile, writing: Writing) -> TypeGuess | None:
    """Numbers beside a currency or a percent sign."""
    signs = sorted({sign for value in column.distinct for sign in _SIGN.findall(value)})
    plain: Counter[str] = Counter()
    for value, count in column.distinct.items():
        plain[_unsigned(value)] += count
    guess = _numeric(plain, column.filled, writing) if signs else None
    if guess is None:
        return None
    doubt = f"numbers beside {' and '.join(signs)}, which is left out: make sure that all are in the same unit"
    return replace(guess, signs=tuple(signs), doubts=(*guess.doubts, doubt))


def _unsigned(value: str) -> str:
    return re.sub(rf"^([+-]?)\s*(?:{_SIGN.pattern})\s*([+-]?)|\s*(?:{_SIGN.pattern})$", r"\1\2", value)


def _number(mark: str) -> re.Pattern[str]:
    """What transforms/values.py reads as a number, with digits enough for a DECIMAL(38,12)."""
    thousands = r"[,' \u00a0]" if mark == "." else r"[.' \u00a0]"
    escaped = re.escape(mark)
    return re.compile(
        rf"[+-]?(\d{{1,26}}({escaped}\d*)?|{escaped}\d+)([eE][+-]?\d{{1,2}})?|[+-]?\d{{1,3}}({thousands}\d{{3}})+({escaped}\d*)?"
    )


def _misfits(filled: int, share: float, logical_type: str) -> str:
    count = round((1 - share) * filled)
    return f"{count:,} of {filled:,} values are no {logical_type}; they would be quarantined"


def _text_doubts(column: Profile) -> tuple[str, ...]:
    values = list(column.distinct)[:2000]
    clock = sum(bool(re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*,? .*\d{4}.*", value)) for value in values)
    if clock >= 0.8 * len(values):
        return ("dates with a weekday can't be read; export them as yyyy-MM-dd HH:mm:ss",)
    return ()

"""Dates and times in text: which Spark patterns read them, and where day and month can't be told apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_DATES = {
    "ymd": re.compile(r"(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d{1,2})(?P=s)(?P<d>\d{1,2})"),
    "compact": re.compile(r"(?P<y>(?:18|19|20|21)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?!\d)"),
    "ab": re.compile(r"(?P<a>\d{1,2})(?P<s>[-/.])(?P<b>\d{1,2})(?P=s)(?P<y>\d{4}|\d\d)(?!\d)"),
    "dMy": re.compile(r"(?P<d>\d{1,2})(?P<s>[- /])(?P<M>[A-Za-z]{3,9})(?P=s)(?P<y>\d{4}|\d\d)(?!\d)"),
    "Mdy": re.compile(r"(?P<M>[A-Za-z]{3,9}) (?P<d>\d{1,2})(?P<s>,? )(?P<y>\d{4})(?!\d)"),
}
_TIME = re.compile(
    r"(?:(?P<gap>T| |, )(?P<hour>\d{1,2}):\d\d(?P<sec>:\d\d)?(?P<frac>\.\d{1,9})?(?P<half> ?[AaPp][Mm])?"
    r"(?P<zone>Z|[+-]\d\d:\d\d| [+-]\d\d:\d\d|[+-]\d{4}| [+-]\d{4}| UTC| GMT)?)?"
)
_ZONES = {
    "Z": "XXX",
    "+00:00": "XXX",
    " +00:00": " XXX",
    "+0000": "XX",
    " +0000": " XX",
    " UTC": " z",
    " GMT": " z",
    "": "",
}


@dataclass(frozen=True)
class TimeGuess:
    """How a column's dates or times are written."""

    logical_type: str
    """``date`` or ``timestamp``."""
    formats: tuple[str, ...]
    """Spark patterns, the most frequent first; empty: ISO 8601, which needs none."""
    zoned: bool
    """Whether the values carry a time zone."""
    share: float
    """Share of the values that the formats read."""
    ambiguous: bool
    """Whether both day-first and month-first would read the values, and nothing in the file tells which it is."""
    day_first: bool | None
    """What the values themselves show about the order of day and month; None: nothing."""
    short_years: bool
    """Whether years have two digits: Spark reads them as 2000 to 2099."""
    earliest: date | None
    latest: date | None


@dataclass(frozen=True)
class _Read:
    """One value, taken apart. ``parts`` are (day, month, year), or (first, second, year) where the order is open."""

    style: str
    separator: str
    long_year: bool
    month_letters: int
    gap: str
    seconds: bool
    half_day: str
    zone: str
    padded: bool
    fraction: int
    two_digit_hour: bool
    parts: tuple[int, int, int]
    count: int

    @property
    def look(self) -> tuple[object, ...]:
        """What makes a pattern of its own; padding and fractions only widen one."""
        return (self.style, self.separator, self.long_year, self.gap, self.seconds, self.half_day, self.zone)


def guess_time(values: Iterable[tuple[str, int]], day_first_elsewhere: bool | None = None) -> TimeGuess | None:
    """Return how dates or times are written in distinct values with their counts; None where they are neither.

    ``day_first_elsewhere`` is what other columns of the file show; it decides where these values alone can't.
    """
    total = 0
    reads: list[_Read] = []
    for value, count in values:
        total += count
        if read := _read(value.strip(), count):
            reads.append(read)
    if not reads or sum(read.count for read in reads) < 0.8 * total:
        return None
    open_order = [read for read in reads if read.style == "ab"]
    day_first = sum(read.count for read in open_order if read.parts[0] > 12)
    month_first = sum(read.count for read in open_order if read.parts[1] > 12)
    shown = None if day_first == month_first == 0 else day_first >= month_first
    known = shown if shown is not None else day_first_elsewhere
    # What nothing tells about is read day first, as most of the world does; beside AM and PM as the United States do.
    order = known if known is not None else not any(read.half_day for read in open_order)
    dates = [(read.count, _date(read, order)) for read in reads]
    good = [made for _, made in dates if made]
    share = sum(count for count, made in dates if made) / total
    if share < 0.8:
        return None
    return TimeGuess(
        logical_type="timestamp" if any(read.gap for read in reads) else "date",
        formats=_formats(reads, order),
        zoned=all(read.zone for read in reads),
        share=share,
        ambiguous=known is None and any(read.separator != "." for read in open_order),
        day_first=shown,
        short_years=any(not read.long_year for read in reads),
        earliest=min(good),
        latest=max(good),
    )


def _read(value: str, count: int) -> _Read | None:
    for style, pattern in _DATES.items():
        day = pattern.match(value)
        if not day:
            continue
        time = _TIME.fullmatch(value, day.end())
        if not time or (style == "compact" and time["gap"]):
            continue
        found = day.groupdict()
        first, second = found.get("a") or found["d"], found.get("b") or found.get("m") or ""
        month = _month(found["M"]) if "M" in found else int(second)
        if month == 0:
            return None
        zone = time["zone"] or ""
        return _Read(
            style=style,
            separator=found.get("s", ""),
            long_year=len(found["y"]) == 4,
            month_letters=len(found.get("M") or ""),
            gap=time["gap"] or "",
            seconds=bool(time["sec"]),
            half_day=(time["half"] or "").upper().replace("P", "A"),
            zone=re.sub(r"\d", "0", zone).replace("-", "+") if zone[:1] != "Z" else "+00:00",
            padded=all(len(part) != 1 for part in (first, second)),
            fraction=len(time["frac"] or ".") - 1,
            two_digit_hour=len(time["hour"] or "00") == 2,
            parts=(int(first), month, int(found["y"]) + (0 if len(found["y"]) == 4 else 2000)),
            count=count,
        )
    return None


def _month(name: str) -> int:
    short, long = name.lower()[:3], name.lower()
    return _MONTHS.index(short) + 1 if long in _MONTHS or long in _LONG_MONTHS else 0


def _date(read: _Read, day_first: bool) -> date | None:
    first, second, year = read.parts
    day, month = (first, second) if day_first or read.style != "ab" else (second, first)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _formats(reads: Sequence[_Read], day_first: bool) -> tuple[str, ...]:
    """Return one pattern per look, the most frequent first; none where ISO 8601 reads all."""
    looks: dict[tuple[object, ...], list[_Read]] = {}
    for read in reads:
        looks.setdefault(read.look, []).append(read)
    if all(_is_iso(read) for read in reads):
        return ()
    ordered = sorted(looks.values(), key=lambda alike: -sum(read.count for read in alike))
    return tuple(dict.fromkeys(_pattern(alike, day_first) for alike in ordered))[:6]


def _is_iso(read: _Read) -> bool:
    written = read.style == "ymd" and read.separator == "-" and read.padded and read.gap in ("", "T", " ")
    return written and not read.half_day and (read.seconds or not read.gap) and read.zone in ("", "+00:00")


def _pattern(alike: Sequence[_Read], day_first: bool) -> str:
    read = alike[0]
    padded = all(other.padded for other in alike)
    day, month = ("dd", "MM") if padded else ("d", "M")
    year = "yyyy" if read.long_year else "yy"
    name = "MMMM" if any(other.month_letters > 3 for other in alike) else "MMM"
    gap = read.separator
    date_part = {
        "ymd": gap.join((year, month, day)),
        "compact": "yyyyMMdd",
        "ab": gap.join((day, month, year) if day_first else (month, day, year)),
        "dMy": gap.join((day, name, year)),
        "Mdy": f"{name} {day}{gap}{year}",
    }[read.style]
    if not read.gap:
        return date_part
    hour = ("h" if read.half_day else "H") * (2 if all(other.two_digit_hour for other in alike) else 1)
    fractions = [other.fraction for other in alike]
    fraction = f".{'S' * max(*fractions, 3)}" if max(fractions) else ""
    if fraction and min(fractions) == 0:
        fraction = f"[{fraction}]"
    half = read.half_day.replace("AM", "a")
    between = "'T'" if read.gap == "T" else read.gap
    return f"{date_part}{between}{hour}:mm{':ss' if read.seconds else ''}{fraction}{half}{_ZONES[read.zone]}"

"""Where the records of a file begin and end in its bytes: one numpy pass, the same for any way of cutting the file.

CSV records end where Python's csv module ends them: at a newline outside quotes, where a quote opens a field only at
the field's start, doubled quotes are text, and a quote anywhere else means nothing. JSON lines end at every newline.
Where a record ends depends on nothing but the bytes from its start on, so a file may be read in any chunks, and a range
of it that begins and ends with a record may be split alone.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from leadhouse.transforms.splitting import Splitting

_WINDOW = 1 << 20
"""Code units looked at together: so many that the arrays over them stay in the processor's cache."""


def split(data: bytes, splitting: Splitting) -> tuple[NDArray[np.int64], pa.BinaryArray]:
    """Return where each record begins in ``data``, and its bytes without the line end; blank lines are no records.

    ``data`` begins with a record and ends with one, though the last may lack its line end.
    """
    starts, stops, ends = record_bounds(data, splitting, final=True)
    # Contents and line ends in turn share one buffer; taking every other one copies only what is kept.
    offsets = np.zeros(2 * len(ends) + 1, dtype=np.int32)
    offsets[1::2], offsets[2::2] = stops, ends
    both = pa.Array.from_buffers(pa.binary(), 2 * len(ends), [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    kept = np.flatnonzero(stops > starts)
    return starts[kept], both.take(pa.array(2 * kept))


def record_bounds(
    data: bytes, splitting: Splitting, *, final: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return per line or record, blank ones too: first byte, byte after its content, byte after its line end."""
    ends = record_ends(data, splitting, final=final)
    starts = np.concatenate([[0], ends[:-1]]).astype(np.int64)[: len(ends)]
    unit = splitting.unit
    units = _units(data, unit)
    if not len(units):
        return starts, ends, ends
    ends_in_newline = (units[ends // unit - 1] == _code(splitting.newline)) & (ends % unit == 0)
    stops = np.where(ends_in_newline, ends - unit, ends)
    # A carriage return at the very end may be half of a line end whose newline is still to come.
    may_strip = (stops > starts) & (stops % unit == 0) & (ends_in_newline | (ends - starts < splitting.longest_line))
    before = np.maximum(stops // unit - 1, 0)
    stops = np.where(may_strip & (units[before] == _code(splitting.carriage_return)), stops - unit, stops)
    return starts, stops, ends


def record_ends(data: bytes, splitting: Splitting, *, final: bool) -> NDArray[np.int64]:
    """Return the byte after each record of ``data``, its line end included; ``data`` begins with a record.

    ``final`` says that nothing follows: then the last record ends with the data, and a quote that is still open is a
    stray one. Otherwise what follows the last end is a record whose end is not in ``data``.
    """
    units = _units(data, splitting.unit)
    ends = [np.zeros(0, dtype=np.int64)]
    start, window = 0, _WINDOW
    while start < len(units):
        stop = min(start + window, len(units))
        is_last = stop == len(units)
        found, was_cut = _Lines(units[start:stop], splitting).ends(final and is_last)
        if is_last and not was_cut:
            ends.append(found + start)
            break
        window = _WINDOW if len(found) else 2 * window
        ends.append(found + start)
        start = int(ends[-1][-1]) if len(found) else start
    result = np.concatenate(ends) * splitting.unit
    if final and len(data) > (result[-1] if len(result) else 0):
        result = np.append(result, len(data))
    return result.astype(np.int64)


class _Lines:
    """The lines of some code units, and which of their ends lie inside quotes."""

    def __init__(self, units: NDArray[np.unsignedinteger], splitting: Splitting) -> None:
        self._size = len(units)
        self._limit = splitting.max_record_bytes // splitting.unit
        self._longest = splitting.longest_line // splitting.unit
        self._after = np.flatnonzero(units == _code(splitting.newline)) + 1
        """The unit after each newline."""
        quotes = np.flatnonzero(units == _code(splitting.quote)) if splitting.quote else np.zeros(0, dtype=np.int64)
        if len(quotes):
            self._find_quoted(units, quotes, splitting)
        else:
            self._outside = self._after
            self._outside_line = np.arange(len(self._after))

    def _find_quoted(self, units: NDArray[np.unsignedinteger], quotes: NDArray[np.int64], splitting: Splitting) -> None:
        """Find the newlines outside quotes.

        A run of adjacent quotes does one of three things. Even: nothing. Odd, at a field's start: it opens if outside
        and closes if inside. Odd, elsewhere: it closes if inside and means nothing outside. So the state after a run
        is the parity of the toggles since the last run of the third kind, which always leaves the state outside.
        """
        new = np.concatenate([[True], np.diff(quotes) != 1])
        runs = quotes[new]
        odd = np.diff(np.append(np.flatnonzero(new), len(quotes))) % 2 == 1
        at_start = _at_field_start(units, runs, splitting)
        self._toggles = np.cumsum(odd & at_start)
        self._resets = runs[odd & ~at_start]
        self._since = np.maximum.accumulate(np.where(odd & ~at_start, self._toggles, 0))
        inside = (self._toggles - self._since) % 2 == 1
        before = np.searchsorted(runs, self._after)
        self._outside_line = np.flatnonzero(~np.concatenate([[False], inside])[before])
        self._outside = self._after[self._outside_line]
        self._runs = runs
        parity = np.concatenate([[0], self._toggles])[before] % 2
        self._after_by_parity = (self._after[parity == 0], self._after[parity == 1])

    def ends(self, final: bool) -> tuple[NDArray[np.int64], bool]:
        """Return the unit after each record, and whether the last one was cut from a line that is too long."""
        lengths = np.diff(self._outside, prepend=0)
        lines = np.diff(self._outside_line, prepend=-1)
        doubtful = np.flatnonzero((lengths > self._longest) | ((lines > 1) & (lengths > self._limit)))
        kept: list[NDArray[np.int64]] = []
        record, start = 0, 0
        while True:
            at = np.searchsorted(doubtful, record)
            until = int(doubtful[at]) if at < len(doubtful) else len(self._outside)
            kept.append(self._outside[record:until])
            start = int(self._outside[until - 1]) if until > record else start
            walked, record, state = self._walk(start, final)
            kept.append(np.array(walked, dtype=np.int64))
            if state != "rejoined":
                return np.concatenate(kept), state == "cut"
            start = walked[-1]

    def _walk(self, start: int, final: bool) -> tuple[list[int], int, str]:
        """Go on record by record from ``start``, until an end is one of ``_outside``: from there on both agree."""
        found: list[int] = []
        while start < self._size:
            line = int(np.searchsorted(self._after, start, side="right"))
            first = int(self._after[line]) if line < len(self._after) else None
            if (first if first is not None else self._size) - start > self._longest:
                return [*found, start + self._longest], 0, "cut"
            end = self._end_from(start)
            is_stray = (end or self._size) - start > self._limit
            if is_stray or (final and end is None and self._is_open(start)):
                end = first
            if end is None:
                break
            found.append(end)
            start = end
            at = int(np.searchsorted(self._outside, end))
            if at < len(self._outside) and self._outside[at] == end:
                return found, at + 1, "rejoined"
        return found, len(self._outside), "done"

    def _end_from(self, start: int) -> int | None:
        """Return the unit after the first newline outside quotes, for a record that begins at ``start``, or None."""
        if self._outside is self._after:
            return _first_above(self._after, start)
        run = int(np.searchsorted(self._runs, start))
        toggled = int(self._toggles[run - 1]) % 2 if run else 0
        reset = int(np.searchsorted(self._resets, start))
        until = int(self._resets[reset]) if reset < len(self._resets) else self._size
        end = _first_above(self._after_by_parity[toggled], start)
        if end is not None and end <= until:
            return end
        return _first_above(self._outside, until)

    def _is_open(self, start: int) -> bool:
        """Whether a quote is open after the last unit, if a record begins at ``start``."""
        if self._outside is self._after:
            return False
        run = int(np.searchsorted(self._runs, start))
        toggled = int(self._toggles[run - 1]) if run else 0
        since = int(self._since[-1]) if len(self._resets) and self._resets[-1] >= start else toggled
        return (int(self._toggles[-1]) - since) % 2 == 1


def _at_field_start(
    units: NDArray[np.unsignedinteger], positions: NDArray[np.int64], splitting: Splitting
) -> NDArray[np.bool_]:
    """Whether each position follows a separator, a newline or nothing at all."""
    before = units[np.maximum(positions - 1, 0)]
    separator = _units(splitting.separator, splitting.unit)
    follows = positions >= len(separator)
    for back, code in enumerate(reversed(separator), start=1):
        follows &= units[np.maximum(positions - back, 0)] == code
    return np.asarray((positions == 0) | (before == _code(splitting.newline)) | follows)


def _first_above(values: NDArray[np.int64], bound: int) -> int | None:
    at = int(np.searchsorted(values, bound, side="right"))
    return int(values[at]) if at < len(values) else None


def _units(data: bytes, unit: int) -> NDArray[np.unsignedinteger]:
    """View bytes as code units, little-endian whatever the encoding: the marks to compare with are read alike."""
    return np.frombuffer(data, dtype=f"<u{unit}", count=len(data) // unit)


def _code(mark: bytes) -> int:
    return int.from_bytes(mark, "little")

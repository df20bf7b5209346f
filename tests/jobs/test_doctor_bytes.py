"""Whatever happens to a landed file, its ranges and records are sound; without one of them they are not."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from leadhouse.expectations.contract import Shape
from leadhouse.jobs.runtime.finding import WRONG, Finding
from leadhouse.jobs.runtime.ranges import FileRange, Known
from leadhouse.jobs.soundness.byte_ranges import walk_file
from leadhouse.jobs.soundness.positions import Spans, compare
from leadhouse.transforms.records import split
from tests.jobs.test_scan import scan

KEY = ("acme", "leads", "leads.csv")
CSV_PIECES = ("id,name\n", "1,a\n", "2", ",b", "\n", '"3\n3",c\r\n', "\r\n\r\n", '4,"', '"\n')
JSON_PIECES = ('{"a": 1}\n', '{"b"', ": 2}", "\n", "\r\n", "\n\n\n")

Row = dict[str, Any]


class _File:
    """A landed file that is listed and taken again and again."""

    def __init__(self, path: Path, shape: Shape) -> None:
        self.path = path
        self.shape = shape
        self.rows: list[Row] = []
        self.spans: dict[tuple[Any, ...], Spans] = {}
        self._newest: FileRange | None = None
        self._listings = 0

    def look(self, text: str, *, quiet: bool) -> None:
        """List what is new in the file with this text, and take it."""
        known = Known(self._newest) if self._newest else None
        content = text.encode(self.shape.encoding)
        found = scan(self.path, content, known, quiet=quiet, shape=self.shape, range_bytes=10)
        self._listings += 1
        for entry in found.ranges:
            self.rows.append(entry.row() | {"lost": False, "listing": self._listings})
            starts, raw = split(content[entry.from_byte : entry.to_byte], entry.splitting)
            begins = starts + entry.from_byte
            lengths = np.array([len(record.as_py()) for record in raw], dtype=np.int64)
            key = (*KEY, entry.file_version)
            before = self.spans.get(key, np.zeros((0, 2), dtype=np.int64))
            self.spans[key] = np.concatenate([before, np.stack([begins, begins + lengths], axis=1)])
        if found.ranges:
            self._newest = found.ranges[-1]

    def wrong(self, rows: list[Row], spans: dict[tuple[Any, ...], Spans], *missing: tuple[str, str]) -> list[Finding]:
        """What is wrong with these rows and records."""
        versions, findings = walk_file(KEY, rows) if rows else ([], [])
        found = {key: part for key, part in spans.items() if len(part)}
        findings = [*findings, *compare({v.key: v for v in versions}, found, missing=missing, expired=())]
        return [entry for entry in findings if entry.severity == WRONG]


def _texts(header: str, pieces: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    """Texts that a file has one after another: each goes on, begins anew or is cut."""
    more = st.lists(st.sampled_from(pieces), max_size=6).map("".join)
    change = st.tuples(st.sampled_from(("grow", "grow", "grow", "anew", "cut")), more)

    def told(changes: list[tuple[str, str]]) -> list[str]:
        texts, text = [], header
        for kind, part in changes:
            text = text + part if kind == "grow" else header + part if kind == "anew" else text[: len(text) // 2]
            texts.append(text)
        return texts

    return st.lists(change, min_size=1, max_size=5).map(told)


_SHAPES = st.sampled_from(
    [
        (Shape("csv"), "id,name\n", CSV_PIECES),
        (Shape("csv", encoding="utf-16-le"), "\nid,name\r\n", CSV_PIECES),
        (Shape("json"), "", JSON_PIECES),
    ]
)


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_what_landing_lists_and_takes_is_sound_and_nothing_of_it_may_be_missing(data: st.DataObject) -> None:
    shape, header, pieces = data.draw(_SHAPES)
    with tempfile.TemporaryDirectory() as folder:
        file = _File(Path(folder) / "leads.csv", shape)
        for text in data.draw(_texts(header, pieces)):
            file.look(text, quiet=data.draw(st.booleans()))
    assert file.wrong(file.rows, file.spans) == []
    taken = [row for row in file.rows if _inside(file, row).any()]
    if taken:
        row = data.draw(st.sampled_from(taken))
        assert file.wrong([other for other in file.rows if other is not row], file.spans)
        key, inside = (*KEY, row["file_version"]), np.flatnonzero(_inside(file, row))
        twice = np.concatenate([file.spans[key], file.spans[key][inside[:1]]])
        assert file.wrong(file.rows, file.spans | {key: twice})
        if len(inside) > 1:  # the ledger misses the only one, and the last one if it is a single sign without an end
            without = np.delete(file.spans[key], inside[0], axis=0)
            assert file.wrong(file.rows, file.spans | {key: without}, KEY[:2])


def _inside(file: _File, row: Row) -> NDArray[np.bool_]:
    """Which records of the row's version of the file lie in its range."""
    begins = file.spans.get((*KEY, row["file_version"]), np.zeros((0, 2), dtype=np.int64))[:, 0]
    inside: NDArray[np.bool_] = (begins >= row["from_byte"]) & (begins < row["to_byte"])
    return inside

"""A sample of a source's data, read far enough to guess its contract from."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from leadhouse.conf.errors import InputError
from leadhouse.expectations.sample_csv import read_csv
from leadhouse.expectations.sample_json import read_json
from leadhouse.expectations.sample_table import Table

MAX_BYTES = 16_000_000
"""How much of a sample is looked at: enough for some ten thousand records, little enough for a second or two."""

_NO_TEXT = {
    b"PK\x03\x04": "an Excel or ZIP file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"\x1f\x8b": "a gzip file",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"Obj\x01": "an Avro file",
    b"BZh": "a bzip2 file",
    b"\xfd7zX": "an xz file",
    b"(\xb5/\xfd": "a Zstandard file",
}
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True)
class Sample:
    """A sample file as it was found."""

    path: Path
    encoding: str
    table: Table
    doubts: tuple[str, ...]
    """Doubts about the file as a whole, the table's own included."""


def read_sample(path: Path) -> Sample:
    """Read the beginning of a CSV or JSON-lines file, whatever its encoding, separator and quote.

    Raises InputError where it is no such file (missing, empty, Excel, compressed, without a header), saying what to do.
    """
    content, complete = _beginning(path)
    encoding, doubts = detect_encoding(content, path.name)
    text = _decoded(content, encoding, complete)
    if not text.strip():
        raise InputError(f"{path}: expected a sample with records; the file is empty; take one with some hundred rows")
    if sum(char < " " and char not in "\t\r\n\f" for char in text[:4096]) > 0.01 * len(text[:4096]):
        raise InputError(f"{path}: expected text (CSV or JSON lines); got binary data; export it as CSV in UTF-8")
    if "\n" not in text and "\r" in text:
        raise InputError(f"{path}: expected lines that end with LF or CRLF; got bare CR; export it with Unix line ends")
    is_json = text.lstrip()[0] in "{["
    table = read_json(text, path.name, complete) if is_json else read_csv(text, path.name, complete)
    return Sample(path, encoding, table, (*doubts, *table.doubts))


def detect_encoding(content: bytes, file: str) -> tuple[str, tuple[str, ...]]:
    """Return an encoding (utf-8, utf-16-le, utf-16-be or windows-1252) and the doubts about it.

    UTF-8 is taken wherever it fits, since other encodings' bytes seldom form it by chance.
    """
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name, ()
    head = content[:4096]
    if head[1::2].count(0) > len(head) / 5 and head[0::2].count(0) < len(head) / 50:
        return "utf-16-le", (f"encoding: {file} looks like UTF-16 without a mark; check the names and umlauts",)
    if head[0::2].count(0) > len(head) / 5 and head[1::2].count(0) < len(head) / 50:
        return "utf-16-be", (f"encoding: {file} looks like UTF-16 without a mark; check the names and umlauts",)
    broken = _broken_utf8(content)
    if broken == 0:
        return "utf-8", ()
    multibyte = len(re.findall(rb"[\xc3-\xf4][\x80-\xbf]+", content))
    if multibyte > 4 * broken:
        return "utf-8", (
            f"encoding: UTF-8 fits, but {broken} places hold other bytes; those records would be quarantined",
        )
    return "windows-1252", ("encoding: not UTF-8, taken as windows-1252 (Western Europe); check names with accents",)


def _beginning(path: Path) -> tuple[bytes, bool]:
    if path.is_dir():
        raise InputError(f"{path}: expected a sample file; got a folder; name one file in it")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as problem:
        raise InputError(f"{path}: expected a sample file; {problem.strerror}; check the path") from problem
    for magic, what in _NO_TEXT.items():
        if content.startswith(magic):
            raise InputError(f"{path}: expected text (CSV or JSON lines); got {what}; unpack it or export it as CSV")
    return content[:MAX_BYTES], len(content) <= MAX_BYTES


def _broken_utf8(content: bytes) -> int:
    """Count places that are no UTF-8; a character cut off at the very end doesn't count."""
    decoded = codecs.getincrementaldecoder("utf-8")("replace").decode(content)
    return decoded.count("\ufffd") - content.count("\ufffd".encode())


def _decoded(content: bytes, encoding: str, complete: bool) -> str:
    text = codecs.getincrementaldecoder(encoding)("replace").decode(content)
    text = text.removeprefix("\ufeff")
    if not complete:
        text = text[: text.rfind("\n") + 1]
    return text

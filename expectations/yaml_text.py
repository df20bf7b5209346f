"""YAML written line by line, so that it can carry comments: scalars quoted where needed, comments wrapped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./]*(?:[ -][A-Za-z0-9_./]+)*")
_RESERVED = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n", "nan", "inf"))
_WIDTH = 118


@dataclass
class YamlText:
    """The lines of a YAML file in the making."""

    lines: list[str] = field(default_factory=list)

    def add(self, depth: int, line: str) -> None:
        """Add a line, indented by two blanks for each level of depth."""
        self.lines.append("  " * depth + line)

    def comment(self, depth: int, text: str, mark: str = "") -> None:
        """Add a comment, wrapped; what came from data can neither end it nor hide in it."""
        words = f"{mark}{_visible(text)}".split(" ")
        room = _WIDTH - 2 * depth - 2
        line = ""
        for word in words:
            if line and len(line) + 1 + len(word) > room:
                self.add(depth, f"# {line}")
                line = f"  {word}"
            else:
                line = f"{line} {word}" if line else word
        self.add(depth, f"# {line}")

    def doubt(self, depth: int, text: str) -> None:
        """Add a comment that marks a doubt."""
        self.comment(depth, text, "DOUBT: ")


def scalar(value: object) -> str:
    """Return a value as YAML on one line, quoted where YAML would read it as something else."""
    if not isinstance(value, str):
        return json.dumps(value)
    if _PLAIN.fullmatch(value) and value.casefold() not in _RESERVED:
        return value
    escaped = "".join(_escape(char) for char in value)
    return f'"{escaped}"'


def _escape(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def flow_list(values: Iterable[str]) -> str:
    """Return values as a YAML list on one line."""
    return "[" + ", ".join(scalar(value) for value in values) + "]"

"""The page of the docs that the bench writes, a section for each part: measuring one leaves the others as they are."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rich.table import Table

_HEAD = """\
# Performance

Each section is what one run of `python -m leadhouse.bench PART --write docs/performance.md` printed, and is written by
that command itself. `make bench` runs all parts but memory, which takes hours.
"""
_PACKAGES = ("pyspark", "delta-spark", "xgboost", "great-expectations", "polars", "deltalake", "pyarrow", "numpy")
_MARK = "\n## "


def write_section(
    path: Path, title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], told: Sequence[str], method: str
) -> None:
    """Write a section: the table, what is told beside it, and how it was measured; the other sections stay."""
    lines = [headers, ("---", *["---:"] * (len(headers) - 1)), *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    facts = "\n".join(f"- {fact}" for fact in told)
    sections = _sections(path)
    sections[title] = f"{table}\n\n{facts}\n\n{method.strip()}\n"
    text = _HEAD + "".join(f"{_MARK}{name}\n\n{body}" for name, body in sections.items())
    path.write_text(text, encoding="utf-8")


def printed(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a section's table for the terminal."""
    made = Table(title=title, title_justify="left")
    for number, header in enumerate(headers):
        made.add_column(header, justify="left" if number == 0 else "right")
    for row in rows:
        made.add_row(*row)
    return made


def circumstances() -> list[str]:
    """Return on which machine and with which versions something was measured."""
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return [
        f"Machine: {os.cpu_count()} cores ({_processor()}), {_memory():.0f} GiB.",
        f"Versions: commit {_commit()}, Python {platform.python_version()}, {versions}.",
    ]


def _sections(path: Path) -> dict[str, str]:
    """The page's sections, title → text."""
    if not path.is_file():
        return {}
    _, *parts = path.read_text(encoding="utf-8").split(_MARK)
    split = [part.split("\n\n", 1) for part in parts]
    return {title.strip(): body.rstrip("\n") + "\n" for title, body in split}


def _commit() -> str:
    """The checkout's commit; ``+`` behind it if files differ from it."""
    try:
        folder = Path(__file__).parent
        head = _git(folder, "rev-parse", "--short", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}+" if changed else head


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def _processor() -> str:
    found = Path("/proc/cpuinfo")
    lines = found.read_text().splitlines() if found.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30

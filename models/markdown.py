"""Markdown from names and values that come from data."""

from __future__ import annotations

from collections.abc import Iterable


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Return the lines of a table; every row has as many cells as the head."""
    lines = [head, tuple("---" for _ in head), *rows]
    return [f"| {' | '.join(text(cell) for cell in line)} |" for line in lines]


def text(value: str) -> str:
    """Return a text that ends no cell and starts no tag."""
    return " ".join(value.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def figure(value: float) -> str:
    """Return a figure with three digits after the point."""
    return f"{value:.3f}"


def between(low: float, high: float) -> str:
    """Return a range of figures."""
    return f"{figure(low)} to {figure(high)}"


def many(count: int, thing: str) -> str:
    """Return a count of things: ``1 lead``, ``2,000 leads``."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"

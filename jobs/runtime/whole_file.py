"""A file that is there as a whole or not at all, wherever its writer is killed."""

from __future__ import annotations

from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, or replace it, in one step."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(path)

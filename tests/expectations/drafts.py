"""Samples to draft contracts from, and the drafts read back as contracts."""

from __future__ import annotations

from pathlib import Path

from leadhouse.expectations.contract import Contract, Field
from leadhouse.expectations.draft import Draft, draft_contract
from leadhouse.expectations.odcs import parse_contract


def drafted(path: Path) -> tuple[Draft, Contract]:
    draft = draft_contract(path)
    return draft, parse_contract(draft.text.encode(), "draft.odcs.yaml", "acme")


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def field(contract: Contract, name: str) -> Field:
    return next(entry for entry in contract.fields if entry.name == name)


def doubts_about(draft: Draft, name: str) -> str:
    return " ".join(doubt for doubt in draft.doubts if doubt.startswith(f"{name}: "))


def rows(header: str, *lines: str) -> str:
    return "\n".join((header, *lines)) + "\n"

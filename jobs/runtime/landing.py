"""The landing folder: which files lie there, and which contract each one belongs to."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from leadhouse.conf.errors import InputError
from leadhouse.expectations.contract import Contract
from leadhouse.transforms.splitting import shape_problem

UNFINISHED = (".partial", ".part", ".tmp", ".filepart", ".crdownload", "~")
"""Endings that programs give to files that they are still writing."""
_NAMED = 10
"""How many file names a note spells out."""


@dataclass(frozen=True)
class LandedFile:
    """One file of a source."""

    contract: Contract
    path: str
    """Below the landing folder, with ``/``."""


@dataclass(frozen=True)
class Landed:
    """What lies in a landing folder."""

    files: tuple[LandedFile, ...]
    """Sorted by path."""
    notes: tuple[str, ...]
    """Lines for the person at the terminal: files that nothing will take."""


def landed_files(landing: Path, contracts: Sequence[Contract]) -> Landed:
    """Find the files of the contracts that land in a folder.

    Hidden files and those with an ending of UNFINISHED are left alone; links are followed only to files inside the
    folder. Raises InputError with every problem: no such folder, a contract whose files can't be found or cut into
    records, a file that belongs to two contracts.
    """
    local = [contract for contract in contracts if contract.location.kind == "local"]
    problems = [f"{contract.file}: {problem}" for contract in local if (problem := _contract_problem(contract))]
    if not landing.is_dir():
        problems.append(
            f"landing: expected a folder at {landing}; there is none; create it or choose another --landing"
        )
    if problems:
        raise InputError(problems)
    patterns = [(contract, glob_pattern(contract.location.path)) for contract in local]
    files: list[LandedFile] = []
    unmatched: list[str] = []
    unusable: list[str] = []
    for path, usable in _walk(landing):
        owners = [contract for contract, pattern in patterns if pattern.fullmatch(path)]
        if len(owners) > 1:
            names = ", ".join(f"{owner.file} ({owner.location.path})" for owner in owners)
            problems.append(f"{printable(path)}: expected a file of one contract; {names} match it; narrow their paths")
        elif not owners:
            unmatched.append(path)
        elif not usable:
            unusable.append(path)
        else:
            files.append(LandedFile(owners[0], path))
    if problems:
        raise InputError(problems)
    notes = (
        _note("files that match no contract", unmatched),
        _note("not taken, since they are links out of the folder or no regular files", unusable),
    )
    return Landed(tuple(sorted(files, key=lambda file: file.path)), tuple(note for note in notes if note))


def glob_pattern(glob: str) -> re.Pattern[str]:
    """Return a glob as a regular expression for whole paths: ``*`` and ``?`` don't cross ``/``, ``**/`` does."""
    tokens = re.findall(r"\*\*/|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", glob, flags=re.DOTALL)
    return re.compile("".join(_expression(token) for token in tokens), flags=re.DOTALL)


def printable(path: str) -> str:
    """Return a path as it can be shown: escaped if it holds control characters or bytes that aren't UTF-8."""
    return path if path.isprintable() else ascii(path)


def _expression(token: str) -> str:
    fixed = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in fixed:
        return fixed[token]
    if len(token) > 1:
        negated = token[1] == "!"
        inner = re.sub(r"[\\\[\]^&~|]", r"\\\g<0>", token[2:-1] if negated else token[1:-1])
        return f"(?!/)[{'^' if negated else ''}{inner}]"
    return re.escape(token)


def _contract_problem(contract: Contract) -> str | None:
    path = PurePosixPath(contract.location.path)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        return f"path: expected a glob below the landing folder, such as 'crm/*.csv'; got {contract.location.path!r}"
    shape = contract.shape
    return shape_problem(format=shape.format, separator=shape.separator, quote=shape.quote, encoding=shape.encoding)


def _walk(landing: Path) -> Iterator[tuple[str, bool]]:
    """Yield the path of each file that isn't hidden or unfinished, and whether it can be taken."""
    root = landing.resolve()
    for folder, folders, names in os.walk(root, followlinks=False):
        here = Path(folder)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        # A link to a folder is not walked into; it is named like a file that can't be taken.
        names += [name for name in folders if (here / name).is_symlink()]
        for name in sorted(names):
            if not name.startswith(".") and not name.endswith(UNFINISHED):
                path = here / name
                yield path.relative_to(root).as_posix(), _is_usable(path, root)


def _is_usable(path: Path, root: Path) -> bool:
    """Whether a path is a regular file inside the folder, with a name that a table can hold."""
    try:
        path.name.encode()
        path.relative_to(root).as_posix().encode()
        mode = path.stat().st_mode
    except (OSError, UnicodeEncodeError):
        return False
    return stat.S_ISREG(mode) and (not path.is_symlink() or path.resolve().is_relative_to(root))


def _note(what: str, paths: Sequence[str]) -> str | None:
    if not paths:
        return None
    named = ", ".join(printable(path) for path in paths[:_NAMED])
    return f"{what}: {named}" + (f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else "")

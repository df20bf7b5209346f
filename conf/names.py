"""Names that a user gives to tenants, sources and lists: they become table values, file names and metric labels."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def name_problem(name: object, what: str) -> str | None:
    """Return what is wrong with a name, or None.

    A name starts with a letter or digit and holds letters, digits, ``_``, ``-`` and ``.``, at most 63 in all. So it can
    neither leave its folder (``../x``, ``/x``), nor hide in a terminal (control characters), nor be empty.
    """
    if isinstance(name, str) and _NAME.fullmatch(name) and ".." not in name:
        return None
    return (
        f"{what}: expected a name of 1 to 63 letters, digits, '_', '-' or '.', starting with a letter or digit; "
        f"got {name!r}; rename it"
    )

"""Write ``docs/tables.md`` from the tables' contracts; ``--release`` also notes what readers may now rely on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from leadhouse.conf.errors import InputError, LeadhouseError
from leadhouse.expectations.table_changes import problems, read_released, released_form, write_released
from leadhouse.expectations.tables import Column, TableSpec, table_specs
from leadhouse.jobs.runtime.views import VIEWS

PAGE = "tables.md"
RELEASED = "tables.released.json"
_STORAGE = {
    "append": "append-only",
    "derived": "derived: can be computed again",
    "record": "a record: cannot be computed again",
}


def tables_page() -> str:
    """Return the page: every table with its meaning, owner and columns, then the views."""
    specs = table_specs().values()
    contents = [f"- [{spec.name}](#{_anchor(spec.name)}): {spec.purpose}" for spec in specs]
    views = [f"- `{view.name}` over `{'`, `'.join(view.over)}`: {view.purpose}" for view in VIEWS.values()]
    parts = [
        "# The lake's tables",
        "This page is made from the contracts in `expectations/table_contracts` "
        "by `python -m leadhouse.jobs.tables_page`. The same text is in the Delta comments and in `leadhouse tables`. "
        "Columns marked *confidential* hold personal data.",
        "\n".join(contents),
        *[_section(spec) for spec in specs],
        "## Views",
        "`leadhouse sql` knows these beside the tables; their SQL is in `jobs/runtime/views.py`.",
        "\n".join(views),
    ]
    return "\n\n".join(parts) + "\n"


def _section(spec: TableSpec) -> str:
    head = f"## {spec.name}\n\n{spec.purpose} {spec.grain}\n\n"
    facts = f"Owner: {spec.owner}. Contract version {spec.version}. Storage: {_STORAGE[spec.storage]}.\n\n"
    rows = ["| column | type | null | key | class | meaning | from |", "|---|---|---|---|---|---|---|"]
    return head + facts + "\n".join([*rows, *[_row(column) for column in spec.columns]])


def _row(column: Column) -> str:
    cells = (
        f"`{column.name}`",
        f"`{column.sql_type}`",
        "" if column.required else "yes",
        str(column.key_position or ""),
        f"*{column.classification}*" if column.classification else "",
        column.description.replace("|", "\\|"),
        ", ".join(f"`{source}`" for source in column.sources),
    )
    return f"| {' | '.join(cells)} |"


def _anchor(name: str) -> str:
    return name.replace(".", "")


def write_page(docs: Path) -> None:
    """Write the page into the docs folder."""
    (docs / PAGE).write_text(tables_page(), encoding="utf-8")


def release(docs: Path) -> None:
    """Note the present contracts as released. Raises InputError if a change needs a higher version first."""
    path = docs / RELEASED
    present = released_form(table_specs())
    if path.is_file():
        found = problems(read_released(path.read_text(encoding="utf-8")), present)
        if found:
            raise InputError(found)
    path.write_text(write_released(present), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page; with ``--release`` note the contracts as released too. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m leadhouse.jobs.tables_page", description=__doc__)
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="folder of the documentation")
    parser.add_argument("--release", action="store_true", help="also note what readers may now rely on")
    options = parser.parse_args(argv)
    try:
        if not options.docs.is_dir():
            raise InputError(f"--docs: expected a folder at {options.docs}; there is none; run it from the repository")
        if options.release:
            release(options.docs)
        write_page(options.docs)
    except LeadhouseError as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

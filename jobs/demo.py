"""``leadhouse demo``: a made-up company's data, taken through the public commands, and what came out of it.

This file and ``jobs/company`` are the only ones that know the demo. What happens in between is ``leadhouse run`` on a
landing folder and the workspace ``conf/demo``, as anybody would call it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from rich.console import Console
from rich.text import Text

from leadhouse.conf.errors import InputError
from leadhouse.conf.workspace import shipped_workspace
from leadhouse.jobs.company.company import LANDING, Manifest, make_company, read_manifest
from leadhouse.jobs.demo_report import show_report

_MARKER = "demo.json"
"""Says that a folder is the demo's own, and what it was made from."""


def run_demo(folder: Path, *, leads: int, seed: int, console: Console) -> int:
    """Make the company (unless the folder has it already), run everything on it and print what came out.

    Returns the exit code of ``leadhouse run``. Raises InputError if the folder holds something else.
    """
    manifest = prepare(folder, leads=leads, seed=seed, console=console)
    lake, workspace = folder / "lake", _shown(shipped_workspace("demo"))
    code = _public(
        ["run", "--lake", str(lake), "--workspace", str(workspace), "--landing", str(folder / LANDING)], console
    )
    if code in (0, 3):
        show_report(folder, lake, workspace, manifest, console)
    return code


def prepare(folder: Path, *, leads: int, seed: int, console: Console) -> Manifest:
    """Return the company in a folder, made anew unless it is there with the same leads, seed and generator.

    A folder that an earlier demo made is emptied first. Raises InputError if it holds anything else.
    """
    marker = folder / _MARKER
    wanted = {"leads": leads, "seed": seed, "generator": _generator_hash()}
    found = _read_marker(marker)
    if found == wanted:
        console.print(f"The company of {leads:,} leads (seed {seed}) is in {folder} already: only what is new is done.")
        return read_manifest(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--dir: expected a folder at {folder}; it is a file; choose another")
    if folder.is_dir() and any(folder.iterdir()):
        if found is None:
            raise InputError(
                f"--dir: expected an empty folder at {folder}, or one that an earlier demo made; it holds something "
                "else; choose another"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    marker.write_text("{}", encoding="utf-8")  # ours from now on, but not complete
    with console.status(f"making up a company with {leads:,} leads …"):
        manifest = make_company(folder, leads, seed)
    marker.write_text(json.dumps(wanted), encoding="utf-8")
    return manifest


def _public(arguments: Sequence[str], console: Console) -> int:
    """Call a public command, showing it as one would type it."""
    from leadhouse.jobs import cli  # here, since the command line imports every job

    console.print(Text(f"\n$ leadhouse {' '.join(arguments)}", style="bold cyan"), soft_wrap=True)
    return cli.main(arguments)


def _read_marker(marker: Path) -> object:
    """What a folder was made from; None if no demo made it."""
    if not marker.is_file():
        return None
    try:
        return json.loads(marker.read_text(encoding="utf-8"))
    except ValueError:
        return {}


def _generator_hash() -> str:
    """Another generator makes another company of the same leads and seed."""
    digest = hashlib.sha256()
    for entry in sorted(files("leadhouse.jobs.company").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".py"):
            digest.update(entry.read_bytes())
    return digest.hexdigest()


def _shown(path: Path) -> Path:
    """A path as short as it can be typed from here."""
    resolved, here = path.resolve(), Path.cwd().resolve()
    return resolved.relative_to(here) if resolved.is_relative_to(here) else resolved


def main(argv: Sequence[str]) -> int:
    """Run the demo from the command line, with the options of ``leadhouse demo``."""
    from leadhouse.jobs import cli  # here, since the command line imports every job

    return cli.main(["demo", *argv])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

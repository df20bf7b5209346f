"""Another peer: dlt (the data load tool) loading the same files into Delta tables, where a Python has it.

It types and flattens what is JSON; it knows no rules, tells no repeats apart, and makes no ids but running ones.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from leadhouse.conf.errors import LeadhouseError

INSTALL = 'pip install "dlt[deltalake]"'
_PROGRAM = Path(__file__).with_name("dlt_program.py")


def find_python(named: Path | None) -> Path | None:
    """Return the Python that has dlt: the one that was named, or else this one; None if this one has it not."""
    if named is not None:
        return named
    return Path(sys.executable) if find_spec("dlt") else None


def load_by_dlt(python: Path, files: Sequence[Path], folder: Path) -> tuple[float, str]:
    """Load the files in a process of ``python``; return the seconds, without those of starting, and dlt's version.

    Raises LeadhouseError if dlt isn't there or fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(python.absolute()), str(_PROGRAM.absolute()), str(folder), *(str(file.absolute()) for file in files)]
    try:
        # Started in its own folder: in the current one dlt would look for settings.
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as problem:
        raise LeadhouseError(f"--dlt-python: expected a Python with dlt; {problem}; install it: {INSTALL}") from problem
    if done.returncode:
        said = done.stderr.strip()[-1000:]
        raise LeadhouseError(f"bench: expected dlt to load the files; it failed: {said}; install it: {INSTALL}")
    seconds, version = done.stdout.split()[-2:]
    return float(seconds), version

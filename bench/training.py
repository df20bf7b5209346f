"""Training and scoring without Spark: all that the train job makes of examples, beside one plain fit of XGBoost."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadhouse.bench.measure import OURS, PEER
from leadhouse.conf.errors import LeadhouseError

_PROGRAM = "leadhouse.bench.training_program"


@dataclass(frozen=True)
class Work:
    """What one process did."""

    seconds: float
    """Of training."""
    peak: int
    """Bytes that the process held at most, until it was trained."""
    scored: int
    scoring: float
    """Seconds, on all cores."""

    @property
    def rate(self) -> float:
        """Rows scored a second."""
        return self.scored / self.scoring


@dataclass(frozen=True)
class Training:
    """Leadhouse beside plain XGBoost, on the same arrays."""

    leads: int
    ours: Work
    plain: Work
    stages: tuple[tuple[str, float], ...]
    """Seconds of each part of Leadhouse's training."""
    rounds: int
    auc: float
    calibration: str


def measure_training(folder: Path, leads: int, seed: int, say: Callable[[str], None]) -> Training:
    """Train and score on generated leads, each side once in a process of its own.

    Raises LeadhouseError if one fails or leaves a lead without a score, or if the two have made different trees.
    """
    ours = _run(OURS, folder, leads, seed)
    say(f"training, {OURS}: {ours['seconds']:.1f} s")
    plain = _run(PEER, folder, leads, seed, ours["rounds"])
    say(f"training, plain XGBoost: {plain['seconds']:.1f} s")
    for who, found in ((OURS, ours), (PEER, plain)):
        if found["scored"] != leads:
            raise LeadhouseError(
                f"bench: expected {leads} scores by {who}; got {found['scored']}; look at bench/training_program.py"
            )
    if plain["trees"] != ours["trees"]:
        raise LeadhouseError(
            "bench: expected the same trees of plain XGBoost as of models/fit.py; got others; "
            "look at bench/training_program.py, by_plain_xgboost"
        )
    stages = tuple((part, ours[part]) for part in ("reading", "preparing", "learning"))
    return Training(leads, _work(ours), _work(plain), stages, ours["rounds"], ours["auc"], ours["calibration"])


def _work(found: dict[str, Any]) -> Work:
    return Work(found["seconds"], found["peak"], found["scored"], found["scoring"])


def _run(who: str, folder: Path, *numbers: int) -> dict[str, Any]:
    command = [sys.executable, "-m", _PROGRAM, who, str(folder), *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip()[-1000:]
        raise LeadhouseError(f"bench: expected {who} to train; it failed: {said}; try fewer with --training-leads")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found

"""``python -m leadhouse.bench.training_program WHO FOLDER LEADS SEED``: train and score once, alone in a process.

WHO is ``leadhouse``, which leaves its arrays in the folder, or ``peer``: plain XGBoost on these arrays, with the number
of trees behind. It prints the figures as a line of JSON. A process of its own, so that its memory is that of this work
alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import xgboost as xgb

from leadhouse.bench.measure import OURS, PEER
from leadhouse.bench.scoring_workers import BATCH, TENANT, score_on_all_cores
from leadhouse.bench.training_rows import training_rows
from leadhouse.conf.errors import LeadhouseError
from leadhouse.models.examples import read_examples
from leadhouse.models.fit import params_for
from leadhouse.models.learn import NotEnough, Plan, Prepared, learn, prepare

Made = TypeVar("Made")

_FEW = 2


def by_leadhouse(folder: Path, leads: int, seed: int) -> dict[str, Any]:
    """Read, prepare and learn as the train job does, then score the same leads as the workers of the score job do."""
    plan = Plan(TENANT, "won", 1, seed=seed, min_positives=_FEW, min_negatives=_FEW)
    held = [training_rows(leads, seed)]
    examples, reading = _timed(lambda: read_examples(held.pop()))  # nobody else holds them, as in the train job
    data, preparing = _timed(lambda: prepare(examples, plan))
    if isinstance(data, NotEnough):
        raise LeadhouseError(f"bench: expected a model; got none: {data.reason}; change bench/training_rows.py")
    trained, learning = _timed(lambda: learn(data, plan))
    peak = peak_bytes()
    _leave(data, folder)
    scored, scoring = score_on_all_cores(trained.model, examples, folder)
    return {
        "reading": reading,
        "preparing": preparing,
        "learning": learning,
        "seconds": reading + preparing + learning,
        "peak": peak,
        "rounds": trained.model.fitted.rounds,
        "trees": _hash(trained.model.fitted.ubj),
        "auc": trained.metrics.auc,
        "calibration": trained.model.card["calibration"],
        "scored": scored,
        "scoring": scoring,
    }


def by_plain_xgboost(folder: Path, leads: int, seed: int, rounds: int) -> dict[str, Any]:
    """Train plain XGBoost once on the arrays that Leadhouse has left, with its parameters, and predict by it."""
    matrix, labels = np.load(folder / "matrix.npy"), np.load(folder / "labels.npy")
    types = json.loads((folder / "types.json").read_text())
    params = params_for(leads, seed).booster()

    def train() -> xgb.Booster:
        data = xgb.DMatrix(matrix, label=labels, feature_types=types, enable_categorical=True)
        return xgb.train(params, data, num_boost_round=rounds)

    booster, seconds = _timed(train)
    peak, trees = peak_bytes(), _hash(bytes(booster.save_raw("ubj")))
    booster.set_param({"nthread": os.cpu_count() or 1})
    parts = [matrix[start : start + BATCH] for start in range(0, len(matrix), BATCH)]
    found, scoring = _timed(lambda: [booster.inplace_predict(part) for part in parts])
    return {"seconds": seconds, "peak": peak, "trees": trees, "scored": sum(map(len, found)), "scoring": scoring}


def peak_bytes() -> int:
    """Return the most memory that this process ever held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


def _hash(trees: bytes) -> str:
    return hashlib.sha256(trees).hexdigest()


def _leave(data: Prepared, folder: Path) -> None:
    np.save(folder / "matrix.npy", data.matrix)
    np.save(folder / "labels.npy", data.examples.labels)
    (folder / "types.json").write_text(json.dumps(data.learned.spec.types))


def _timed(work: Callable[[], Made]) -> tuple[Made, float]:
    begun = time.perf_counter()
    made = work()
    return made, time.perf_counter() - begun


if __name__ == "__main__":
    who, where, *numbers = sys.argv[1:]
    work = {OURS: by_leadhouse, PEER: by_plain_xgboost}[who]
    print(json.dumps(work(Path(where), *map(int, numbers))))  # type: ignore[operator]

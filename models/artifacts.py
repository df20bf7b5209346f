"""A model's evidence as files: its card, its pictures, and its figures as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from leadhouse.models.card import model_card
from leadhouse.models.learn import Trained
from leadhouse.models.overall import OVERALL, Overall
from leadhouse.models.plots import calibration_png, importance_png, roc_png
from leadhouse.models.plots_overall import dependence_png, effects_png

CARD_FILE = "model_card.md"
EVIDENCE = (CARD_FILE, "plots", "evidence")
"""What is logged beside a model, for people to read."""
_JSON = {
    "plots/calibration.json": ("reliability",),
    "evidence/leakage.json": ("suspects", "excluded", "infinite", "rare", "repeated", "sensitive"),
    "evidence/slices.json": ("slices", "missing"),
    "evidence/overall.json": (OVERALL,),
    "evidence/baselines.json": ("metrics", "intervals", "draws", "baselines", "origins"),
}


def write_artifacts(trained: Trained, folder: Path, *, title: str, model_hash: str, tags: Mapping[str, str]) -> None:
    """Write ``model_card.md``, ``plots/`` and ``evidence/`` into a folder, as they are logged beside a model."""
    model, moves = trained.model, Overall.from_json(trained.model.card[OVERALL])
    for name, content in {
        "roc": roc_png(trained.labels, trained.probabilities),
        "calibration": calibration_png(trained.labels, trained.probabilities),
        "importance": importance_png(model.fitted.importance()),
        "effects": effects_png(moves),
        "dependence": dependence_png(moves, model.fitted.spec),
    }.items():
        (folder / "plots").mkdir(parents=True, exist_ok=True)
        (folder / "plots" / f"{name}.png").write_bytes(content)
    for name, keys in _JSON.items():
        found = model.card[keys[0]] if len(keys) == 1 else {key: model.card[key] for key in keys}
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(found, allow_nan=False), encoding="utf-8")
    card = model_card(model, title=title, model_hash=model_hash, tags={**software(), **tags})
    (folder / CARD_FILE).write_text(card, encoding="utf-8")


def software() -> dict[str, str]:
    """Return Leadhouse's version, where it is installed rather than shipped as an archive."""
    try:
        return {"leadhouse": version("leadhouse")}
    except PackageNotFoundError:
        return {}


def params_of(trained: Trained) -> dict[str, object]:
    """Return what MLflow shows as a run's parameters."""
    kept = ("outcome", "horizon_days", "seed", "method", "examples", "leads_won", "leads_lost", "calibration", "folds")
    card = trained.model.card
    return {
        **{key: card[key] for key in kept},
        "rounds": trained.model.fitted.rounds,
        "features": len(trained.model.fitted.spec.features),
        "suspected_leakage": ", ".join(suspect.feature for suspect in trained.suspects) or "none",
    }


def metrics_of(trained: Trained) -> dict[str, float]:
    """Return what MLflow shows as a run's metrics: every figure, and the ends of its interval."""
    found = trained.evidence.intervals
    ends = {f"{name}_{end}": value for name, one in found.items() for end, value in asdict(one).items()}
    return {**asdict(trained.metrics), **ends, "baseline_auc": trained.baseline_auc}

"""A model as files: trees in UBJSON, everything else in JSON, each under its SHA-256. Nothing is ever unpickled.

``manifest.json`` names the files and their hashes; the model's hash is the manifest's own SHA-256.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import xgboost as xgb

from leadhouse.conf.errors import LeadhouseError
from leadhouse.models.calibrate import Calibration
from leadhouse.models.fit import FittedModel
from leadhouse.models.matrix import FeatureSpec
from leadhouse.models.model import LeadModel

MANIFEST, CARD, TREES = "manifest.json", "model.json", "booster.ubj"
FORMAT = "leadhouse-model/1"

Files = Mapping[str, bytes]


def pack(model: LeadModel) -> dict[str, bytes]:
    """Return a model's files by name. Equal models give equal bytes."""
    content = {
        TREES: model.fitted.ubj,
        CARD: _json(
            {
                "format": FORMAT,
                "features": model.fitted.spec.to_json(),
                "rounds": model.fitted.rounds,
                "calibration": model.calibration.to_json(),
                "cuts": list(model.cuts),
                "card": dict(model.card),
            }
        ),
    }
    return {
        **content,
        MANIFEST: _json({"format": FORMAT, "files": {name: _sha256(part) for name, part in content.items()}}),
    }


def model_hash(files: Files) -> str:
    """Return the hash that names a packed model: SHA-256 of its manifest, which holds those of the other files."""
    return _sha256(files[MANIFEST])


def unpack(files: Files, expected_hash: str | None = None) -> LeadModel:
    """Return the model in these files.

    Raises LeadhouseError where a file is missing, is not what its hash says, or is no model of Leadhouse's.
    """
    if MANIFEST not in files:
        raise _refusal(f"a file {MANIFEST}", "there is none")
    if expected_hash is not None and model_hash(files) != expected_hash:
        raise _refusal(f"a manifest with SHA-256 {expected_hash}", f"its SHA-256 is {model_hash(files)}")
    manifest = _read_json(files[MANIFEST], MANIFEST)
    hashes = manifest.get("files")
    if manifest.get("format") != FORMAT or not isinstance(hashes, dict) or set(hashes) != {CARD, TREES}:
        raise _refusal(f"a manifest of format {FORMAT}", f"format {manifest.get('format')!r}")
    for name, digest in hashes.items():
        if name not in files:
            raise _refusal(f"a file {name}", "there is none")
        if _sha256(files[name]) != digest:
            raise _refusal(f"{name} with SHA-256 {digest}", f"its SHA-256 is {_sha256(files[name])}")
    return _model(_read_json(files[CARD], CARD), files[TREES])


def load(read: Callable[[str], bytes], digest: str) -> LeadModel:
    """Return the model with this hash, from a store that gives bytes by their SHA-256 (the lake's definitions)."""
    manifest = read(digest)
    hashes = _read_json(manifest, MANIFEST).get("files")
    if not isinstance(hashes, dict):
        raise _refusal(f"a manifest of format {FORMAT}", "something else")
    return unpack({MANIFEST: manifest, **{str(name): read(str(part)) for name, part in hashes.items()}}, digest)


def card_of(read: Callable[[str], bytes], digest: str) -> dict[str, Any]:
    """Return the card of the model with this hash, without its trees, from a store as of ``load``."""
    hashes = _read_json(read(digest), MANIFEST).get("files")
    if not isinstance(hashes, dict) or CARD not in hashes:
        raise _refusal(f"a manifest of format {FORMAT}", "something else")
    card = _read_json(read(str(hashes[CARD])), CARD).get("card")
    if not isinstance(card, dict):
        raise _refusal(f"a card in {CARD}", "none")
    return card


def write_files(files: Files, folder: Path) -> None:
    """Write a packed model into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def read_files(folder: Path) -> dict[str, bytes]:
    """Read a packed model's files from a folder; files that no model has are not read."""
    return {name: (folder / name).read_bytes() for name in (MANIFEST, CARD, TREES) if (folder / name).is_file()}


def _model(document: dict[str, Any], trees: bytes) -> LeadModel:
    try:
        model = LeadModel(
            fitted=FittedModel(FeatureSpec.from_json(document["features"]), trees, int(document["rounds"])),
            calibration=Calibration.from_json(document["calibration"]),
            cuts=tuple(float(cut) for cut in document["cuts"]),
            card=dict(document["card"]),
        )
        columns = model.fitted.booster.num_features()
    except (KeyError, TypeError, ValueError, xgb.core.XGBoostError) as problem:
        raise _refusal(f"a model of format {FORMAT}", f"it can't be read ({type(problem).__name__})") from problem
    if columns != len(model.fitted.spec.features):
        raise _refusal(f"trees over {len(model.fitted.spec.features)} features", f"trees over {columns}")
    return model


def _read_json(content: bytes, name: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as problem:
        raise _refusal(f"JSON in {name}", "something else") from problem
    if not isinstance(document, dict):
        raise _refusal(f"an object in {name}", type(document).__name__)
    return document


def _refusal(expected: str, came: str) -> LeadhouseError:
    return LeadhouseError(f"model: expected {expected}; {came}; train again, or promote a version that is whole")


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class ServedModel:
    """A packed model as MLflow serves it."""

    def __init__(self, model: LeadModel) -> None:
        self.model = model

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Return calibrated probabilities for a pandas frame with the columns numbers and categories (dicts)."""
        schema = pa.schema(
            [("numbers", pa.map_(pa.string(), pa.float64())), ("categories", pa.map_(pa.string(), pa.string()))]
        )
        maps = {name: [list(dict(entry).items()) for entry in model_input[name]] for name in ("numbers", "categories")}
        return np.asarray(self.model.predict(pa.table(maps, schema=schema)))


def _load_pyfunc(path: str) -> ServedModel:
    """Load a model from its folder; the name is MLflow's."""
    return ServedModel(unpack(read_files(Path(path))))

"""Models in MLflow: registered with their evidence, promoted, read back, without a pickle."""

from __future__ import annotations

import errno
import json
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leadhouse.conf.errors import LeadhouseError, RegistryDownError
from leadhouse.models.card import Promotion
from leadhouse.models.examples import read_examples
from leadhouse.models.learn import Plan, Trained, learn, prepare
from leadhouse.models.package import pack, unpack
from leadhouse.models.registry import Registry, _reported
from tests.models.data import synthetic

TABLE = synthetic(400)[0]
PLAN = Plan("acme", "won", 90)


@pytest.fixture(scope="module")
def trained() -> Trained:
    return learn(prepare(read_examples(TABLE), PLAN), PLAN)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry(tmp_path_factory.mktemp("lake") / "models")


def test_a_lake_without_models_has_no_champion_and_no_database(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "models")
    assert (registry.champion("acme"), registry.versions("acme"), registry.newest("acme")) == (None, [], None)
    assert not (tmp_path / "models").exists()


def test_versions_are_registered_promoted_and_read_back(registry: Registry, trained: Trained) -> None:
    first = registry.register(trained, tenant="acme", tags={"version silver.leads": "3"})
    assert registry.champion("acme") is None
    registry.promote(first)
    second = registry.register(trained, tenant="acme", tags={})
    champion = registry.champion("acme")
    assert champion is not None
    assert (champion.label, champion.was_promoted, second.label) == ("leadhouse-acme/1", True, "leadhouse-acme/2")
    assert registry.newest("acme") == second
    assert registry.champion("other") is None
    assert registry.files(champion) == pack(trained.model)
    registry.promote(second)
    assert registry.champion("acme") != champion


def test_a_circle_has_a_model_of_its_own_and_a_dismissed_champion_is_not_judged_again_in_it(
    registry: Registry, trained: Trained
) -> None:
    shared = registry.register(trained, tenant="shared~3f2a91c0", tags={"tenants": "initech, umbrella"})
    own = registry.register(trained, tenant="initech", tags={})
    registry.promote(shared)
    registry.promote(own)
    assert registry.champion("shared~3f2a91c0") == replace(shared, was_promoted=True, was_judged=True)
    assert (shared.label, shared.owner) == ("leadhouse-shared~3f2a91c0/1", "shared~3f2a91c0")
    assert registry.files(shared) == pack(trained.model)
    assert registry.champion("shared") is None
    registry.dismiss(own, "it failed", beside=shared.owner)
    assert registry.champion("initech") is None
    (kept,) = registry.versions("initech")
    assert (kept.was_judged, kept.beside) == (True, shared.owner)
    registry.promote(kept)
    assert registry.champion("initech") == kept


def test_metrics_plots_and_signature_are_there_and_no_pickle(registry: Registry, trained: Trained) -> None:
    registry.register(trained, tenant="evidence", tags={"version silver.leads": "3"})
    files = {path.name for path in registry.folder.rglob("*") if path.is_file()}
    assert {"roc.png", "calibration.png", "importance.png", "MLmodel", "booster.ubj", "model.json"} <= files
    assert {"effects.png", "dependence.png"} <= files
    (moves,) = (registry.folder / "artifacts" / "leadhouse-evidence").rglob("overall.json")
    assert json.loads(moves.read_text()) == trained.model.card["overall"]
    assert {"model_card.md", "slices.json", "baselines.json", "calibration.json"} <= files
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".joblib"))]
    connection = sqlite3.connect(registry.folder / "mlflow.db")
    metrics = dict(connection.execute("SELECT key, value FROM latest_metrics").fetchall())
    assert metrics["auc"] == pytest.approx(trained.metrics.auc)
    assert metrics["auc_low"] < metrics["auc"] < metrics["auc_high"]
    tags = dict(
        connection.execute("SELECT key, value FROM model_version_tags WHERE name = 'leadhouse-evidence'").fetchall()
    )
    assert tags["version silver.leads"] == "3"
    connection.close()


def test_the_card_is_an_artifact_and_is_written_again_when_somebody_promotes(
    registry: Registry, trained: Trained
) -> None:
    version = registry.register(trained, tenant="carded", tags={"version silver.leads": "3"})
    (card,) = (registry.folder / "artifacts" / "leadhouse-carded").rglob("model_card.md")
    (slices,) = card.parent.rglob("slices.json")
    assert json.loads(slices.read_text())["slices"] == json.loads(json.dumps(trained.model.card["slices"]))
    first = card.read_text()
    assert first.startswith("# Model card: leadhouse-carded\n")
    assert "| version silver.leads | 3 |" in first
    registry.write_card(version, Promotion("dana", "2024-05-01", "it is better"))
    second = card.read_text()
    assert second.startswith("# Model card: leadhouse-carded/1\n")
    assert second.endswith("dana, 2024-05-01: it is better\n")
    strip = [text.splitlines()[1:-1] for text in (first, second)]
    assert strip[0] == strip[1]


def test_mlflow_itself_can_load_and_score_it(registry: Registry, trained: Trained) -> None:
    import mlflow

    version = registry.register(trained, tenant="served", tags={})
    mlflow.set_registry_uri(registry.uri)
    served = mlflow.pyfunc.load_model(f"models:/{version.label}")
    frame = TABLE.select(["numbers", "categories"]).slice(0, 5).to_pandas()
    for name in frame:
        frame[name] = frame[name].map(dict)
    np.testing.assert_array_equal(served.predict(frame), trained.model.predict(TABLE.slice(0, 5)))
    assert [column.name for column in served.metadata.signature.inputs] == ["numbers", "categories"]


def test_a_registered_file_that_was_tampered_with_is_refused(registry: Registry, trained: Trained) -> None:
    version = registry.register(trained, tenant="tampered", tags={})
    (card,) = (registry.folder / "artifacts" / "leadhouse-tampered").rglob("model.json")
    card.write_bytes(card.read_bytes().replace(b'"slope"', b'"slop"') + b" ")
    with pytest.raises(LeadhouseError, match=r"expected model\.json with SHA-256"):
        registry.files(version)


@pytest.mark.parametrize("place", ["no/such/folder.db", "torn.db"])
def test_a_registry_that_is_down_is_one_line_and_may_be_there_later(tmp_path: Path, place: str) -> None:
    (tmp_path / "torn.db").write_bytes(b"half a page" * 1000)
    (tmp_path / "no").touch()
    with pytest.raises(RegistryDownError) as problem:
        Registry(tmp_path, f"sqlite:///{tmp_path / place}").champion("acme")
    assert len(str(problem.value).splitlines()) == 1
    assert problem.value.retryable


def test_a_full_disk_is_no_registry_that_is_down() -> None:
    with pytest.raises(LeadhouseError) as problem, _reported("sqlite:///x"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not isinstance(problem.value, RegistryDownError)


def test_no_module_but_the_registry_loads_mlflow_and_that_only_when_asked() -> None:
    code = (
        "import sys, leadhouse.models.registry, leadhouse.models.scoring, leadhouse.models.learn;"
        "print('mlflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_unpack_checks_what_the_registry_gives(trained: Trained) -> None:
    assert unpack(pack(trained.model)).card["tenant"] == "acme"

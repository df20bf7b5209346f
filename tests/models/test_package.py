"""A model's files are what they say, or are refused."""

from __future__ import annotations

import gzip
import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leadhouse.conf.errors import LeadhouseError
from leadhouse.models.examples import read_examples
from leadhouse.models.learn import Plan, learn, prepare
from leadhouse.models.model import LeadModel
from leadhouse.models.package import CARD, MANIFEST, TREES, load, model_hash, pack, read_files, unpack, write_files
from tests.models.data import synthetic

TABLE = synthetic(400)[0]


@pytest.fixture(scope="module")
def model() -> LeadModel:
    plan = Plan("acme", "won", 90)
    return learn(prepare(read_examples(TABLE), plan), plan).model  # type: ignore[arg-type]


def test_a_model_read_back_scores_and_hashes_the_same(model: LeadModel, tmp_path: Path) -> None:
    files = pack(model)
    write_files(files, tmp_path)
    back = unpack(read_files(tmp_path), model_hash(files))
    np.testing.assert_array_equal(back.predict(TABLE), model.predict(TABLE))
    assert pack(back) == files


def test_a_model_of_before_there_were_intervals_is_read_and_keeps_its_hash(model: LeadModel) -> None:
    old = replace(model, calibration=replace(model.calibration, doubt=None))
    files = pack(old)
    assert set(json.loads(files[CARD])["calibration"]) == {"kind", "x", "y"}
    back = unpack(files)
    assert back.predict_interval(TABLE)[1] is None
    assert pack(back) == files


def test_a_model_read_back_has_the_same_intervals(model: LeadModel) -> None:
    probability, interval = unpack(pack(model)).predict_interval(TABLE)
    np.testing.assert_array_equal(probability, model.predict(TABLE))
    low, high = interval  # type: ignore[misc]
    np.testing.assert_array_equal(low, model.predict_interval(TABLE)[1][0])  # type: ignore[index]
    assert ((low <= probability) & (probability <= high) & (low < high)).all()


def test_a_model_is_found_by_its_hash_alone(model: LeadModel) -> None:
    import hashlib

    files = pack(model)
    store = {hashlib.sha256(content).hexdigest(): content for content in files.values()}
    assert pack(load(store.__getitem__, model_hash(files))) == files


@pytest.mark.parametrize("name", [TREES, CARD])
def test_a_tampered_file_is_refused(model: LeadModel, name: str) -> None:
    files = pack(model)
    tampered = {**files, name: files[name][:-1] + b" "}
    with pytest.raises(LeadhouseError, match=f"expected {name} with SHA-256 .* its SHA-256 is"):
        unpack(tampered)


def test_files_that_fit_each_other_but_are_not_the_registered_ones_are_refused(model: LeadModel) -> None:
    with pytest.raises(LeadhouseError, match="expected a manifest with SHA-256 0000"):
        unpack(pack(model), "0000")


def test_a_missing_file_is_refused(model: LeadModel) -> None:
    files = pack(model)
    for name in files:
        with pytest.raises(LeadhouseError, match=f"expected a file {name}; there is none"):
            unpack({other: content for other, content in files.items() if other != name})


@pytest.mark.parametrize(
    "manifest",
    # gzip's header would hold the moment of compression: a test's name must not change from run to run.
    [gzip.compress(pickle.dumps(1), mtime=0), pickle.dumps({}), b"[]", b"{}", json.dumps({"files": 3}).encode()],
    ids=["gzipped pickle", "pickle", "list", "empty", "no files"],
)
def test_a_pickle_or_a_foreign_file_is_refused_unread(model: LeadModel, manifest: bytes) -> None:
    with pytest.raises(LeadhouseError, match="model: expected"):
        unpack({**pack(model), MANIFEST: manifest})


def test_trees_over_other_features_are_refused(model: LeadModel) -> None:
    from leadhouse.models.matrix import FeatureSpec

    fewer = replace(model, fitted=replace(model.fitted, spec=FeatureSpec(model.fitted.spec.features[:-1])))
    with pytest.raises(LeadhouseError, match="expected trees over 2 features; trees over 3"):
        unpack(pack(fewer))

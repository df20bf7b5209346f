"""Batches are scored by each tenant's own champion."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from leadhouse.conf.errors import LeadhouseError
from leadhouse.models.examples import read_examples
from leadhouse.models.learn import Plan, learn, prepare
from leadhouse.models.package import TREES, model_hash, pack
from leadhouse.models.scoring import SCORE_SCHEMA, Champion, scorer
from tests.models.data import synthetic

MOMENT = datetime(2024, 5, 1, tzinfo=UTC)
FRESH = synthetic(60, seed=3)[0]
TENANTS = ["acme", "bravo", "none"] * 20


def champion(tenant: str, seed: int) -> Champion:
    plan = Plan(tenant, "won", 90, seed=seed)
    files = pack(learn(prepare(read_examples(synthetic(400)[0]), plan), plan).model)  # type: ignore[arg-type]
    return Champion(f"leadhouse-{tenant}/1", model_hash(files), files)


@pytest.fixture(scope="module")
def champions() -> dict[str, Champion]:
    return {"acme": champion("acme", 0), "bravo": champion("bravo", 1)}


def batch() -> pa.RecordBatch:
    moments = pa.array([MOMENT] * 60, pa.timestamp("us", tz="UTC"))
    kept = {name: FRESH[name].combine_chunks() for name in ("lead_id", "numbers", "categories")}
    return pa.RecordBatch.from_pydict({"tenant": pa.array(TENANTS), "as_of": moments, "known": moments, **kept})


def test_each_lead_is_scored_by_its_own_tenants_model_or_not_at_all(champions: dict[str, Champion]) -> None:
    found = pa.Table.from_batches(scorer(champions)([batch()])).to_pylist()
    assert len(found) == 60
    for tenant in ("acme", "bravo"):
        mine = [row for row in found if row["tenant"] == tenant]
        rows = FRESH.filter(pa.array([name == tenant for name in TENANTS]))
        model = champions[tenant].model()
        np.testing.assert_array_equal([row["probability"] for row in mine], model.predict(rows))
        low, high = model.predict_interval(rows)[1]  # type: ignore[misc]
        np.testing.assert_array_equal([row["probability_low"] for row in mine], low)
        np.testing.assert_array_equal([row["probability_high"] for row in mine], high)
        assert {(row["status"], row["model_hash"]) for row in mine} == {("scored", champions[tenant].model_hash)}
    others = [row for row in found if row["tenant"] == "none"]
    names = ("status", "probability", "probability_low", "probability_high", "model_version")
    assert {tuple(row[name] for name in names) for row in others} == {("not enough data", None, None, None, None)}


def test_what_comes_out_are_the_columns_that_spark_is_told_of(champions: dict[str, Champion]) -> None:
    promised = [column.split()[0] for column in SCORE_SCHEMA.split(", ")]
    for found in scorer(champions)([batch()]):
        assert found.schema.names == promised


def test_a_champion_of_before_there_were_intervals_scores_without(champions: dict[str, Champion]) -> None:
    new = champions["acme"].model()
    files = pack(replace(new, calibration=replace(new.calibration, doubt=None)))
    old = Champion("leadhouse-acme/0", model_hash(files), files)
    found = pa.Table.from_batches(scorer({"acme": old})([batch()]))
    assert found["probability_low"].null_count == found["probability_high"].null_count == 60
    assert found["probability"].null_count == 40


def test_a_score_does_not_depend_on_the_rows_beside_it(champions: dict[str, Champion]) -> None:
    whole = pa.Table.from_batches(scorer(champions)([batch()])).sort_by("lead_id")
    single = [batch().slice(place, 1) for place in range(60)]
    assert pa.Table.from_batches(scorer(champions)(single)).sort_by("lead_id").equals(whole)


def test_a_champion_whose_bytes_changed_on_the_way_is_refused(champions: dict[str, Champion]) -> None:
    good = champions["acme"]
    bad = Champion(good.version, good.model_hash, {**good.files, TREES: good.files[TREES] + b"x"})
    with pytest.raises(LeadhouseError, match=r"expected booster\.ubj with SHA-256"):
        list(scorer({"acme": bad})([batch()]))

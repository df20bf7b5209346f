"""From examples to a judged model."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import roc_auc_score

from leadhouse.models.examples import read_examples
from leadhouse.models.learn import OUT_OF_FOLD, OUT_OF_TIME, NotEnough, Plan, Prepared, Trained, learn, prepare
from leadhouse.models.package import model_hash, pack
from tests.models.data import synthetic

PLAN = Plan("acme", "won", 90)


def trained(table: pa.Table, plan: Plan = PLAN) -> Trained:
    data = prepare(read_examples(table), plan)
    assert isinstance(data, Prepared)
    return learn(data, plan)


@pytest.mark.parametrize(("timed", "method"), [(True, OUT_OF_TIME), (False, OUT_OF_FOLD)])
def test_it_comes_close_to_the_best_that_anyone_could_reach(timed: bool, method: str) -> None:
    table, chance = synthetic(8000, timed=timed)
    found = trained(table)
    best = roc_auc_score(table["label"].to_numpy(), chance)
    assert found.method == method
    assert found.metrics.auc == pytest.approx(best, abs=0.02)
    assert found.metrics.calibration_error < 0.04
    fresh, truth = synthetic(20_000, seed=1)
    assert np.abs(found.model.predict(fresh) - truth).mean() < 0.05


def test_the_same_data_give_the_same_hash_in_any_order_of_rows() -> None:
    table, _ = synthetic(1500)
    shuffled = table.take(pa.array(np.random.default_rng(0).permutation(len(table))))
    assert model_hash(pack(trained(table).model)) == model_hash(pack(trained(shuffled).model))


def test_other_data_another_seed_or_another_plan_have_another_key() -> None:
    table, _ = synthetic(1500)
    plans = (PLAN, Plan("acme", "won", 90, seed=1), Plan("acme", "won", 30))
    keys = {prepare(read_examples(table), plan).key for plan in plans}  # type: ignore[union-attr]
    keys.add(prepare(read_examples(table.slice(1)), PLAN).key)  # type: ignore[union-attr]
    assert len(keys) == 4


def test_too_few_winners_are_an_honest_no() -> None:
    table, _ = synthetic(1000)
    few = pa.concat_tables([table.filter(table["label"]).slice(0, 39), table.filter(pa.compute.invert(table["label"]))])
    found = prepare(read_examples(few), PLAN)
    assert isinstance(found, NotEnough)
    assert found.reason.startswith("39 leads with the outcome and ")


def test_one_lead_seen_three_times_counts_once() -> None:
    table, _ = synthetic(100)
    found = prepare(read_examples(pa.concat_tables([table] * 3)), Plan("acme", "won", 90, min_positives=101))
    assert isinstance(found, NotEnough)


def test_no_examples_and_no_features_are_an_honest_no() -> None:
    table, _ = synthetic(200)
    assert isinstance(prepare(read_examples(table.slice(0, 0)), PLAN), NotEnough)
    bare = table.set_column(4, "numbers", pa.array([[]] * 200, table.schema.field("numbers").type))
    bare = bare.set_column(5, "categories", pa.array([[]] * 200, table.schema.field("categories").type))
    assert prepare(read_examples(bare), PLAN) == NotEnough("no feature differs between leads")


def test_where_the_latest_leads_have_no_winners_it_is_judged_out_of_fold() -> None:
    table, _ = synthetic(1000)
    late = np.arange(1000) >= 700
    labels = pa.array(table["label"].to_numpy() & ~late)
    assert trained(table.set_column(2, "label", labels)).method == OUT_OF_FOLD


def test_grades_have_their_shares_of_the_held_out_examples() -> None:
    table, _ = synthetic(6000, timed=False)
    found = trained(table)
    grades, counts = np.unique(found.model.grade(found.probabilities), return_counts=True)
    assert list(grades) == ["A", "B", "C", "D"]
    np.testing.assert_allclose(counts / len(found.probabilities), [0.1, 0.2, 0.3, 0.4], atol=0.03)
    assert list(found.model.cuts) == sorted(found.model.cuts, reverse=True)

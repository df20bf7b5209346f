from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from leadhouse.models.challenge import challenge, common_window
from leadhouse.models.examples import TENANT, read_examples
from leadhouse.models.learn import Plan, Prepared, Trained, learn, prepare
from leadhouse.models.promotion import Judgement
from tests.models.data import CATEGORIES, DAY, synthetic

PLAN = Plan("acme", "won", 30)
LEADS, SEEN = 6000, 2500


def prepared(table: pa.Table, plan: Plan = PLAN) -> Prepared:
    data = prepare(read_examples(table), plan)
    assert isinstance(data, Prepared)
    return data


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return synthetic(LEADS)[0]


@pytest.fixture(scope="module")
def champion(table: pa.Table) -> Trained:
    return learn(prepared(table.slice(0, SEEN)), PLAN)


def judged(table: pa.Table, champion: Trained | None, reference: Trained | None = None, plan: Plan = PLAN) -> Judgement:
    data = prepared(table, plan)
    models = [None if one is None else one.model for one in (champion, reference)]
    return challenge(data, plan, learn(data, plan), *models)


def relabelled(table: pa.Table, labels: np.ndarray) -> pa.Table:
    return table.set_column(table.column_names.index("label"), "label", pa.array(labels))


def test_the_window_holds_only_leads_that_came_after_what_was_seen_and_learned_from() -> None:
    moments = np.array([1, 9, 5, 8, 6, 7, 12, 13]) * DAY
    leads = np.array([0, 0, 1, 1, 2, 3, 4, 5])
    rows = pa.table({"numbers": pa.nulls(8), "categories": pa.nulls(8)})
    examples = replace(read_examples(synthetic(8)[0]), rows=rows, labels=np.zeros(8, np.float32), leads=leads,
                       moments=moments)  # fmt: skip
    window = common_window(examples, 4 * DAY, horizon_days=1)
    assert window.judged.tolist() == [5, 6, 7], "leads 3, 4 and 5; lead 0 was seen, 1 and 2 are the earlier half"
    assert window.learned_from.tolist() == [0, 2, 4], "what comes before the window's first day and was mature by then"
    assert common_window(examples, 20 * DAY, 1).judged.size == 0


def test_a_challenger_of_the_same_making_takes_over_and_says_on_what(table: pa.Table, champion: Trained) -> None:
    found = judged(table, champion, champion)
    assert found.promoted
    assert {criterion.name.rpartition(" the ")[2] for criterion in found.criteria} >= {
        "base rate", "champion", "reference", "calibration",
    }  # fmt: skip
    assert found.leads == (LEADS - SEEN) // 2


def test_what_has_learned_from_wrong_labels_since_is_refused(table: pa.Table, champion: Trained) -> None:
    labels = np.asarray(table["label"])
    wrong = labels.copy()
    middle = slice(SEEN, (LEADS + SEEN) // 2)
    wrong[middle] = np.random.default_rng(0).permutation(~labels[middle])
    found = judged(relabelled(table, wrong), champion)
    assert not found.promoted
    assert "against the champion" in found.words


def test_without_new_leads_the_champion_stays(table: pa.Table, champion: Trained) -> None:
    found = judged(table.slice(0, SEEN), champion, plan=replace(PLAN, seed=5))
    assert not found.promoted
    assert "0 won and 0 did not; 10 of each are needed" in found.words


def test_the_first_model_must_beat_the_base_rate(table: pa.Table) -> None:
    assert judged(table.slice(0, SEEN), None).promoted
    noise = relabelled(table, np.random.default_rng(1).random(LEADS) < 0.2)
    refused = judged(noise.slice(0, SEEN), None)
    assert not refused.promoted
    assert "against the base rate" in refused.words


def test_a_shared_model_is_held_against_the_champion_for_each_tenant(table: pa.Table, champion: Trained) -> None:
    """A tenth of the leads are of a tenant whose outcomes turn round where the challenger learns, and back."""
    labels, small = np.asarray(table["label"]).copy(), np.arange(LEADS) % 10 == 0
    middle = small & (np.arange(LEADS) < (LEADS + SEEN) // 2)
    labels[middle] = ~labels[middle]
    marked = relabelled(table, labels)
    categories = [[*entry, ("trait:brand", "b" if own else "a")] for entry, own in zip(
        table["categories"].to_pylist(), small, strict=True)]  # fmt: skip
    place = table.column_names.index("categories")
    data = prepared(marked.set_column(place, "categories", pa.array(categories, CATEGORIES)))
    # examples stand in the order of their leads' ids
    ids = np.argsort(np.asarray(table["lead_id"]).astype(str))
    owned = replace(data, examples=replace(data.examples, apart={TENANT: np.where(small, "small", "large")[ids]}))
    alone, judged = (challenge(one, PLAN, learn(one, PLAN), champion.model, None) for one in (data, owned))
    assert [one.name for one in judged.criteria if "slice tenant" in one.name and not one.passed]
    assert not [one for one in alone.criteria if "slice tenant" in one.name]


def test_a_champion_of_another_outcome_is_no_rival(table: pa.Table, champion: Trained) -> None:
    found = judged(table.slice(0, SEEN), champion, plan=replace(PLAN, outcome="signed"))
    assert found.promoted
    assert not [criterion for criterion in found.criteria if "champion" in criterion.name]


def test_examples_without_times_leave_it_to_a_person(champion: Trained) -> None:
    found = judged(synthetic(1000, timed=False)[0], champion)
    assert not found.promoted
    assert "promote it by hand" in found.words

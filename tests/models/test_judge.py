"""Nothing is judged by what has seen it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from leadhouse.models import judge as judging
from leadhouse.models.baseline import BASE_RATE, LOGISTIC, RECENCY
from leadhouse.models.examples import read_examples
from leadhouse.models.fit import params_for
from leadhouse.models.judge import OUT_OF_FOLD, OUT_OF_TIME, Judged, judge, usable_origins
from leadhouse.models.plan import Plan, Prepared, prepare
from tests.models.data import DAY, synthetic

PLAN = Plan("acme", "won", 5)


def prepared(table: pa.Table) -> Prepared:
    data = prepare(read_examples(table), PLAN)
    assert isinstance(data, Prepared)
    return data


def judged(data: Prepared) -> Judged:
    return judge(data, PLAN, params_for(len(data.examples), PLAN.seed))


def test_each_origin_is_judged_by_earlier_leads_whose_outcome_was_known() -> None:
    data = prepared(synthetic(1500)[0])
    found, moments, leads = judged(data), data.examples.moments, data.examples.leads
    assert (found.method, len(found.parts)) == (OUT_OF_TIME, 3)
    for part in found.parts:
        assert part.gap_days == PLAN.horizon_days
        assert moments[part.learned_from].max() + PLAN.horizon_days * DAY < moments[part.places].min()
        assert not set(leads[part.learned_from]) & set(leads[part.places])
        assert {name: len(one) for name, one in part.baselines.items()} == dict.fromkeys(
            (BASE_RATE, RECENCY, LOGISTIC), len(part.places)
        )
        np.testing.assert_allclose(part.baselines[BASE_RATE], data.examples.labels[part.learned_from].mean(), atol=1e-6)
    assert [part.name for part in found.parts] == sorted(part.name for part in found.parts)
    assert len(np.unique(found.places)) == len(found.places) == len(found.log_odds)


def test_a_horizon_that_would_cost_more_than_half_of_the_past_leaves_nothing_out() -> None:
    data = prepared(synthetic(1500)[0])
    for horizon, gap in ((10, 10), (13, 0), (4000, 0)):
        origins = usable_origins(data.examples, replace(PLAN, horizon_days=horizon))
        assert origins is not None
        assert (len(origins[0]), origins[1]) == (3, gap)


def test_fewer_winners_bear_fewer_origins() -> None:
    table = synthetic(1200)[0]
    places = np.arange(1200)
    for winners, origins in ((12, 1), (24, 2), (36, 3)):
        late = np.linspace(901, 1199, winners).astype(int)
        labels = pa.array(np.where(places < 900, places % 4 == 0, np.isin(places, late)))
        found = usable_origins(read_examples(table.set_column(2, "label", labels)), PLAN)
        assert found is not None
        assert len(found[0]) == origins


def test_large_data_have_one_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging, "LARGE", 1000)
    found = usable_origins(read_examples(synthetic(1000)[0]), PLAN)
    assert found is not None
    assert len(found[0]) == 1


def test_without_times_every_example_is_judged_twice_in_different_folds() -> None:
    data = prepared(synthetic(600, timed=False)[0])
    found = judged(data)
    assert (found.method, len(found.parts), found.rounds) == (OUT_OF_FOLD, 2, None)
    for part in found.parts:
        assert sorted(part.places) == list(range(600))
        assert set(part.baselines) == {BASE_RATE, RECENCY, LOGISTIC}
    assert not np.allclose(found.parts[0].probabilities, found.parts[1].probabilities)
    assert sorted(found.places) == list(range(600))


def test_labels_of_what_is_judged_do_not_reach_its_own_probabilities() -> None:
    table = synthetic(1500)[0]
    last = judged(prepared(table)).parts[-1]
    labels = table["label"].to_numpy().copy()
    latest = np.argsort(table["as_of"].to_numpy())[-100:]
    labels[latest] = ~labels[latest]
    other = judged(prepared(table.set_column(2, "label", pa.array(labels)))).parts[-1]
    np.testing.assert_array_equal(last.probabilities, other.probabilities)
    np.testing.assert_array_equal(last.baselines[LOGISTIC], other.baselines[LOGISTIC])


def test_outcomes_that_were_still_open_at_a_cut_off_do_not_reach_what_it_says() -> None:
    table = synthetic(1500)[0]
    data = prepared(table)
    first, second, _ = judged(data).parts
    open_still = np.setdiff1d(first.places, second.learned_from)
    labels = data.examples.labels.copy()
    labels[open_still] = 1 - labels[open_still]
    other = judged(replace(data, examples=replace(data.examples, labels=labels))).parts[1]
    assert len(open_still) > 50
    np.testing.assert_array_equal(second.probabilities, other.probabilities)

"""The evidence counts examples once, compares like with like, and is JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from leadhouse.models.baseline import BASE_RATE, LOGISTIC, RECENCY
from leadhouse.models.evidence import Evidence, gather
from leadhouse.models.examples import read_examples
from leadhouse.models.fit import params_for
from leadhouse.models.judge import Judged, judge
from leadhouse.models.plan import Plan, Prepared, prepare
from tests.models.data import synthetic

PLAN = Plan("acme", "won", 5)


@pytest.fixture(scope="module", params=[True, False], ids=["timed", "untimed"])
def found(request: pytest.FixtureRequest) -> tuple[Prepared, Judged, Evidence]:
    data = prepare(read_examples(synthetic(1200, timed=request.param)[0]), PLAN)
    assert isinstance(data, Prepared)
    judged = judge(data, PLAN, params_for(len(data.examples), PLAN.seed))
    return data, judged, gather(data, judged, PLAN)


def test_examples_that_were_judged_twice_count_once(found: tuple[Prepared, Judged, Evidence]) -> None:
    data, _, evidence = found
    assert evidence.metrics.examples == (300 if data.examples.timed else 1200)
    assert sum(one.examples for one in evidence.slices.slices) == evidence.metrics.examples
    assert len(evidence.labels) == len(evidence.probabilities) == (300 if data.examples.timed else 2400)


def test_baselines_are_judged_on_the_same_examples(found: tuple[Prepared, Judged, Evidence]) -> None:
    _, judged, evidence = found
    by_name = {one.name: one for one in evidence.baselines}
    assert list(by_name) == [BASE_RATE, RECENCY, LOGISTIC]
    assert by_name[BASE_RATE].auc == 0.5
    for name, one in by_name.items():
        said = np.concatenate([part.baselines[name] for part in judged.parts])
        assert one.log_loss == pytest.approx(log_loss(evidence.labels, said), abs=1e-6)
        if name != BASE_RATE:
            assert one.auc == pytest.approx(roc_auc_score(evidence.labels, said), abs=1e-6)
        assert one.gain is not None
        assert one.gain.low < evidence.metrics.auc - one.auc < one.gain.high
    assert evidence.baseline_auc == by_name[LOGISTIC].auc


def test_each_origin_is_judged_alone(found: tuple[Prepared, Judged, Evidence]) -> None:
    data, judged, evidence = found
    for part, one in zip(judged.parts, evidence.origins, strict=True):
        labels = data.examples.labels[part.places]
        assert one.metrics.auc == pytest.approx(roc_auc_score(labels, part.probabilities), abs=1e-6)
        assert one.interval is not None
        assert one.interval.low < one.metrics.auc < one.interval.high
        assert (one.name, one.learned_from) == (part.name, len(part.learned_from))


def test_it_is_json_and_the_same_each_time(found: tuple[Prepared, Judged, Evidence]) -> None:
    data, judged, evidence = found
    text = json.dumps(evidence.to_json(), allow_nan=False, sort_keys=True)
    assert text == json.dumps(gather(data, judged, PLAN).to_json(), allow_nan=False, sort_keys=True)

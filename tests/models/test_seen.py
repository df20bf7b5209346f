"""What a model keeps of its training data to be watched by."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa

from leadhouse.models.examples import Examples, read_examples
from leadhouse.models.learn import Plan, Prepared, learn, prepare
from leadhouse.models.package import pack, unpack
from leadhouse.models.reference import Tally, tally
from leadhouse.models.seen import age_ranks, references_in
from tests.models.data import DAY, NUMBERS, synthetic

PLAN = Plan("acme", "won", 5)


def test_examples_are_told_apart_by_the_age_that_they_were_taken_at() -> None:
    moments = np.array([3, 1, 2, 5, 9, 7], dtype=np.int64)
    leads = np.array([1, 1, 1, 2, 3, 3], dtype=np.int64)
    examples = Examples(
        synthetic(6)[0].select(["numbers", "categories"]), np.zeros(6, np.float32), leads, moments, True
    )
    assert age_ranks(examples).tolist() == [2, 0, 1, 0, 1, 0]
    assert age_ranks(examples.take(np.empty(0, np.int64))).tolist() == []


def at_two_ages(leads: int) -> Prepared:
    """Each lead twice, a week apart; the second time it has seen ten pages more."""
    first = read_examples(synthetic(leads)[0])
    numbers = first.rows["numbers"].to_pylist()
    later = [[(name, value + 10 * name.startswith("count")) for name, value in entry] for entry in numbers]
    rows = pa.table({"numbers": pa.array(later, NUMBERS), "categories": first.rows["categories"]})
    both = Examples(
        pa.concat_tables([first.rows, rows]),
        np.concatenate([first.labels] * 2),
        np.concatenate([first.leads] * 2),
        np.concatenate([first.moments, first.moments + 7 * DAY]),
        True,
    )
    data = prepare(both, PLAN)
    assert isinstance(data, Prepared)
    return data


def test_each_age_has_a_reference_of_its_own_with_each_lead_once() -> None:
    data = at_two_ages(400)
    model = learn(data, PLAN).model
    young, old = references_in(model.card)
    assert young is not None
    assert old is not None
    assert (young.seen.rows, old.seen.rows, young.weight) == (400, 400, 1.0)
    place = data.learned.spec.names.index("count_7d:type:page_view")
    assert min(old.features[place].edges) > 9
    assert min(young.features[place].edges) < 9
    assert references_in(unpack(pack(model)).card) == (young, old)


def test_an_age_of_few_leads_has_none_and_a_card_of_before_has_no_ages_at_all() -> None:
    data = at_two_ages(400)
    few = replace(data, examples=data.examples.take(np.arange(440)), matrix=data.matrix[:440])
    young, old = references_in(learn(few, PLAN).model.card)
    assert young is not None
    assert old is None
    assert references_in({}) == ()


def test_a_tally_survives_json() -> None:
    data = at_two_ages(200)
    model = learn(data, PLAN).model
    known = references_in(model.card)[0]
    assert known is not None
    counted = tally(known, data.examples.rows, model.predict(data.examples.rows), data.learned.spec)
    assert Tally.from_json(json.loads(json.dumps(counted.to_json()))) == counted

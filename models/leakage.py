"""Features that know too much: suspected to hold the outcome itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from leadhouse.models.leaks.alone import alone, single_auc
from leadhouse.models.leaks.identifiers import counted_up, telling_order
from leadhouse.models.leaks.pairs import telling_pairs
from leadhouse.models.leaks.sample import Sample, draw_sample
from leadhouse.models.leaks.suspect import Suspect
from leadhouse.models.leaks.telling import telling_value
from leadhouse.models.leaks.time_travel import time_travellers
from leadhouse.models.leaks.writing import telling_writing
from leadhouse.models.matrix import encode
from leadhouse.models.plan import Plan, Prepared

_CHECKS: tuple[Callable[[Sample, int], Suspect | None], ...] = (
    alone,
    telling_value,
    telling_writing,
    telling_order,
    counted_up,
)
"""In the order in which a feature is accused, of one thing at a time."""


def suspects(data: Prepared, plan: Plan) -> tuple[Suspect, ...]:
    """Return the features that are suspected of leakage, the strongest first.

    Of each lead one example is looked at, of very many leads a part. Where the examples say what is known of their
    leads by now (``later``), traits that the outcome has changed are named, too.
    """
    spec = data.learned.spec
    sample = draw_sample(data.examples, data.matrix, spec, plan.seed)
    found: dict[str, Suspect] = {}
    for place, feature in enumerate(spec.features):
        suspect = next((one for check in _CHECKS if (one := check(sample, place)) is not None), None)
        if suspect is not None:
            found[feature.name] = suspect
    innocent = [place for place, feature in enumerate(spec.features) if feature.name not in found]
    pairs = telling_pairs(sample, {place: single_auc(sample, place) for place in innocent}, innocent)
    travellers = [one for one in _changed(data, sample) if one.feature not in found]
    everything = [*found.values(), *pairs, *travellers]
    return tuple(sorted(everything, key=lambda suspect: (-suspect.figure, suspect.feature)))


def _changed(data: Prepared, sample: Sample) -> list[Suspect]:
    if data.examples.later is None:
        return []
    later = data.examples.later.take(sample.places)
    known = ~np.isnan(later.days)
    after = encode(later.rows, sample.spec)
    return time_travellers(sample.matrix[known], after[known], later.days[known], sample.won[known], sample.spec)

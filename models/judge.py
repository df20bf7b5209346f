"""Judging a way to learn on leads that it has not seen: by rolling origin where there is time, else out of fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from leadhouse.models.baseline import baselines
from leadhouse.models.calibrate import calibrate
from leadhouse.models.evaluate import Probabilities
from leadhouse.models.examples import Examples
from leadhouse.models.fit import FittedModel, Params, fit, held_out
from leadhouse.models.matrix import Integers
from leadhouse.models.plan import Plan, Prepared
from leadhouse.models.split import Split, fold_of, rolling_origins

OUT_OF_TIME, OUT_OF_FOLD = "out of time", "out of fold"
ORIGINS, REPEATS = 3, 2
LARGE = 200_000
"""From so many examples on, one origin and one held-out fold say enough."""
_REPEATED_BELOW = 20_000
"""Above, a second repeat says the same again (an AUC .0001 away at 30,000 examples, seen) and doubles the time."""
_MIN_TEST_CLASS = 10
"""With fewer winners or losers on either side of a cut-off, a split by time says nothing."""
_LEAST_KEPT = 0.5
"""Share of the examples before a cut-off that must be left if labels still open there are to be left out."""
_DAY = 86_400_000_000
_REPEAT_SEEDS = 1_000
"""Between the seeds of two repeats, so that no fold's trees share one."""


@dataclass(frozen=True)
class Part:
    """What one origin, or one repeat, has judged."""

    name: str
    learned_from: Integers
    """Places of the examples; for a repeat all of them, each fold's in turn."""
    places: Integers
    probabilities: Probabilities
    baselines: Mapping[str, Probabilities]
    gap_days: int = 0
    """Days before the cut-off of which nothing was learned, since outcomes were still open."""


@dataclass(frozen=True)
class Judged:
    """Held-out probabilities of what the metrics are about, and held-out log odds for the final calibration."""

    method: str
    parts: tuple[Part, ...]
    places: Integers
    """Places of ``log_odds`` among the examples; none twice."""
    log_odds: Probabilities
    rounds: int | None
    """How many rounds of trees were best; None where that is to be found on all examples."""


def judge(data: Prepared, plan: Plan, params: Params) -> Judged:
    """Judge by time where the examples have times and enough winners and losers on each side, else by fold."""
    origins = usable_origins(data.examples, plan)
    return _judge_by_time(data, *origins, plan, params) if origins else _judge_by_fold(data, plan, params)


def usable_origins(examples: Examples, plan: Plan) -> tuple[tuple[Split, ...], int] | None:
    """Return as many origins as the data bear, three at most, and the days left out before each; None if not one.

    The label of an example is known once the horizon has passed; so the days of the horizon before a cut-off are left
    out, unless more than half of the examples before a cut-off would go.
    """
    if not examples.timed:
        return None
    for number in range(1 if len(examples) >= LARGE else ORIGINS, 0, -1):
        plain = rolling_origins(examples.moments, examples.leads, plan.test_share, number)
        if not all(_is_usable(examples, split) for split in plain):
            continue
        gap = plan.horizon_days * _DAY
        honest = rolling_origins(examples.moments, examples.leads, plan.test_share, number, gap)
        affordable = all(
            len(one.train) >= _LEAST_KEPT * len(whole.train) and _is_usable(examples, one)
            for one, whole in zip(honest, plain, strict=True)
        )
        return (honest, plan.horizon_days) if affordable else (plain, 0)
    return None


def _is_usable(examples: Examples, split: Split) -> bool:
    for side in (split.train, split.test):
        won = float(examples.labels[side].sum())
        if min(won, len(side) - won) < _MIN_TEST_CLASS:
            return False
    return True


def _judge_by_time(data: Prepared, splits: tuple[Split, ...], gap_days: int, plan: Plan, params: Params) -> Judged:
    """At each origin: fit on what is earlier, calibrate on held-out scores of that, judge the leads that follow.

    Held-out are folds of what precedes the first origin, and whatever earlier origins have judged since.
    """
    examples, matrix, spec = data.examples, data.matrix, data.learned.spec
    parts: list[Part] = []
    places, log_odds, model = np.empty(0, np.int64), np.empty(0), None
    for split in splits:
        train, test = split.train, split.test
        model = fit(matrix[train], examples.labels[train], examples.leads[train], spec, params)
        if not parts:
            places, log_odds = _held_out(data, train, plan, params, model.rounds)
        known = np.isin(places, train)
        curve = calibrate(log_odds[known], examples.labels[places[known]], examples.leads[places[known]], plan.seed)
        test_odds = model.log_odds(matrix[test])
        beside = baselines(matrix, examples.labels, spec, train, test)
        parts.append(Part(_since(examples, test), train, test, curve.apply(test_odds), beside, gap_days))
        places, log_odds = np.concatenate([places, test]), np.concatenate([log_odds, test_odds])
    return Judged(OUT_OF_TIME, tuple(parts), places, log_odds, _rounds(model))


def _judge_by_fold(data: Prepared, plan: Plan, params: Params) -> Judged:
    """Judge every example by trees, and by a calibration, that have not seen its lead; small data twice."""
    repeats = REPEATS if len(data.examples) < _REPEATED_BELOW else 1
    everything, parts, held = np.arange(len(data.examples)), [], []
    for number in range(repeats):
        shifted = plan.seed + number * _REPEAT_SEEDS
        places, log_odds = _held_out(data, everything, plan, replace(params, seed=shifted), None)
        held.append((places, log_odds))
        parts.append(_repeat(data, f"repeat {number + 1}", places, log_odds, plan.folds, shifted))
    return Judged(OUT_OF_FOLD, tuple(parts), *held[0], None)


def _repeat(data: Prepared, name: str, places: Integers, log_odds: Probabilities, folds: int, seed: int) -> Part:
    """Calibrate and compare held-out scores, each fold by the others."""
    labels, leads = data.examples.labels[places], data.examples.leads[places]
    fold = fold_of(labels, leads, folds, seed + 2)
    probabilities = np.empty(len(places))
    beside: dict[str, Probabilities] = {}
    for number in range(folds):
        seen, unseen = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        probabilities[unseen] = calibrate(log_odds[seen], labels[seen], leads[seen], seed).apply(log_odds[unseen])
        spec = data.learned.spec
        for other, found in baselines(data.matrix, data.examples.labels, spec, places[seen], places[unseen]).items():
            beside.setdefault(other, np.empty(len(places)))[unseen] = found
    return Part(name, places, places, probabilities, beside)


def _held_out(
    data: Prepared, places: Integers, plan: Plan, params: Params, rounds: int | None
) -> tuple[Integers, Probabilities]:
    """Score some of the examples by trees that have not seen their leads; return their places among all."""
    found, log_odds = held_out(
        data.matrix[places],
        data.examples.labels[places],
        data.examples.leads[places],
        data.learned.spec,
        params,
        folds=plan.folds,
        rounds=rounds,
        only=1 if len(places) >= LARGE else None,
    )
    return places[found], log_odds


def _since(examples: Examples, test: Integers) -> str:
    """Name an origin by the day of the first example that it judges."""
    return f"from {np.datetime64(int(examples.moments[test].min()), 'us').astype('datetime64[D]')}"


def _rounds(model: FittedModel | None) -> int | None:
    return None if model is None else model.rounds

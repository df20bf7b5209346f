"""A challenger beside the champion and the reference, on leads that none of them has learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leadhouse.models.calibrate import calibrate
from leadhouse.models.evaluate import Probabilities
from leadhouse.models.examples import Examples
from leadhouse.models.fit import fit, held_out, params_for
from leadhouse.models.learn import Trained
from leadhouse.models.matrix import Floats, Integers
from leadhouse.models.model import LeadModel
from leadhouse.models.plan import Plan, Prepared
from leadhouse.models.promotion import MIN_CLASS, Criterion, Judgement, judge
from leadhouse.models.slices import levels_of

DAY = 86_400_000_000
LEAST_KEPT = 0.5
"""Share of a challenger's new leads that must be left if those whose outcome was still open are to be left out."""


@dataclass(frozen=True)
class Window:
    """A stretch of time in which models are compared."""

    learned_from: Integers
    """Places of the examples that the challenger may learn from for the comparison."""
    judged: Integers
    """Places of the examples of later leads, none of which any of the models has learned from."""


def challenge(
    data: Prepared, plan: Plan, trained: Trained, champion: LeadModel | None, reference: LeadModel | None
) -> Judgement:
    """Say whether a newly trained model may take the champion's place.

    Where there is no champion for the plan's outcome and horizon yet, the model's own held-out figures are held against
    the base rate. Otherwise all are compared on leads that came after those which champion and reference learned from:
    the earlier half of them stands for what the challenger has learned since, the later half judges. A model of the
    challenger's making that has not seen the judging half stands in for it.
    """
    rivals = [model for model in (champion, reference) if model is not None and is_about(model, plan)]
    if champion is None or not is_about(champion, plan):
        seen = trained.evidence
        return judge(seen.probabilities, None, None, seen.labels, seen.leads, seed=plan.seed)
    examples = data.examples
    if not examples.timed:
        return refused("the examples have no times, so none is known to be new to the champion; promote it by hand")
    window = common_window(examples, max(int(model.card["last_moment"]) for model in rivals), plan.horizon_days)
    won, lost = examples.take(window.judged).lead_counts()
    if min(won, lost) < MIN_CLASS or not has_both_classes(examples, window.learned_from):
        return refused(
            f"of leads that came later than the champion's, {won:,} won and {lost:,} did not; {MIN_CLASS} of each are "
            "needed to compare"
        )
    rows = examples.take(window.judged)
    names = (*data.learned.spec.names, *data.learned.excluded)
    dimensions, _ = levels_of(rows.rows, names, plan.slice_traits, rows.apart)
    beside = None if reference is None or not is_about(reference, plan) else reference.predict(rows.rows)
    return judge(
        stand_in(data, plan, window.learned_from, data.matrix[window.judged]),
        champion.predict(rows.rows),
        beside,
        rows.labels,
        rows.leads,
        slices=dimensions,
        seed=plan.seed,
    )


def common_window(examples: Examples, seen: int, horizon_days: int) -> Window:
    """Part the leads whose first example is later than ``seen`` (microseconds since 1970): the later half judges.

    What the challenger may learn from lies before them; without the days of the horizon, in which outcomes were still
    open, unless too little of the new would be left.
    """
    _, place = np.unique(examples.leads, return_inverse=True)
    first = np.full(int(place.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, place, examples.moments)
    new = first > seen
    if not new.any():
        return Window(np.empty(0, np.int64), np.empty(0, np.int64))
    start = int(np.quantile(first[new], 0.5, method="higher"))
    judged = np.flatnonzero(new[place] & (first[place] >= start))
    before = (first[place] < start) & (examples.moments < start)
    matured = before & (examples.moments <= start - horizon_days * DAY)
    keeps = (matured & new[place]).sum() >= LEAST_KEPT * (before & new[place]).sum()
    return Window(np.flatnonzero(matured if keeps else before), judged)


def stand_in(data: Prepared, plan: Plan, mine: Integers, judged: Floats) -> Probabilities:
    """Learn as a model of ``data`` and ``plan`` did, but from the examples at the places ``mine`` only, and return the
    probabilities of the rows of an encoded matrix."""
    examples = data.examples
    labels, leads, matrix = examples.labels[mine], examples.leads[mine], data.matrix[mine]
    params = params_for(len(mine), plan.seed)
    fitted = fit(matrix, labels, leads, data.learned.spec, params)
    places, log_odds = held_out(
        matrix, labels, leads, data.learned.spec, params, folds=plan.folds, rounds=fitted.rounds
    )
    curve = calibrate(log_odds, labels[places], leads[places], plan.seed)
    return curve.apply(fitted.log_odds(judged))


def is_about(model: LeadModel, plan: Plan) -> bool:
    """Whether a model foretells what the plan asks for; another outcome's model is no rival."""
    return (model.card["outcome"], model.card["horizon_days"]) == (plan.outcome, plan.horizon_days)


def has_both_classes(examples: Examples, places: Integers) -> bool:
    """Whether enough leads won, and enough did not, among the examples at some places."""
    return min(examples.take(places).lead_counts()) >= MIN_CLASS


def refused(words: str) -> Judgement:
    """Return the verdict where nothing can be compared, with the reason."""
    return Judgement(False, (Criterion("evidence", False, 0.0, 0.0, 0.0, float(MIN_CLASS), words),), 0, 0, 0, False,
                     f"refused: {words}")  # fmt: skip

"""From training examples to a judged, calibrated model, or to an honest no."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import xgboost as xgb
from sklearn.metrics import roc_auc_score

from leadhouse.conf.settings import Training
from leadhouse.models.baseline import logistic_log_odds
from leadhouse.models.calibrate import Calibration, calibrate
from leadhouse.models.evaluate import Metrics, Probabilities, evaluate
from leadhouse.models.examples import Examples, matrix_hash
from leadhouse.models.fit import Params, fit, held_out, params_for
from leadhouse.models.leakage import Suspect, suspects
from leadhouse.models.matrix import Floats, Integers, Learned, encode, learn_spec
from leadhouse.models.model import GRADE_SHARES, LeadModel, grade_cuts
from leadhouse.models.split import Labels, Split, fold_of, split_by_time

OUT_OF_TIME, OUT_OF_FOLD = "out of time", "out of fold"
PROCEDURE = 1
"""Raised when a change here would train another model from the same data."""
_LARGE = 200_000
"""From so many examples on, one held-out fold says enough."""
_MIN_TEST_CLASS = 10
"""With fewer winners or losers after the cut, a split by time says nothing."""


@dataclass(frozen=True)
class Plan:
    """What to learn, for whom, and how to judge it."""

    tenant: str
    outcome: str
    horizon_days: int
    test_share: float = Training.test_share
    folds: int = Training.folds
    min_positives: int = Training.min_positives
    min_negatives: int = Training.min_negatives
    seed: int = Training.seed


@dataclass(frozen=True)
class NotEnough:
    """An honest no: what is missing for a model."""

    reason: str


@dataclass(frozen=True)
class Trained:
    """A new model with its evidence."""

    model: LeadModel
    metrics: Metrics
    method: str
    """``out of time`` or ``out of fold``."""
    baseline_auc: float
    """AUC of a logistic regression on the same split."""
    suspects: tuple[Suspect, ...]
    excluded: Mapping[str, str]
    infinite: Mapping[str, int]
    labels: Labels
    """Labels of the examples that it was judged on, for the plots."""
    probabilities: Probabilities
    """Their calibrated probabilities."""


@dataclass(frozen=True)
class Prepared:
    """Training data, encoded, with the key that tells whether it was learned from before."""

    examples: Examples
    learned: Learned
    matrix: Floats
    key: str


@dataclass(frozen=True)
class _Judged:
    """Held-out log odds: of what the metrics are about, and of all that the final calibration may use."""

    metrics: Metrics
    method: str
    baseline_auc: float
    labels: Labels
    probabilities: Probabilities
    places: Integers
    log_odds: Probabilities
    rounds: int | None


def prepare(examples: Examples, plan: Plan) -> Prepared | NotEnough:
    """Encode the examples; NotEnough if too few leads won or lost, or no feature is left."""
    won, lost = examples.lead_counts()
    if won < plan.min_positives or lost < plan.min_negatives:
        return NotEnough(
            f"{won:,} leads with the outcome and {lost:,} without; "
            f"{plan.min_positives} and {plan.min_negatives} are needed"
        )
    learned = learn_spec(examples.rows, examples.leads)
    if not learned.spec.features:
        return NotEnough("no feature differs between leads")
    matrix = encode(examples.rows, learned.spec)
    basis = {
        "data": matrix_hash(examples, json.dumps(learned.spec.to_json()), matrix),
        "plan": asdict(plan),
        "params": asdict(params_for(len(examples), plan.seed)),
        "procedure": [PROCEDURE, xgb.__version__],
    }
    key = hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()
    return Prepared(examples, learned, matrix, key)


def learn(data: Prepared, plan: Plan) -> Trained:
    """Judge, then fit on everything.

    Where the examples are timed the model is judged on the latest leads (``test_share``), else on examples of leads
    that it has not seen, in ``folds`` folds. The final trees are fitted on all examples; calibration and grade cuts
    come from held-out scores only.
    """
    examples, params = data.examples, params_for(len(data.examples), plan.seed)
    split = _usable_split(examples, plan.test_share)
    judged = _judge_by_time(data, split, plan, params) if split else _judge_by_fold(data, plan, params)
    fitted = fit(data.matrix, examples.labels, examples.leads, data.learned.spec, params, judged.rounds)
    held = judged.places
    calibration = calibrate(judged.log_odds, examples.labels[held], examples.leads[held], plan.seed)
    cuts = grade_cuts(calibration.apply(judged.log_odds))
    found = suspects(data.matrix, examples.labels, examples.leads, data.learned.spec, plan.seed)
    model = LeadModel(fitted, calibration, cuts, _card(data, plan, judged, found, calibration))
    return Trained(
        model,
        judged.metrics,
        judged.method,
        judged.baseline_auc,
        found,
        data.learned.excluded,
        data.learned.infinite,
        judged.labels,
        judged.probabilities,
    )


def _usable_split(examples: Examples, test_share: float) -> Split | None:
    if not examples.timed:
        return None
    split = split_by_time(examples.moments, examples.leads, test_share)
    for side in (split.train, split.test):
        won = float(examples.labels[side].sum())
        if min(won, len(side) - won) < _MIN_TEST_CLASS:
            return None
    return split


def _judge_by_time(data: Prepared, split: Split, plan: Plan, params: Params) -> _Judged:
    """Fit on the earlier leads, calibrate on folds of them, judge on the later ones."""
    examples, matrix, spec = data.examples, data.matrix, data.learned.spec
    train, test = split.train, split.test
    model = fit(matrix[train], examples.labels[train], examples.leads[train], spec, params)
    inner, inner_odds = _held_out(data, train, plan, params, model.rounds)
    curve = calibrate(inner_odds, examples.labels[inner], examples.leads[inner], plan.seed)
    test_odds = model.log_odds(matrix[test])
    probabilities = curve.apply(test_odds)
    return _Judged(
        metrics=evaluate(examples.labels[test], probabilities),
        method=OUT_OF_TIME,
        baseline_auc=_auc(examples.labels[test], logistic_log_odds(matrix, examples.labels, spec, train, test)),
        labels=examples.labels[test],
        probabilities=probabilities,
        places=np.concatenate([inner, test]),
        log_odds=np.concatenate([inner_odds, test_odds]),
        rounds=model.rounds,
    )


def _judge_by_fold(data: Prepared, plan: Plan, params: Params) -> _Judged:
    """Judge every example by trees, and by a calibration, that have not seen its lead."""
    examples = data.examples
    places, log_odds = _held_out(data, np.arange(len(examples)), plan, params, None)
    labels, leads = examples.labels[places], examples.leads[places]
    fold = fold_of(labels, leads, plan.folds, plan.seed + 2)
    probabilities, baseline = np.empty(len(places)), np.empty(len(places))
    for number in range(plan.folds):
        seen, unseen = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        baseline[unseen] = logistic_log_odds(
            data.matrix, examples.labels, data.learned.spec, places[seen], places[unseen]
        )
        probabilities[unseen] = calibrate(log_odds[seen], labels[seen], leads[seen], plan.seed).apply(log_odds[unseen])
    return _Judged(
        metrics=evaluate(labels, probabilities),
        method=OUT_OF_FOLD,
        baseline_auc=_auc(labels, baseline),
        labels=labels,
        probabilities=probabilities,
        places=places,
        log_odds=log_odds,
        rounds=None,
    )


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
        only=1 if len(places) >= _LARGE else None,
    )
    return places[found], log_odds


def _auc(labels: Labels, scores: Probabilities) -> float:
    return float(roc_auc_score(labels, scores))


def _card(
    data: Prepared, plan: Plan, judged: _Judged, found: tuple[Suspect, ...], calibration: Calibration
) -> dict[str, object]:
    """Everything about a model that depends on its data and plan only: no clock, no table versions, no run ids."""
    won, lost = data.examples.lead_counts()
    return {
        **asdict(plan),
        "training_key": data.key,
        "method": judged.method,
        "metrics": asdict(judged.metrics),
        "baseline_auc": round(judged.baseline_auc, 6),
        "calibration": calibration.kind,
        "grade_shares": list(GRADE_SHARES),
        "suspects": [asdict(suspect) for suspect in found],
        "excluded": dict(data.learned.excluded),
        "infinite": dict(data.learned.infinite),
        "examples": len(data.examples),
        "leads_won": won,
        "leads_lost": lost,
        "timed": data.examples.timed,
        "first_moment": int(data.examples.moments.min()),
        "last_moment": int(data.examples.moments.max()),
        "xgboost": xgb.__version__,
    }

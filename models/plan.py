"""What to learn and how to judge it, and the data made ready for that, or an honest no."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

import xgboost as xgb

from leadhouse.conf.settings import Training
from leadhouse.models.examples import Examples, matrix_hash
from leadhouse.models.fit import params_for
from leadhouse.models.learned import Learned, learn_spec
from leadhouse.models.matrix import Floats, encode

PROCEDURE = 2
"""Raised when a change here, in learn.py or in judge.py would train another model from the same data."""


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
    slice_traits: tuple[str, ...] = ()
    """Traits, besides the country, by whose values the model is judged in slices."""
    ages_days: tuple[int, ...] = Training.ages_days
    """The ages at which each lead was looked at, where the examples are timed."""


@dataclass(frozen=True)
class NotEnough:
    """An honest no: what is missing for a model."""

    reason: str


@dataclass(frozen=True)
class Prepared:
    """Training data, encoded, with the key that tells whether it was learned from before."""

    examples: Examples
    learned: Learned
    matrix: Floats
    key: str


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

"""From training examples to a judged, calibrated model, or to an honest no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import xgboost as xgb

from leadhouse.models.calibrate import Calibration, calibrate
from leadhouse.models.evaluate import Metrics, Probabilities
from leadhouse.models.evidence import Evidence, gather
from leadhouse.models.fit import fit, params_for
from leadhouse.models.interval import fit_interval
from leadhouse.models.judge import OUT_OF_FOLD, OUT_OF_TIME, judge
from leadhouse.models.leakage import suspects
from leadhouse.models.leaks.suspect import Suspect
from leadhouse.models.model import GRADE_SHARES, LeadModel, grade_cuts
from leadhouse.models.overall import OVERALL, overall
from leadhouse.models.plan import PROCEDURE, NotEnough, Plan, Prepared, prepare
from leadhouse.models.seen import SEEN, seen_by
from leadhouse.models.split import Labels

__all__ = [
    "OUT_OF_FOLD",
    "OUT_OF_TIME",
    "PROCEDURE",
    "NotEnough",
    "Plan",
    "Prepared",
    "Trained",
    "learn",
    "prepare",
]


@dataclass(frozen=True)
class Trained:
    """A new model with its evidence."""

    model: LeadModel
    evidence: Evidence
    suspects: tuple[Suspect, ...]
    excluded: Mapping[str, str]
    infinite: Mapping[str, int]

    @property
    def metrics(self) -> Metrics:
        """Every figure, over all that was judged."""
        return self.evidence.metrics

    @property
    def method(self) -> str:
        """``out of time`` or ``out of fold``."""
        return self.evidence.method

    @property
    def baseline_auc(self) -> float:
        """AUC of a logistic regression on the same split."""
        return self.evidence.baseline_auc

    @property
    def labels(self) -> Labels:
        """Labels of the examples that it was judged on, for the plots."""
        return self.evidence.labels

    @property
    def probabilities(self) -> Probabilities:
        """Their calibrated probabilities."""
        return self.evidence.probabilities


def learn(data: Prepared, plan: Plan, sensitive: frozenset[str] = frozenset()) -> Trained:
    """Judge, then fit on everything.

    Where the examples are timed the model is judged on the latest leads (``test_share``), at up to three cut-offs one
    after another, else on examples of leads that it has not seen, in ``folds`` folds, small data twice. The final trees
    are fitted on all examples; calibration and grade cuts come from held-out scores only. ``sensitive`` are features
    that a contract declares as such although they are sensitive: the card names those that are learned from.
    """
    examples, params = data.examples, params_for(len(data.examples), plan.seed)
    judged = judge(data, plan, params)
    fitted = fit(data.matrix, examples.labels, examples.leads, data.learned.spec, params, judged.rounds)
    held = judged.places
    unseen = (judged.log_odds, examples.labels[held], examples.leads[held], plan.seed)
    calibration = replace(calibrate(*unseen), doubt=fit_interval(*unseen))
    probabilities = calibration.apply(judged.log_odds)
    cuts = grade_cuts(probabilities)
    seen = [None if one is None else one.to_json() for one in seen_by(data, held, probabilities)]
    found = suspects(data, plan)
    evidence = gather(data, judged, plan)
    declared = {"sensitive": [name for name in data.learned.spec.names if name in sensitive]}
    moves = overall(fitted, calibration, data.matrix, plan.seed).to_json()
    card = {**_card(data, plan, evidence, found, calibration), **declared, SEEN: seen, OVERALL: moves}
    model = LeadModel(fitted, calibration, cuts, card)
    return Trained(model, evidence, found, data.learned.excluded, data.learned.infinite)


def _card(
    data: Prepared, plan: Plan, evidence: Evidence, found: tuple[Suspect, ...], calibration: Calibration
) -> dict[str, object]:
    """Everything about a model that depends on its data and plan only: no clock, no table versions, no run ids."""
    won, lost = data.examples.lead_counts()
    return {
        **asdict(plan),
        "slice_traits": list(plan.slice_traits),
        "ages_days": list(plan.ages_days),
        "training_key": data.key,
        **evidence.to_json(),
        "calibration": calibration.kind,
        "grade_shares": list(GRADE_SHARES),
        "suspects": [asdict(suspect) for suspect in found],
        "excluded": dict(data.learned.excluded),
        "infinite": dict(data.learned.infinite),
        "rare": dict(data.learned.rare),
        "repeated": data.examples.repeated,
        "examples": len(data.examples),
        "leads_won": won,
        "leads_lost": lost,
        "timed": data.examples.timed,
        "first_moment": int(data.examples.moments.min()),
        "last_moment": int(data.examples.moments.max()),
        "xgboost": xgb.__version__,
    }

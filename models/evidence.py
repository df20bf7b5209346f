"""All that is known of how good a model is: figures with intervals, baselines, origins, slices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from leadhouse.models.baseline import BASE_RATE, LOGISTIC
from leadhouse.models.bootstrap import Interval, auc_draws, draws_for, interval_of, intervals
from leadhouse.models.evaluate import Bin, Metrics, Probabilities, auc, evaluate, log_losses, reliability, rounded
from leadhouse.models.judge import Judged, Part
from leadhouse.models.matrix import Integers
from leadhouse.models.plan import Plan, Prepared
from leadhouse.models.slices import Slices, levels_of, slices
from leadhouse.models.split import Labels


@dataclass(frozen=True)
class Baseline:
    """What a model must beat, judged on the same examples."""

    name: str
    auc: float
    log_loss: float
    gain: Interval | None
    """Of the model's AUC over this one, on the same draws of leads; None where too few draws have both classes."""


@dataclass(frozen=True)
class Origin:
    """One cut-off, or one repeat, judged alone."""

    name: str
    learned_from: int
    """Examples."""
    gap_days: int
    metrics: Metrics
    interval: Interval | None
    """Of the AUC."""
    baseline_auc: float
    """Of the logistic regression."""


@dataclass(frozen=True)
class Evidence:
    """How good a model is, on leads that it has not seen."""

    method: str
    metrics: Metrics
    intervals: Mapping[str, Interval]
    """95 %, by figure of ``metrics``."""
    draws: int
    baselines: tuple[Baseline, ...]
    origins: tuple[Origin, ...]
    slices: Slices
    reliability: tuple[Bin, ...]
    labels: Labels
    """Of the examples judged, an example once for every time it was judged."""
    probabilities: Probabilities
    leads: Integers
    """Whose they are."""

    @property
    def baseline_auc(self) -> float:
        """AUC of the logistic regression."""
        return next(one.auc for one in self.baselines if one.name == LOGISTIC)

    def to_json(self) -> dict[str, Any]:
        """Return all but the examples as JSON values."""
        return {
            "method": self.method,
            "metrics": asdict(self.metrics),
            "intervals": {name: [one.low, one.high] for name, one in self.intervals.items()},
            "draws": self.draws,
            "baseline_auc": self.baseline_auc,
            "baselines": [asdict(one) for one in self.baselines],
            "origins": [asdict(one) for one in self.origins],
            "reliability": [asdict(one) for one in self.reliability],
            **self.slices.to_json(),
        }


def gather(data: Prepared, judged: Judged, plan: Plan) -> Evidence:
    """Judge all origins or repeats together, each alone, and by slices."""
    examples = data.examples
    places = np.concatenate([part.places for part in judged.parts])
    probabilities = np.concatenate([part.probabilities for part in judged.parts])
    labels, leads = examples.labels[places], examples.leads[places]
    names = (*data.learned.spec.names, *data.learned.excluded)
    dimensions, missing = levels_of(examples.rows, names, plan.slice_traits, examples.apart)
    mine = {name: levels[places] for name, levels in dimensions.items()}
    return Evidence(
        method=judged.method,
        metrics=replace(evaluate(labels, probabilities), examples=len(np.unique(places))),
        intervals=intervals(labels, probabilities, leads, plan.seed),
        draws=draws_for(len(labels)),
        baselines=_baselines(judged.parts, labels, probabilities, leads, plan.seed),
        origins=tuple(_origin(part, examples.labels, examples.leads, plan.seed) for part in judged.parts),
        slices=Slices(slices(mine, labels, probabilities, leads, places, plan.seed), missing),
        reliability=tuple(
            replace(one, probability=rounded(one.probability), rate=rounded(one.rate))
            for one in reliability(labels, probabilities)
        ),
        labels=labels,
        probabilities=probabilities,
        leads=leads,
    )


def _baselines(
    parts: tuple[Part, ...], labels: Labels, probabilities: Probabilities, leads: Integers, seed: int
) -> tuple[Baseline, ...]:
    scores = {
        name: np.concatenate([part.baselines[name] for part in parts])
        for name in parts[0].baselines
        if all(name in part.baselines for part in parts)
    }
    # One rate for all can't tell leads apart; that of another fold would seem to, the wrong way round.
    told = {name: score for name, score in scores.items() if name != BASE_RATE}
    own, *others = auc_draws(labels, [probabilities, *told.values()], leads, seed)
    draws = {BASE_RATE: np.full(len(own), 0.5), **dict(zip(told, others, strict=True))}
    return tuple(
        Baseline(
            name,
            rounded(auc(labels, score)) if name in told else 0.5,
            rounded(log_losses(labels, score).mean()),
            interval_of(own - draws[name]),
        )
        for name, score in scores.items()
    )


def _origin(part: Part, labels: Labels, leads: Integers, seed: int) -> Origin:
    mine, owners = labels[part.places], leads[part.places]
    return Origin(
        name=part.name,
        learned_from=len(part.learned_from),
        gap_days=part.gap_days,
        metrics=evaluate(mine, part.probabilities),
        interval=interval_of(auc_draws(mine, [part.probabilities], owners, seed)[0]),
        baseline_auc=rounded(auc(mine, part.baselines[LOGISTIC])),
    )

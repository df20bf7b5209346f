"""Where a model is good and where it fails: the same judgement for one country, one channel, new leads, old leads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import logit
from scipy.stats import t as student

from leadhouse.models.bootstrap import Interval, auc_draws, interval_of
from leadhouse.models.evaluate import Probabilities, auc, log_losses, rounded
from leadhouse.models.examples import SOURCE, UNKNOWN, Levels
from leadhouse.models.matrix import Integers, Rows
from leadhouse.models.split import Labels
from leadhouse.transforms.feature_names import WINDOWS_DAYS, trait_feature

COUNTRY, CHANNEL, AGE = "country", "channel", "age"
NEW_BELOW_DAYS = 30
MAX_LEVELS = 10
"""A trait with more values is not sliced by; of countries and channels so many are shown, the others together."""
MIN_CLASS = 20
"""With fewer winners or losers a slice has no AUC."""
_MIN_LEADS = 20
"""With fewer leads a slice is not flagged."""
_LEVEL = 0.05
OTHERS = "all others"


@dataclass(frozen=True)
class Slice:
    """A model judged on some of the examples."""

    dimension: str
    """``source``, ``country``, ``channel``, ``age``, a trait's name, or ``tenant`` of a model that several share."""
    level: str
    examples: int
    leads: int
    base_rate: float
    probability: float
    """The mean of what the model says; far from the base rate, the model is off here."""
    log_loss: float
    base_log_loss: float
    """Log loss of the slice's own base rate, taken for each lead from the slice's other leads."""
    auc: float | None
    """None with fewer than MIN_CLASS winners or losers."""
    interval: Interval | None
    """Of the AUC."""
    worse: bool
    """Whether the model is worse than the slice's own base rate, beyond noise."""


@dataclass(frozen=True)
class Slices:
    """All slices of one evaluation, and what could not be sliced by."""

    slices: tuple[Slice, ...]
    missing: Mapping[str, str]
    """Dimensions that there are no slices of, with what would be needed."""

    def to_json(self) -> dict[str, Any]:
        """Return the slices as JSON values."""
        return {"slices": [asdict(one) for one in self.slices], "missing": dict(self.missing)}


def slices(
    dimensions: Mapping[str, Levels],
    labels: Labels,
    probabilities: Probabilities,
    leads: Integers,
    places: Integers,
    seed: int,
) -> tuple[Slice, ...]:
    """Judge the model by every level of every dimension, largest slices first.

    ``places`` tell examples apart: one that was judged twice counts once. A dimension in which all are equal has no
    slices.
    """
    members = [
        (name, level, np.flatnonzero(found == level))
        for name, found in dimensions.items()
        for level in _by_size(found)
        if len(np.unique(found)) > 1
    ]
    return tuple(
        _slice((name, level), labels[mine], probabilities[mine], leads[mine], places[mine], seed, len(members))
        for name, level, mine in members
    )


def levels_of(
    rows: Rows, names: Iterable[str], traits: Iterable[str], apart: Mapping[str, Levels]
) -> tuple[dict[str, Levels], dict[str, str]]:
    """Return each dimension with every row's level, and the dimensions that there are none of, with the reason.

    ``rows`` have ``numbers`` and ``categories`` as in gold.lead_features; ``names`` are those of all their features;
    ``traits`` those wanted besides the country; ``apart`` is that of the examples.
    """
    missing = {name: f"all leads are of {levels[0]}" for name, levels in apart.items() if len(set(levels)) == 1}
    found = {name: levels for name, levels in apart.items() if name not in missing}
    if SOURCE in found:
        found[SOURCE] = _largest(found[SOURCE])
    known = set(names)
    country = trait_feature(COUNTRY)
    if country in known:
        found[COUNTRY] = _largest(_texts(rows, country))
    else:
        missing[COUNTRY] = "no contract gives a field the role country"
    channels = _channel_counts(known)
    if channels:
        found[CHANNEL] = _largest(_main_channel(rows, channels))
    else:
        missing[CHANNEL] = "no feature counts the signals of a channel"
    if "age_days" in known:
        found[AGE] = _ages(rows)
    else:
        missing[AGE] = "no contract gives a field the role created_at"
    for trait in sorted(set(traits) - {COUNTRY}):
        levels = _texts(rows, trait_feature(trait)) if trait_feature(trait) in known else np.array([UNKNOWN])
        many = len(np.unique(levels))
        if many > MAX_LEVELS + 1:
            missing[trait] = f"it has {many:,} values; {MAX_LEVELS} are the most that are sliced by"
        elif many == 1:
            missing[trait] = "it is no feature, is no text, or is the same for all"
        else:
            found[trait] = levels
    return found, missing


def _slice(
    name: tuple[str, str],
    labels: Labels,
    probabilities: Probabilities,
    leads: Integers,
    places: Integers,
    seed: int,
    slices: int,
) -> Slice:
    won = float(labels.sum())
    judged = min(won, len(labels) - won) >= MIN_CLASS * len(labels) / len(np.unique(places))
    own = own_rate(labels, leads)
    return Slice(
        dimension=name[0],
        level=name[1],
        examples=len(np.unique(places)),
        leads=len(np.unique(leads)),
        base_rate=rounded(labels.mean(dtype=np.float64)),
        probability=rounded(probabilities.mean()),
        log_loss=rounded(log_losses(labels, probabilities).mean()),
        base_log_loss=rounded(log_losses(labels, own).mean()),
        auc=rounded(auc(labels, probabilities)) if judged else None,
        interval=interval_of(auc_draws(labels, [probabilities], leads, seed)[0]) if judged else None,
        worse=is_worse(labels, probabilities, own, leads, slices),
    )


def own_rate(labels: Labels, leads: Integers) -> Probabilities:
    """Return for each example the rate of all other leads, with half a winner and half a loser more.

    A rate that had seen its own lead would know more than any model may, and a slice without winners would have a rate
    that nothing can beat.
    """
    _, place = np.unique(leads, return_inverse=True)
    won = np.bincount(place, weights=labels)
    count = np.bincount(place)
    return np.asarray(((won.sum() - won + 0.5) / (len(labels) - count + 1.0))[place])


def is_worse(
    labels: Labels, probabilities: Probabilities, rate: Probabilities, leads: Integers, comparisons: int = 1
) -> bool:
    """Whether the model's log loss is above that of ``rate``, and by more than chance explains.

    A one-sided t test of the mean difference at 5 % over all ``comparisons`` together (Bonferroni), with leads as the
    independent units (Liang & Zeger, Biometrika 73, 1986). The spread is what the differences show, or what they would
    have if the model were right, whichever is larger: few winners show too little. Never with fewer than 20 leads.
    """
    ids, place = np.unique(leads, return_inverse=True)
    if len(ids) < _MIN_LEADS:
        return False
    excess = log_losses(labels, probabilities) - log_losses(labels, rate)
    shown = np.bincount(place, weights=excess - excess.mean())
    odds = logit(np.clip(probabilities, 1e-9, 1 - 1e-9)) - logit(rate)
    implied = np.bincount(place, weights=np.sqrt(probabilities * (1 - probabilities)) * np.abs(odds))
    spread = float(np.sqrt(max(np.square(shown).sum(), np.square(implied).sum()))) / len(labels)
    bound = float(student.ppf(1 - _LEVEL / comparisons, len(ids) - 1))
    return bool(excess.mean() > bound * spread)


def _by_size(levels: Levels) -> list[str]:
    names, counts = np.unique(levels, return_counts=True)
    return [str(names[place]) for place in np.lexsort((names, -counts))]


def _largest(levels: Levels) -> Levels:
    """Keep the ten most frequent levels; the others become one."""
    kept = _by_size(levels)[:MAX_LEVELS]
    return np.where(np.isin(levels, kept), levels, OTHERS)


def _texts(rows: Rows, key: str) -> Levels:
    return np.asarray(_lookup(rows, "categories", key).fill_null(UNKNOWN)).astype(str)


def _ages(rows: Rows) -> Levels:
    days = _floats(rows, "age_days")
    young = np.where(days < NEW_BELOW_DAYS, f"below {NEW_BELOW_DAYS} days", f"{NEW_BELOW_DAYS} days and more")
    return np.where(np.isnan(days), UNKNOWN, young)


def _channel_counts(names: set[str]) -> dict[str, str]:
    """Return the features that count a channel's signals over the longest window, by channel."""
    prefix = f"count_{max(WINDOWS_DAYS)}d:channel:"
    return {name.removeprefix(prefix): name for name in sorted(names) if name.startswith(prefix)}


def _main_channel(rows: Rows, counts: Mapping[str, str]) -> Levels:
    """Return the channel with most of a lead's signals; of equals the first by name."""
    table = np.stack([np.nan_to_num(_floats(rows, name)) for name in counts.values()])
    best = np.array(list(counts))[table.argmax(axis=0)]
    return np.where(table.max(axis=0) > 0, best, f"no signal in {max(WINDOWS_DAYS)} days")


def _floats(rows: Rows, key: str) -> npt.NDArray[np.float64]:
    return np.asarray(_lookup(rows, "numbers", key).cast(pa.float64()).fill_null(np.nan))


def _lookup(rows: Rows, column: str, key: str) -> pa.Array:
    found = pc.map_lookup(rows[column], pa.scalar(key), "first")
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found

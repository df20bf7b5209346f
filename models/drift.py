"""Whether what is scored still looks like what a model was trained on: beyond noise, and by an amount that matters.

Each figure has a threshold of its own, in its own unit, the higher of two. One is the least amount that matters. The
other is what chance alone exceeds with probability ALPHA divided by the number of figures (Bonferroni), so that a batch
without drift is flagged with probability ALPHA at most, however many features are watched and however small it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import jensenshannon
from scipy.special import xlogy
from scipy.stats import chi2, norm

from leadhouse.models.reference import Counts, Reference, Tally

VALUES, MISSING, NEW, SCORES, MEAN = "values", "missing", "new levels", "scores", "mean score"
ALPHA = 0.002
"""Of batches without drift, the share that may be flagged: two in fifty once in two hundred times."""
LEAST_PSI = 0.1
"""The convention among credit scorers: below .1 nothing changed, above .25 much did (Siddiqi, Credit Risk Scorecards,
2006)."""
LEAST_MISSING = 0.05
"""A change of a missing rate that matters, in shares of rows."""
LEAST_NEW = 0.02
"""So for rows with levels that were never learned."""
LEAST_MEAN = 0.2
"""So for the mean probability, as a share of what it was: what a base rate that changes shows before its outcomes."""
LEAST_ROWS = 50
"""Of fewer rows nothing is said."""
NAMED_FROM = 10
"""A new level is named where so many rows share it: an identifier is no news."""
_LEAST_EXPECTED = 5
"""Bins in which fewer rows are expected are one together: chi-square holds for no less (Cochran, 1954)."""
_DIGITS = 6


@dataclass(frozen=True)
class Drift:
    """One comparison with the reference."""

    kind: str
    """``values`` and ``scores`` (figure: PSI); ``missing``, ``new levels`` (change of the share of rows);
    ``mean score`` (change of the mean probability)."""
    feature: str
    """Empty for both kinds of scores."""
    figure: float
    expected: float
    """What it was: the missing rate, the share of rare levels, the mean probability; of a PSI, what chance gives."""
    threshold: float
    """The figure (whatever its sign) from which on it is drift."""
    distance: float | None
    """Jensen-Shannon distance, 0 to 1, beside a PSI: for the reader, it decides nothing."""
    drifted: bool
    rows: int
    words: str


def drift(reference: Reference, tally: Tally, alpha: float = ALPHA, scores: Counts | None = None) -> tuple[Drift, ...]:
    """Compare what was scored with the reference: every figure, those furthest above their threshold first.

    ``tally`` should hold each lead once. Of fewer than LEAST_ROWS rows nothing is said. ``alpha``: with what
    probability a tally without drift may be flagged; less than ALPHA where several are looked at together.
    ``scores`` are the model's own of earlier leads, without which the shape of the new ones is not compared. Held-out
    scores won't do: they are those of other trees, spread otherwise for the same leads (seen: of models of 600 to 3,000
    examples half were flagged in every batch), while their mean is as calibrated as the model's.
    """
    if tally.rows < LEAST_ROWS:
        return ()
    pairs = list(zip(reference.features, reference.seen.features, tally.features, strict=True))
    tests = (
        1
        + (scores is not None)
        + sum(1 + bool(known.levels) + _may_be_missing(seen, found) for known, seen, found in pairs)
    )
    alpha /= tests
    findings = [_mean(reference, tally, alpha)]
    if scores is not None:
        findings.append(_shape(SCORES, "", 1.0, scores, tally.scores, alpha))
    for known, seen, found in pairs:
        findings.append(_shape(VALUES, known.name, reference.weight, seen, found, alpha))
        if _may_be_missing(seen, found):
            findings.append(_missing(known.name, reference, seen, found, tally.rows, alpha))
        if known.levels:
            findings.append(_new(known.name, reference, seen, found, tally.rows, alpha))
    return tuple(sorted(findings, key=lambda one: (-abs(one.figure) / one.threshold, one.kind, one.feature)))


@dataclass(frozen=True)
class Shift:
    """How far a column's bins have moved."""

    psi: float
    """The population stability index."""
    distance: float
    """Jensen-Shannon distance, base 2."""
    bins: int
    """After pooling."""
    noise: float
    """1/n + 1/m: without drift PSI / noise is spread about as chi-square with bins - 1 degrees of freedom (Yurdakul and
    Naranjo, Journal of Risk Model Validation 14, 2020)."""
    g: float
    """The G statistic of both samples, spread so too; it takes a bin that emptied by chance less hard than PSI does."""

    def threshold(self, alpha: float) -> float:
        """Return the PSI from which on it matters and both statistics have a probability below ``alpha``."""
        if self.bins < 2:
            return LEAST_PSI
        critical = float(chi2.isf(alpha, self.bins - 1))
        by_g = critical * self.psi / self.g if self.g > 0 else 0.0
        return max(LEAST_PSI, critical * self.noise, by_g)


def shift(seen: Counts, found: Counts, weight: float = 1.0) -> Shift:
    """Compare two columns' bins, each present row of the reference counting ``weight``.

    Missing values and new levels are no bins here.
    """
    before, now = np.asarray(seen.bins, dtype=np.float64), np.asarray(found.bins, dtype=np.float64)
    if not now.sum() or not before.sum():
        return Shift(0.0, 0.0, 1, 1.0, 0.0)
    expected = (before + 0.5) / (before + 0.5).sum()
    rare = expected * now.sum() < _LEAST_EXPECTED
    expected, now = _pooled(expected, rare), _pooled(now, rare)
    # A row per bin, spread as expected: an empty bin has a logarithm, a bin that is nearly never used has no say.
    start = len(expected)
    share = (now + start * expected) / (now.sum() + start)
    index = float(((share - expected) * np.log(share / expected)).sum())
    distance = float(jensenshannon(share, expected, base=2))
    known = weight * float(before.sum())
    return Shift(index, distance, len(expected), float(1 / now.sum() + 1 / known), _g(known * expected, now))


def _g(before: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> float:
    table = np.stack([before, now])
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return float(2 * xlogy(table, table / expected).sum())


def _shape(kind: str, feature: str, weight: float, seen: Counts, found: Counts, alpha: float) -> Drift:
    moved = shift(seen, found, weight)
    threshold = moved.threshold(alpha)
    drifted = moved.psi >= threshold
    what = "the scores" if kind == SCORES else feature
    words = f"{what} {'moved' if drifted else 'stayed'}: PSI {moved.psi:.3f}, drift from {threshold:.3f} on"
    by_chance = (moved.bins - 1) * moved.noise
    return _drift(kind, feature, moved.psi, by_chance, threshold, moved.distance, drifted, sum(found.bins), words)


def _missing(name: str, reference: Reference, seen: Counts, found: Counts, rows: int, alpha: float) -> Drift:
    before, now = seen.missing / reference.seen.rows, found.missing / rows
    reach = float(norm.isf(alpha / 2)) * _error(seen.missing, found.missing, reference, rows)
    threshold = max(LEAST_MISSING, reach)
    words = f"{name} is missing in {now:.1%} of rows, {before:.1%} in training"
    return _drift(MISSING, name, now - before, before, threshold, None, abs(now - before) >= threshold, rows, words)


def _new(name: str, reference: Reference, seen: Counts, found: Counts, rows: int, alpha: float) -> Drift:
    before, now = seen.new / reference.seen.rows, found.new / rows
    threshold = max(LEAST_NEW, float(norm.isf(alpha)) * _error(seen.new, found.new, reference, rows))
    named = [f"{level} {count:,}" for level, count in found.new_levels if count >= NAMED_FROM][:3]
    words = f"{name} has an unknown level in {now:.1%} of rows, {before:.1%} in training"
    words += f" ({', '.join(named)})" if named else ""
    return _drift(NEW, name, now - before, before, threshold, None, now - before >= threshold, rows, words)


def _mean(reference: Reference, tally: Tally, alpha: float) -> Drift:
    (before, error), (now, own) = _mean_score(reference.seen, reference.weight), _mean_score(tally)
    threshold = max(LEAST_MEAN * before, float(norm.isf(alpha / 2)) * float(np.hypot(error, own)))
    words = f"the mean score is {now:.3f}, {before:.3f} where the model was judged"
    return _drift(MEAN, "", now - before, before, threshold, None, abs(now - before) >= threshold, tally.rows, words)


def _mean_score(tally: Tally, weight: float = 1.0) -> tuple[float, float]:
    """Return a mean probability and its standard error."""
    many = max(1, sum(tally.scores.bins))
    mean = tally.total / many
    return mean, float(np.sqrt(max(0.0, tally.squares / many - mean**2) / (weight * many)))


def _error(before: int, now: int, reference: Reference, rows: int) -> float:
    """The standard error of a difference of two shares, where both are one."""
    weighted = reference.seen.rows * reference.weight
    share = (before * reference.weight + now) / (weighted + rows)
    return float(np.sqrt(share * (1 - share) * (1 / weighted + 1 / rows)))


def _drift(
    kind: str,
    feature: str,
    figure: float,
    expected: float,
    threshold: float,
    distance: float | None,
    drifted: bool,
    rows: int,
    words: str,
) -> Drift:
    shown = None if distance is None else round(distance, _DIGITS)
    figure, expected, threshold = (round(float(value), _DIGITS) for value in (figure, expected, threshold))
    return Drift(kind, feature, figure, expected, threshold, shown, bool(drifted), rows, words)


def _may_be_missing(seen: Counts, found: Counts) -> bool:
    return seen.missing + found.missing > 0


def _pooled(values: npt.NDArray[np.float64], rare: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    return np.append(values[~rare], values[rare].sum()) if rare.any() else values

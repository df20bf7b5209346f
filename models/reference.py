"""What the data looked like that a model was trained on: counts in bins, of bounded size, to hold new data against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadhouse.conf.errors import LeadhouseError
from leadhouse.models.evaluate import Probabilities
from leadhouse.models.matrix import CATEGORY, Feature, FeatureSpec, Floats, Integers, Rows, encode
from leadhouse.models.split import Labels

BINS = 10
"""Bins that a number's values are parted into, about equal; a value that many share has one of its own."""
LEVEL_BINS = 20
"""A category's levels with a bin of their own, the most frequent; the others that were learned share one."""
NEW_LEVELS = 20
"""New levels that a tally remembers by name, the most frequent."""
_LARGE = 100_000
"""Rows that bins are found from at most, drawn evenly; all rows are counted."""


@dataclass(frozen=True)
class Bins:
    """How one column's values are parted."""

    name: str
    """The feature's; empty for the scores."""
    edges: tuple[float, ...] = ()
    """Of numbers, ascending; a value equal to an edge is above it."""
    levels: tuple[str, ...] = ()
    """Of a category: those with a bin of their own."""


@dataclass(frozen=True)
class Counts:
    """How many rows fell where, in one column."""

    bins: tuple[int, ...]
    missing: int = 0
    new: int = 0
    """Rows of a category with a level that the model has not learned (in training: a rare one)."""
    new_levels: tuple[tuple[str, int], ...] = ()
    """The most frequent of those levels."""

    def __add__(self, other: Counts) -> Counts:
        """Return the counts of both."""
        levels = dict(self.new_levels)
        for level, count in other.new_levels:
            levels[level] = levels.get(level, 0) + count
        bins = tuple(mine + theirs for mine, theirs in zip(self.bins, other.bins, strict=True))
        return Counts(bins, self.missing + other.missing, self.new + other.new, _most_frequent(levels))


@dataclass(frozen=True)
class Tally:
    """Scored rows, counted in a reference's bins. Tallies of parts add up to that of the whole."""

    rows: int
    features: tuple[Counts, ...]
    scores: Counts
    total: float
    """The sum of the probabilities."""
    squares: float
    """The sum of their squares."""

    def __add__(self, other: Tally) -> Tally:
        """Return the tally of both."""
        features = tuple(mine + theirs for mine, theirs in zip(self.features, other.features, strict=True))
        return Tally(
            self.rows + other.rows,
            features,
            self.scores + other.scores,
            self.total + other.total,
            self.squares + other.squares,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the tally as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Tally:
        """Read what ``to_json`` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        features = tuple(map(_counts, document["features"]))
        sums = (float(document[key]) for key in ("total", "squares"))
        return cls(int(document["rows"]), features, _counts(document["scores"]), *sums)


@dataclass(frozen=True)
class Reference:
    """Training data in bins, with the rate and the scores that were seen where the model was judged."""

    features: tuple[Bins, ...]
    scores: Bins
    seen: Tally
    """The training rows; its scores are of the held-out examples."""
    weight: float
    """Leads per row, at most 1: rows of one lead say little more than one."""
    base_rate: float
    mean_probability: float

    def to_json(self) -> dict[str, Any]:
        """Return the reference as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Reference:
        """Read what ``to_json`` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        figures = (float(document[key]) for key in ("weight", "base_rate", "mean_probability"))
        features, seen = tuple(map(_bins, document["features"])), Tally.from_json(document["seen"])
        return cls(features, _bins(document["scores"]), seen, *figures)


def reference(
    rows: Rows,
    matrix: Floats,
    labels: Labels,
    probabilities: Probabilities,
    spec: FeatureSpec,
    leads: Integers | None = None,
) -> Reference:
    """Return the reference of a model.

    ``rows`` are the training rows, with the columns of gold.lead_features, ``matrix`` the same, encoded by ``spec``,
    and ``leads`` their leads (each row its own by default). ``labels`` and ``probabilities`` are those of the held-out
    examples that the model was judged on: what a model says of rows that it was trained on is too sure.
    """
    features = tuple(_feature_bins(feature, matrix[:, place]) for place, feature in enumerate(spec.features))
    scores = Bins("", edges=_edges(probabilities))
    many = len(np.unique(leads)) if leads is not None else len(matrix)
    return Reference(
        features,
        scores,
        _tally(features, scores, rows, matrix, probabilities, spec),
        weight=round(many / max(1, len(matrix)), 6),
        base_rate=round(float(labels.mean()), 6),
        mean_probability=round(float(probabilities.mean()), 6),
    )


def tally(
    known: Reference, rows: Rows, probabilities: Probabilities, spec: FeatureSpec, matrix: Floats | None = None
) -> Tally:
    """Count scored rows in the reference's bins; ``matrix`` spares encoding them again.

    Raises LeadhouseError where the reference is of another model's features.
    """
    names = tuple(bins.name for bins in known.features)
    if names != spec.names:
        odd = sorted(set(names) ^ set(spec.names)) or ["their order"]
        raise LeadhouseError(
            f"drift: expected a reference of the model's own {len(spec.names)} features; {odd[0]} differs; train again"
        )
    encoded = encode(rows, spec) if matrix is None else matrix
    return _tally(known.features, known.scores, rows, encoded, probabilities, spec)


def _tally(
    bins: tuple[Bins, ...], scores: Bins, rows: Rows, matrix: Floats, probabilities: Probabilities, spec: FeatureSpec
) -> Tally:
    counts = tuple(
        _category_counts(part, feature, matrix[:, place], rows)
        if feature.kind == CATEGORY
        else _number_counts(part, matrix[:, place])
        for place, (part, feature) in enumerate(zip(bins, spec.features, strict=True))
    )
    spread = _number_counts(scores, probabilities)
    return Tally(len(matrix), counts, spread, float(probabilities.sum()), float(np.square(probabilities).sum()))


def _number_counts(bins: Bins, column: npt.NDArray[np.floating[Any]]) -> Counts:
    present = column[~np.isnan(column)]
    places = np.searchsorted(np.asarray(bins.edges), present, side="right")
    found = np.bincount(places, minlength=len(bins.edges) + 1)
    return Counts(tuple(found.tolist()), len(column) - len(present))


def _category_counts(bins: Bins, feature: Feature, column: Floats, rows: Rows) -> Counts:
    place_of = {level: place for place, level in enumerate(bins.levels)}
    places = np.array([place_of.get(level, len(bins.levels)) for level in feature.levels], dtype=np.int64)
    learned = ~np.isnan(column)
    found = np.bincount(places[column[learned].astype(np.int64)], minlength=len(bins.levels) + 1)
    # The matrix doesn't tell a new level from a missing one; the rows do.
    values = pc.map_lookup(rows["categories"], pa.scalar(feature.name), "first")
    unknown = values.filter(pc.and_(pc.is_valid(values), pa.array(~learned)))
    levels = {str(entry["values"]): int(entry["counts"]) for entry in pc.value_counts(unknown).to_pylist()}
    missing = int((~learned).sum()) - len(unknown)
    return Counts(tuple(found.tolist()), missing, len(unknown), _most_frequent(levels))


def _feature_bins(feature: Feature, column: Floats) -> Bins:
    present = column[~np.isnan(column)]
    if feature.kind != CATEGORY:
        return Bins(feature.name, edges=_edges(present))
    counts = np.bincount(present.astype(np.int64), minlength=len(feature.levels))
    order = np.argsort(-counts, kind="stable")[:LEVEL_BINS]
    return Bins(feature.name, levels=tuple(feature.levels[place] for place in order))


def _edges(present: npt.NDArray[np.floating[Any]]) -> tuple[float, ...]:
    """Return edges of bins that hold about a tenth each, except that what many rows share has a bin alone."""
    if not len(present):
        return ()
    values, counts = np.unique(present[:: -(-len(present) // _LARGE)], return_counts=True)
    if len(values) == 1:  # anything else is below or above
        return float(values[0]), float(np.nextafter(values[0], values.dtype.type(np.inf)))
    if len(values) <= BINS:
        return tuple(values[1:].tolist())
    total = np.cumsum(counts)
    least = total[-1] / BINS
    edges: list[float] = []
    start = 0
    while start < len(values):
        before = total[start] - counts[start]
        end = int(np.searchsorted(total, before + least))
        if start < end < len(values) and counts[end] >= least:
            end -= 1
        start = end + 1
        if start < len(values):
            edges.append(float(values[start]))
    return tuple(edges)


def _most_frequent(levels: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(levels.items(), key=lambda item: (-item[1], item[0]))[:NEW_LEVELS])


def _counts(document: Mapping[str, Any]) -> Counts:
    levels = tuple((str(level), int(count)) for level, count in document["new_levels"])
    return Counts(tuple(map(int, document["bins"])), int(document["missing"]), int(document["new"]), levels)


def _bins(document: Mapping[str, Any]) -> Bins:
    return Bins(str(document["name"]), tuple(map(float, document["edges"])), tuple(map(str, document["levels"])))

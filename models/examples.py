"""Training examples: what was known about a lead at a moment, and whether it converted within the horizon."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadhouse.models.learned import learn_spec
from leadhouse.models.matrix import Floats, Integers, encode

_DAY_MICROS = 86_400_000_000
TENANT, SOURCE = "tenant", "source"
UNKNOWN = "not known"

Levels: TypeAlias = npt.NDArray[np.str_]
"""What each example is, by something that tells examples apart."""


@dataclass(frozen=True)
class Later:
    """What is known of the examples' leads by now, once the outcomes are; for the check whether these changed it."""

    rows: pa.Table
    """``numbers`` and ``categories``, a row per example; without entries where nothing is known."""
    days: Floats
    """Days since each example; NaN where nothing is known of its lead later than that."""

    def take(self, places: Integers) -> Later:
        """Return what is known of the examples at these places."""
        return Later(self.rows.take(pa.array(places)), self.days[places])


@dataclass(frozen=True)
class Examples:
    """Training rows in one canonical order, so that neither hash nor model depends on the order they came in."""

    rows: pa.Table
    """``numbers`` and ``categories``, as in gold.lead_features."""
    labels: npt.NDArray[np.float32]
    """1 won, 0 not."""
    leads: Integers
    """One integer per lead, in the order of lead_id."""
    moments: Integers
    """as_of in microseconds since 1970 UTC."""
    timed: bool
    """Whether the moments mean something; otherwise there is one example per lead and no split by time."""
    later: Later | None = None
    repeated: int = 0
    """Rows that were left out, since they spoke of the same lead at the same moment as another."""
    apart: Mapping[str, Levels] = field(default_factory=dict)
    """What examples are told apart by besides their features: ``tenant``, where several's are together, and ``source``,
    which spoke of the lead first. Models are judged by it; none learns it."""

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels)

    def take(self, places: Integers) -> Examples:
        """Return the examples at these places, in this order."""
        return replace(
            self,
            rows=self.rows.take(pa.array(places)),
            labels=self.labels[places],
            leads=self.leads[places],
            moments=self.moments[places],
            later=None if self.later is None else self.later.take(places),
            apart={name: levels[places] for name, levels in self.apart.items()},
        )

    def lead_counts(self) -> tuple[int, int]:
        """Return how many leads won at least once, and how many never did."""
        won = len(np.unique(self.leads[self.labels > 0]))
        return won, len(np.unique(self.leads)) - won


def read_examples(table: pa.Table, later: pa.Table | None = None) -> Examples:
    """Read examples from Arrow.

    ``table`` has lead_id STRING, as_of TIMESTAMP, label BOOLEAN, timed BOOLEAN, numbers and categories (maps), and may
    have source STRING, which spoke of the lead first. Examples count as timed if all are. Of rows of the same lead and
    moment one is kept, a won one if there is one. ``later`` has lead_id, as_of, numbers and categories, a row per lead,
    as they are known by now; what is untimed has no later.
    """
    keys = [("lead_id", "ascending"), ("as_of", "ascending"), ("label", "descending")]
    ordered = table.take(pc.sort_indices(table, sort_keys=keys)).combine_chunks()
    ids = pc.rank(ordered["lead_id"], tiebreaker="dense") if len(ordered) else pa.array([], pa.int64())
    leads = np.asarray(ids).astype(np.int64)
    moments = _micros(ordered["as_of"])
    again = np.zeros(len(ordered), dtype=np.bool_)
    again[1:] = (np.diff(leads) == 0) & (np.diff(moments) == 0)
    if again.any():
        ordered, leads, moments = ordered.filter(pa.array(~again)), leads[~again], moments[~again]
    timed = len(ordered) > 0 and bool(pc.all(ordered["timed"]).as_py())
    return Examples(
        rows=ordered.select(["numbers", "categories"]),
        labels=np.asarray(ordered["label"].cast(pa.int8())).astype(np.float32),
        leads=leads,
        moments=moments,
        timed=timed,
        later=None if later is None or not timed else _later(ordered["lead_id"], moments, later),
        repeated=int(again.sum()),
        apart={SOURCE: _levels(ordered[SOURCE])} if SOURCE in ordered.column_names else {},
    )


def _later(lead_ids: pa.ChunkedArray, moments: Integers, later: pa.Table) -> Later:
    place = pc.index_in(lead_ids, value_set=later["lead_id"].combine_chunks()).combine_chunks()
    rows = later.select(["numbers", "categories"]).take(place)
    micros = np.append(_micros(later["as_of"]), 0)[np.asarray(place.fill_null(len(later)))]
    known = np.asarray(place.is_valid()) & (micros > moments)
    return Later(rows, np.where(known, (micros - moments) / _DAY_MICROS, np.nan).astype(np.float32))


def _levels(values: pa.ChunkedArray) -> Levels:
    return np.asarray(values.fill_null(UNKNOWN)).astype(str)


def _micros(moments: pa.ChunkedArray) -> Integers:
    return np.asarray(moments.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()))


def data_hash(examples: Examples) -> str:
    """Return the SHA-256 of everything that a model learns from; equal training data, equal hash."""
    learned = learn_spec(examples.rows, examples.leads)
    return matrix_hash(examples, json.dumps(learned.spec.to_json()), encode(examples.rows, learned.spec))


def matrix_hash(examples: Examples, spec: str, matrix: Floats) -> str:
    """Return ``data_hash`` where specification (as JSON text) and matrix are at hand."""
    digest = hashlib.sha256(spec.encode())
    for part in (matrix, examples.labels, examples.leads, examples.moments, np.array([examples.timed])):
        digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()

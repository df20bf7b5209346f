"""Training examples: what was known about a lead at a moment, and whether it converted within the horizon."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from leadhouse.models.matrix import Floats, Integers, encode, learn_spec


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

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels)

    def take(self, places: Integers) -> Examples:
        """Return the examples at these places, in this order."""
        return Examples(
            self.rows.take(pa.array(places)), self.labels[places], self.leads[places], self.moments[places], self.timed
        )

    def lead_counts(self) -> tuple[int, int]:
        """Return how many leads won at least once, and how many never did."""
        won = len(np.unique(self.leads[self.labels > 0]))
        return won, len(np.unique(self.leads)) - won


def read_examples(table: pa.Table) -> Examples:
    """Read examples from Arrow.

    ``table`` has lead_id STRING, as_of TIMESTAMP, label BOOLEAN, timed BOOLEAN, numbers and categories (maps). Examples
    count as timed if all are.
    """
    order = pc.sort_indices(table, sort_keys=[("lead_id", "ascending"), ("as_of", "ascending")])
    ordered = table.take(order).combine_chunks()
    ids = pc.rank(ordered["lead_id"], tiebreaker="dense") if len(ordered) else pa.array([], pa.int64())
    moments = ordered["as_of"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())
    timed = len(ordered) > 0 and bool(pc.all(ordered["timed"]).as_py())
    return Examples(
        rows=ordered.select(["numbers", "categories"]),
        labels=np.asarray(ordered["label"].cast(pa.int8())).astype(np.float32),
        leads=np.asarray(ids).astype(np.int64),
        moments=np.asarray(moments),
        timed=timed,
    )


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

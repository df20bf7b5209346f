"""Records that have nothing to say: a payload whose array of items is empty is in no account, rightly."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from leadhouse.conf.errors import InputError
from leadhouse.expectations.contract import Shape
from leadhouse.expectations.odcs import parse_contract
from leadhouse.jobs.runtime.book import BOOK
from leadhouse.jobs.runtime.definitions import CONTRACTS
from leadhouse.jobs.runtime.place import Place
from leadhouse.jobs.runtime.reader import Reader
from leadhouse.jobs.soundness.content import batches

_CONTRACTS = f"""
SELECT DISTINCT entry['key'] AS name, entry['value'] AS digest
FROM (SELECT unnest(map_entries(definitions)) AS entry FROM {BOOK}) WHERE starts_with(entry['key'], '{CONTRACTS}')
"""


def records_without_items(place: Place, source: tuple[str, str], record_ids: Sequence[str]) -> list[str]:
    """Return those of a source's records that should have had items: the others are empty by their contract."""
    shapes = [shape for shape in _shapes(place, source) if shape.items]
    if not shapes:
        return list(record_ids)
    wanted = pa.array(record_ids)
    empty: set[str] = set()
    for batch in batches(place, "bronze.records", ("record_id", "raw")):
        for row in batch.filter(pc.is_in(batch.column("record_id"), wanted)).to_pylist():
            if any(_is_empty(row["raw"], shape) for shape in shapes):
                empty.add(row["record_id"])
    return [record_id for record_id in record_ids if record_id not in empty]


def _shapes(place: Place, source: tuple[str, str]) -> list[Shape]:
    """Return how the contracts that were ever used say a source is read."""
    found = []
    for row in Reader(place).fetch(_CONTRACTS):
        path = place.root / "definitions" / row["digest"]
        try:
            contract = parse_contract(path.read_bytes(), row["name"], source[0])
        except (InputError, OSError):
            continue  # another check says so
        if (contract.tenant, contract.source) == source:
            found.append(contract.shape)
    return found


def _is_empty(raw: bytes, shape: Shape) -> bool:
    try:
        value = json.loads(raw.decode(shape.encoding))
        for part in (shape.items or "$").split("."):
            value = value if part == "$" else value[part]
    except (ValueError, KeyError, TypeError, IndexError):
        return False
    return bool(value == [])

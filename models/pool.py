"""The examples of several tenants put together, with who owns which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from leadhouse.models.examples import SOURCE, TENANT, UNKNOWN, Examples, Later
from leadhouse.models.matrix import Integers


@dataclass(frozen=True)
class Pool:
    """Examples of several tenants as if they were one's. A tenant's name is no feature."""

    examples: Examples
    places: Mapping[str, Integers]
    """Per tenant where its examples are, in the order that they had."""
    left_out: tuple[str, ...]
    """Tenants whose examples have no times, where others' have: their labels don't mean the same."""


def pool(each: Mapping[str, Examples]) -> Pool:
    """Put tenants' examples together, in the order of the tenants' names, whatever order they come in.

    Leads of two tenants are two leads, whatever their ids. Where some tenants' examples are timed, those of others are
    left out. Expects at least one tenant.
    """
    timed = any(examples.timed for examples in each.values())
    left_out = tuple(sorted(tenant for tenant, examples in each.items() if len(examples) and examples.timed != timed))
    tenants = sorted(each.keys() - set(left_out))
    parts = [each[tenant] for tenant in tenants]
    ends = np.cumsum([len(part) for part in parts])
    spans = [int(part.leads.max(initial=-1)) + 1 for part in parts]
    starts = np.cumsum([0, *spans[:-1]])
    examples = Examples(
        rows=pa.concat_tables([part.rows for part in parts]).combine_chunks(),
        labels=np.concatenate([part.labels for part in parts]),
        leads=np.concatenate([part.leads + start for part, start in zip(parts, starts, strict=True)]),
        moments=np.concatenate([part.moments for part in parts]),
        timed=timed,
        later=_later(parts),
        repeated=sum(part.repeated for part in parts),
        apart={
            TENANT: np.repeat(np.array(tenants), [len(part) for part in parts]),
            SOURCE: np.concatenate([part.apart.get(SOURCE, np.full(len(part), UNKNOWN)) for part in parts]),
        },
    )
    places = {tenant: np.arange(end - len(part), end) for tenant, part, end in zip(tenants, parts, ends, strict=True)}
    return Pool(examples, places, left_out)


def _later(parts: list[Examples]) -> Later | None:
    """What is known by now; nothing of a tenant of whom nothing is."""
    schema = next((part.later.rows.schema for part in parts if part.later is not None), None)
    if schema is None:
        return None
    known = [_nothing(len(part), schema) if part.later is None else part.later for part in parts]
    rows = pa.concat_tables([one.rows for one in known]).combine_chunks()
    return Later(rows, np.concatenate([one.days for one in known]))


def _nothing(count: int, schema: pa.Schema) -> Later:
    rows = pa.table([pa.nulls(count, column) for column in schema.types], schema=schema)
    return Later(rows, np.full(count, np.nan, np.float32))

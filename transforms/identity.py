"""Identity: values normalised, keyed, and joined into leads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, cast

import numpy as np
import pandas as pd
import phonenumbers
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses
from pyspark.sql.pandas.functions import pandas_udf
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from leadhouse.transforms.hashing import content_hash, keyed_hash
from leadhouse.transforms.knowledge import batch_order

KINDS = ("external_id", "email", "phone", "anonymous_id")
"""Kinds of identity, strongest first: a lead's id is the strongest of its keys."""

_EMAIL = r"^[^@\s\"(),:;<>\[\]\\]+@[^@\s\"(),:;<>\[\]\\]+\.[^@\s\"(),:;<>\[\]\\]+$"


def normalised(kind: str, value: Column, default_region: str) -> Column:
    """Return an identity value in the one form that is compared; null if it can't be one.

    E-mail addresses in lower case; phone numbers in E.164 (ITU-T), those without a country code read as of
    ``default_region``; ids as they are, trimmed.
    """
    trimmed = F.trim(value.cast("STRING"))
    if kind == "email":
        return F.when(trimmed.rlike(_EMAIL), F.lower(trimmed))
    if kind == "phone":
        return _e164(default_region)(trimmed)
    return F.when(trimmed != "", trimmed)


def identity_key(kind: str, namespace: str, value: Column, key: bytes) -> Column:
    """Return the keyed hash that stands for a normalised identity value; null for null."""
    return keyed_hash(key, F.lit(namespace), F.lit(kind), value)


def resolve(links: DataFrame, *, shared_above: int) -> DataFrame:
    """Join identity keys that records name together into leads.

    ``links`` has the columns of silver.identity_links. A key that more than ``shared_above`` others of one kind are
    linked to (a switchboard, info@) joins nobody; anonymous ids don't count as others, since one person has many. The
    result doesn't depend on the order of the links: a lead's id is the strongest, then smallest, of its keys.

    Returns tenant, identity_key, kind, lead_id, is_lead, shared and known_at: when we knew both the key and, where it
    is a lead's, a record that makes it one.
    """
    schema = (
        "tenant string, identity_key string, kind string, lead_id string, is_lead boolean, shared boolean, "
        "known_at timestamp"
    )

    def join(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        gathered = list(batches)
        if not gathered:  # a task without a tenant
            return
        table = pa.Table.from_batches(gathered)
        yield from _components(table.to_pandas(), shared_above).to_batches()

    pairs = links.select("tenant", "identity_key", "kind", "other_key", "other_kind", "creates_lead", "known_at")
    # Whole tenants go to one task each: the pairs of a batch are few and short.
    return (
        pairs.repartition("tenant")
        .mapInArrow(join, schema)
        .select("tenant", "identity_key", "kind", "lead_id", "is_lead", "shared", "known_at")
    )


def standing_identities(identities: DataFrame) -> DataFrame:
    """Return the latest row of each identity key, the one that holds, in the columns of silver.identities.

    ``since``, beside them, is the earliest moment at which the key was known to be what it is now.
    """
    latest = F.max_by(F.struct("*"), F.struct("known_at", *batch_order("batch")))
    since = F.min(F.when(F.col("is_lead"), F.col("known_at")))
    return (
        identities.groupBy("tenant", "identity_key")
        .agg(latest.alias("row"), since.alias("first_lead"))
        .select("row.*", F.coalesce("first_lead", "row.known_at").alias("since"))
    )


def touched_links(new: DataFrame, known: DataFrame, standing: DataFrame) -> DataFrame:
    """Return all links that the resolution of some new ones depends on: theirs, and those of every lead they touch.

    ``new`` and ``known`` have the columns of silver.identity_links, ``standing`` those of silver.identities.
    """
    keys = touched_keys(new, standing)
    others = keys.withColumnRenamed("identity_key", "other_key")
    old = known.join(new.select("tenant", "link_id"), ["tenant", "link_id"], "left_anti")
    by_key = old.join(keys, ["tenant", "identity_key"], "left_semi")
    by_other = old.join(keys, ["tenant", "identity_key"], "left_anti").join(
        others, ["tenant", "other_key"], "left_semi"
    )
    columns = new.columns
    return new.unionByName(by_key.select(columns)).unionByName(by_other.select(columns)).select(columns)


def touched_keys(new: DataFrame, standing: DataFrame) -> DataFrame:
    """Return the keys (tenant, identity_key) whose lead new links may change: their own, and all of the leads they
    touch."""
    ends = new.select("tenant", "identity_key").union(new.select("tenant", F.col("other_key"))).distinct()
    leads = standing.join(ends, ["tenant", "identity_key"], "left_semi").select("tenant", "lead_id").distinct()
    members = standing.join(leads, ["tenant", "lead_id"], "left_semi").select("tenant", "identity_key")
    return members.union(ends).distinct()


def identity_changes(resolved: DataFrame, current: DataFrame, *, batch: str) -> DataFrame:
    """Return the rows to append to silver.identities: those of ``resolved`` that ``current`` doesn't say already.

    ``current`` has the standing row of each key. A change is never known before what it changes. What older records,
    arriving late, show to have been so earlier is appended too. Ends in the columns of silver.identities.
    """
    held = current.select(
        "tenant",
        "identity_key",
        F.col("lead_id").alias("held_lead"),
        F.col("is_lead").alias("held_is_lead"),
        F.col("shared").alias("held_shared"),
        F.col("known_at").alias("held_known_at"),
        F.col("since").alias("held_since"),
    )
    same = (
        F.col("lead_id").eqNullSafe(F.col("held_lead"))
        & F.col("is_lead").eqNullSafe(F.col("held_is_lead"))
        & F.col("shared").eqNullSafe(F.col("held_shared"))
    )
    changed = resolved.join(held, ["tenant", "identity_key"], "left").where(
        ~same | (F.col("known_at") < F.col("held_since"))
    )
    moment = F.when(same, F.col("known_at")).otherwise(F.greatest("known_at", "held_known_at"))
    return first_identities(changed.withColumn("known_at", moment), batch=batch)


def first_identities(resolved: DataFrame, *, batch: str) -> DataFrame:
    """Return resolved keys as rows of silver.identities."""
    business = {name: F.col(name) for name in ("tenant", "identity_key", "kind", "lead_id", "is_lead", "shared")}
    return resolved.select(
        *business.values(),
        "known_at",
        F.lit(batch).alias("batch"),
        content_hash(business).alias("content_hash"),
    )


def _e164(default_region: str) -> Callable[[Column], Column]:
    def e164(texts: pd.Series) -> pd.Series:
        return texts.map(lambda text: phone_number(text, default_region), na_action="ignore")

    # PySpark's overloads know pandas by its stubs, which are not installed.
    return cast("Callable[[Column], Column]", cast("Any", pandas_udf)(e164, "string"))


@lru_cache(maxsize=100_000)
def phone_number(text: str, default_region: str) -> str | None:
    """Return a phone number in E.164, one without a country code read as of ``default_region``; None if it is none."""
    try:
        number = phonenumbers.parse(text, default_region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _components(pairs: pd.DataFrame, shared_above: int) -> pa.Table:
    """Connected components of every tenant in ``pairs`` (SciPy's), shared keys left out as joints."""
    parts = [_tenant_components(tenant, group, shared_above) for tenant, group in pairs.groupby("tenant", sort=True)]
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("tenant", "identity_key", "kind", "lead_id")),
            ("is_lead", pa.bool_()),
            ("shared", pa.bool_()),
            ("known_at", pa.timestamp("us")),
        ]
    )
    if not parts:
        return schema.empty_table()
    table = pa.Table.from_pandas(pd.concat(parts), schema=schema, preserve_index=False)
    return table.set_column(6, "known_at", table["known_at"].cast(pa.timestamp("us", "UTC")))


def _tenant_components(tenant: object, pairs: pd.DataFrame, shared_above: int) -> pd.DataFrame:
    both = pd.concat(
        [
            pairs[["identity_key", "kind"]],
            pairs[["other_key", "other_kind"]].set_axis(["identity_key", "kind"], axis=1),
        ]
    )
    keys = both.drop_duplicates("identity_key")
    rank = keys["kind"].map({kind: index for index, kind in enumerate(KINDS)}).to_numpy()
    keys = keys.iloc[np.lexsort((keys["identity_key"].to_numpy(dtype=str), rank))].reset_index(drop=True)
    place = pd.Series(keys.index, index=keys["identity_key"])
    left = place[pairs["identity_key"]].to_numpy()
    right = place[pairs["other_key"]].to_numpy()
    shared = _shared(left, right, keys["kind"].to_numpy(dtype=str), shared_above)
    joins = ~(shared[left] | shared[right])
    size = len(keys)
    graph = coo_array((np.ones(joins.sum(), dtype=np.int8), (left[joins], right[joins])), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    # Keys are in order of strength, so the first of a component is its strongest.
    first = np.full(component.max() + 1, size, dtype=np.int64)
    np.minimum.at(first, component, np.arange(size))
    leads = np.zeros(component.max() + 1, dtype=bool)
    created = pairs["creates_lead"].to_numpy(dtype=bool)
    np.logical_or.at(leads, component[left[created]], True)
    known = pairs["known_at"].to_numpy(dtype="datetime64[us]").astype(np.int64)
    never = np.iinfo(np.int64).max
    key_known = np.full(size, never)
    np.minimum.at(key_known, left, known)
    np.minimum.at(key_known, right, known)
    lead_known = np.full(component.max() + 1, never)
    np.minimum.at(lead_known, component[left[created]], known[created])
    since = np.where(leads[component], np.maximum(key_known, lead_known[component]), key_known)
    return pd.DataFrame(
        {
            "tenant": tenant,
            "identity_key": keys["identity_key"],
            "kind": keys["kind"],
            "lead_id": keys["identity_key"].to_numpy()[first[component]],
            "is_lead": leads[component],
            "shared": shared,
            "known_at": since.astype("datetime64[us]"),
        }
    )


def _shared(left: np.ndarray, right: np.ndarray, kinds: np.ndarray, shared_above: int) -> np.ndarray:
    """Which keys are linked to more than ``shared_above`` distinct others of one kind, anonymous ids not counted."""
    ends = pd.DataFrame({"key": np.concatenate([left, right]), "other": np.concatenate([right, left])})
    ends = ends[ends["key"] != ends["other"]].drop_duplicates()
    ends["kind"] = kinds[ends["other"].to_numpy()]
    counted = ends[ends["kind"] != "anonymous_id"].groupby(["key", "kind"]).size()
    over = counted[counted > shared_above].index.get_level_values("key")
    shared = np.zeros(len(kinds), dtype=bool)
    shared[over.to_numpy(dtype=np.int64)] = True
    return shared

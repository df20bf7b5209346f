"""Hashes of rows and values: ids, content hashes and keyed hashes, all as Spark Columns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

ID_LENGTH = 32
_BLOCK = 64
"""SHA-256's block in bytes, to which HMAC pads its key."""


def content_hash(columns: Mapping[str, Column]) -> Column:
    """Return the SHA-256 (64 hex digits) over a row's business columns.

    Equal rows hash equal whatever the order of rows. Maps must come as ``sorted_map(m)``: Spark keeps no order in them.
    """
    return F.sha2(F.to_json(F.struct(*[column.alias(name) for name, column in columns.items()])), 256)


def sorted_map(column: Column) -> Column:
    """Return a map's entries as an array in the order of their keys."""
    return F.array_sort(F.map_entries(column))


def identifier(*parts: Column) -> Column:
    """Return an id of 32 hex digits over its parts; null parts count and differ from empty ones."""
    named = [part.cast("string").alias(f"p{index}") for index, part in enumerate(parts)]
    return F.substring(F.sha2(F.to_json(F.struct(*named)), 256), 1, ID_LENGTH)


def keyed_hash(key: bytes, *parts: Column) -> Column:
    """Return HMAC-SHA-256 (RFC 2104) of the parts under a secret key, 32 hex digits; null if any part is null.

    Parts are joined by the unit separator (0x1F), which normalised values never hold.
    """
    padded = (key if len(key) <= _BLOCK else _sha256(key)).ljust(_BLOCK, b"\0")
    inner = F.lit(bytearray(byte ^ 0x36 for byte in padded))
    outer = F.lit(bytearray(byte ^ 0x5C for byte in padded))
    message = F.encode(F.concat_ws("\x1f", *[part.cast("string") for part in parts]), "UTF-8")
    digest = F.sha2(F.concat(outer, F.unhex(F.sha2(F.concat(inner, message), 256))), 256)
    known = F.lit(True)
    for part in parts:
        known = known & part.isNotNull()
    return F.when(known, F.substring(digest, 1, ID_LENGTH))


def _sha256(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()

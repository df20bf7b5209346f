"""Columns that say the same in every micro-batch, since they depend on a contract alone.

A Column is made by calls into the JVM, a tenth of a millisecond each: those of one contract take several hundred.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

from pyspark import SparkContext

_MOST = 1_000
"""So many contracts' columns are kept of each kind."""

P = ParamSpec("P")
T = TypeVar("T")


def kept_columns(make: Callable[P, T]) -> Callable[P, T]:
    """Make a function of frozen specs return the Columns again that it made of equal ones.

    They belong to the Spark context that they were made in, and another one makes its own.
    """

    @lru_cache(maxsize=_MOST)
    def made(context: SparkContext | None, *args: P.args, **kwargs: P.kwargs) -> T:
        return make(*args, **kwargs)

    @wraps(make)
    def kept(*args: P.args, **kwargs: P.kwargs) -> T:
        return made(SparkContext._active_spark_context, *args, **kwargs)  # type: ignore[arg-type]  # specs are hashable

    return kept

"""The grammar of feature names, in plain Python: what a name counts, over which days, of what.

``count_7d`` · ``count_7d:type:page_view`` · ``count_7d:channel:email`` · ``intensity`` · ``campaigns`` ·
``days_since`` · ``days_since:type:call`` · ``days_between`` · ``age_days`` · ``trait:employees``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WINDOWS_DAYS = (1, 7, 30, 90)
"""A signal is inside a window of w days if it occurred less than w times 24 hours before as_of."""
HALF_LIFE_DAYS = 14
"""Days after which a signal weighs half in ``intensity``."""
WEIGHT_UNIT = 1_000_000
"""Weights are whole millionths, so that their sum does not depend on the order of rows."""

_COUNT = re.compile(r"count_([1-9][0-9]*)d")


@dataclass(frozen=True)
class FeatureName:
    """A feature's name, taken apart."""

    measure: str
    """``count``, ``intensity``, ``campaigns``, ``days_since``, ``days_between``, ``age_days`` or ``trait``."""
    window_days: int | None = None
    """For counts."""
    dimension: str | None = None
    """``type`` or ``channel``, where the feature is about one of them only."""
    value: str | None = None
    """Which type or channel, or the trait's name."""


def parse_feature_name(name: str) -> FeatureName:
    """Take a feature's name apart. Raises ValueError if no feature is called that."""
    base, *rest = name.split(":", 2)
    if base == "trait" and rest:
        return FeatureName("trait", value=":".join(rest))
    dimension, value = (rest[0], rest[1]) if len(rest) == 2 else (None, None)
    count = _COUNT.fullmatch(base)
    if rest and (dimension not in ("type", "channel") or not (count or base == "days_since")):
        raise ValueError(f"feature: expected a name such as 'count_7d:type:page_view'; got {name!r}")
    if count:
        return FeatureName("count", int(count[1]), dimension, value)
    if base in ("intensity", "campaigns", "days_since", "days_between", "age_days"):
        return FeatureName(base, None, dimension, value)
    raise ValueError(f"feature: expected a name such as 'count_7d' or 'trait:employees'; got {name!r}")


def is_count(name: str) -> bool:
    """Whether a feature that is not there is 0 (counts, intensity, campaigns) rather than missing."""
    base = name.partition(":")[0]
    return base in ("intensity", "campaigns") or _COUNT.fullmatch(base) is not None


def trait_feature(name: str) -> str:
    """Return the name of the feature that a trait becomes."""
    return f"trait:{name}"

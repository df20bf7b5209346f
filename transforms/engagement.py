"""gold.engagement_lists: who is on which list now."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.decisions import ENGAGE
from leadhouse.transforms.hashing import content_hash


def engagement_lists(decisions: DataFrame) -> DataFrame:
    """Return the lists as a tick's decisions fill them, in the columns of gold.engagement_lists.

    In: the decisions of each tenant's latest tick, in the columns of gold.decisions.
    """
    names = (
        "tenant",
        "list",
        "lead_id",
        "decision_id",
        "tick",
        "channel",
        "purpose",
        "rank",
        "score",
        "grade",
        "reasons",
    )
    business = {name: F.col(name) for name in names}
    engaged = decisions.where(F.col("action") == ENGAGE)
    return engaged.select(*business.values(), content_hash(business).alias("content_hash"))

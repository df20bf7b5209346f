"""Which lists' inputs are stale: a source that stopped delivering must not go on deciding about people."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.transforms.lists import ListSpec

_TEXTS = "map<string,string>"


def last_received(batches: DataFrame) -> DataFrame:
    """Return when records of each source last came: tenant, source, received_at. In: rows of ops.batches."""
    ended = batches.where((F.col("kind") == "outcome") & F.col("job").isin("ingest", "topics"))
    counts = ended.select("recorded_at", F.explode("counts").alias("count"))
    came = counts.where((F.col("count.measure") == "fetched") & (F.col("count.rows") > 0))
    return came.groupBy(F.col("count.tenant").alias("tenant"), F.col("count.source").alias("source")).agg(
        F.max("recorded_at").alias("received_at")
    )


def stale_lists(
    received: DataFrame, *, lists: tuple[ListSpec, ...], inputs: tuple[tuple[str, str], ...], now: datetime
) -> DataFrame:
    """Return per tenant the lists whose inputs are older than they allow: tenant, stale MAP<list, reason>.

    In: the result of ``last_received``; ``inputs`` (tenant, source) are the sources that promise to be fresh. A source
    that never delivered is no input yet. The reason names the sources, not their ages: the same decision made again is
    the same.
    """
    promised = [F.lit(f"{tenant}/{source}") for tenant, source in inputs]
    own = received.where(F.concat_ws("/", "tenant", "source").isin(*promised))
    age_hours = (F.lit(now).cast("double") - F.col("received_at").cast("double")) / 3600
    limits = {spec.name: spec.max_input_age_hours for spec in lists if spec.max_input_age_hours is not None}
    late = [
        F.array_join(F.array_sort(F.collect_list(F.when(age_hours > hours, F.col("source")))), ", ")
        for hours in limits.values()
    ]
    names = F.array(*[F.lit(name) for name in limits]).cast("array<string>")
    reasons = own.groupBy("tenant").agg(F.array(*late).cast("array<string>").alias("late"))
    named = F.map_filter(F.map_from_arrays(names, "late"), lambda _, sources: sources != "")
    stale = F.transform_values(named, lambda _, sources: F.concat(F.lit("stale inputs: "), sources))
    return reasons.select("tenant", stale.alias("stale"))


def without_stale(cases: DataFrame, stale: DataFrame, *, lists: tuple[ListSpec, ...]) -> DataFrame:
    """Let no list take a lead on stale inputs. In: the results of ``lead_cases`` and ``stale_lists``. Out: the cases'
    columns; where a list is stale nothing allows the contact, and the refusal says why."""
    judged = [_judged(index, spec) for index, spec in enumerate(lists)]
    joined = cases.join(F.broadcast(stale), "tenant", "left")
    return joined.withColumn("cases", F.array(*judged)).select(*cases.columns)


def _judged(index: int, spec: ListSpec) -> Column:
    case = F.col("cases")[index]
    reason = F.try_element_at(F.coalesce("stale", F.create_map().cast(_TEXTS)), F.lit(spec.name))
    refused = case.withField("legal_basis", F.lit(None).cast("string")).withField("refusal", reason)
    return F.when(reason.isNull(), case).otherwise(refused)

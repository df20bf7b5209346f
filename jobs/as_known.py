"""Facts as they were known when an earlier batch began, whatever was written since: for what is computed again.

A table's old version would do only until maintenance lets its files go; when a fact became known stands in its row.
"""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name that PySpark's own documentation uses

from leadhouse.jobs.runtime.batches import Batch
from leadhouse.jobs.runtime.job import JobSpec, Run, Step
from leadhouse.jobs.runtime.lake import Since
from leadhouse.transforms.identity import standing_identities
from leadhouse.transforms.leads import leads

_LEADS = "silver.leads"


class StepAsKnown(Step):
    """A batch that has ended, to be computed once more: it reads what was known when it began, and writes nothing."""

    def __init__(self, run: Run, spec: JobSpec, batch: Batch) -> None:
        newest = {table: run.lake.version(table) for table in spec.reads}
        super().__init__(run, replace(spec, writes=()), replace(batch, reads=newest), None, run.spark)

    def read(self, table: str, since: Since | None = None) -> DataFrame:
        """Read the rows of a table that were known when the batch began; the leads as they follow from those."""
        if table == _LEADS:
            return leads(self.read("silver.traits"), standing_identities(self.read("silver.identities")))
        return super().read(table, since).where(F.col("known_at") <= F.lit(self.batch.recorded_at))

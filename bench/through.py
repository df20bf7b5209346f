"""From a lake with the page views' facts through to decisions, by the jobs that ``leadhouse run`` calls."""

from __future__ import annotations

from dataclasses import replace

from leadhouse.bench.measure import OURS, Stopwatch
from leadhouse.bench.model import crown, train_on_lake
from leadhouse.bench.workload import Workload
from leadhouse.conf.errors import LeadhouseError
from leadhouse.jobs import decide, feature, ingest, refine, score
from leadhouse.jobs.runtime.job import Run

LEADS, FEATURES, SCORES, DECISIONS = "leads", "features", "scores", "decisions"
STAGES = (LEADS, FEATURES, SCORES, DECISIONS)
"""What is timed after the page views are facts."""


def decide_on_facts(run: Run, work: Workload, watch: Stopwatch, seed: int) -> None:
    """Take the CRM's leads, compute everyone's features, score and decide. Raises LeadhouseError if a lead is left out.

    The model is learned in between, which isn't timed.
    """
    with watch.running(LEADS, OURS):
        ingest.run(replace(run, landing=work.crm))
        refine.run(run)
    with watch.running(FEATURES, OURS):
        feature.run(run)
    crown(run, train_on_lake(run, seed))
    for what, job in ((SCORES, score), (DECISIONS, decide)):
        with watch.running(what, OURS):
            job.run(run)
    _check(run, work)


def _check(run: Run, work: Workload) -> None:
    for table, wanted in (("gold.lead_features", work.leads), ("gold.decisions", work.leads)):
        rows = run.lake.open(table).to_pyarrow_dataset().count_rows()
        if rows != wanted:
            raise LeadhouseError(f"bench: expected {wanted} rows in {table}; got {rows}; look at jobs/feature.py")
    clicked = run.lake.open("gold.lead_features").to_pyarrow_dataset().to_table(columns=["numbers"])["numbers"]
    if not any("count_30d" in dict(entry) for entry in clicked.slice(0, 1_000).to_pylist()):
        raise LeadhouseError("bench: expected features of page views; got none; look at jobs/refine.py")
    if not run.lake.open("gold.engagement_lists").to_pyarrow_dataset().count_rows():
        raise LeadhouseError("bench: expected leads on the list; got none; look at jobs/decide.py")

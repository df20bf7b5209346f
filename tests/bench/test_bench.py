"""The bench on a small workload: it measures jobs and bare jobs that do the same, and prints what it writes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from leadhouse.bench import __main__ as command
from leadhouse.bench import dlt_peer, floors, report, scoring
from leadhouse.bench.dlt_peer import find_python, load_by_dlt
from leadhouse.bench.growth import FEW, HISTORY, LEADS, SMALL, Batch, Growth
from leadhouse.bench.latency import Latency, Schedule, first_error
from leadhouse.bench.measure import Line, Stopwatch
from leadhouse.bench.messages import sent_messages
from leadhouse.bench.polars_peer import parse_and_split
from leadhouse.bench.training_rows import CATEGORIES, FEATURES, FILLED, training_rows
from leadhouse.bench.workload import SOURCE, Workload, make_workload, write_workspace
from leadhouse.conf.errors import LeadhouseError
from leadhouse.expectations.tables import table_specs
from leadhouse.jobs import ingest, refine, topics
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.opening import open_run
from leadhouse.jobs.runtime.runner import run_job
from leadhouse.models.learned import learn_spec
from leadhouse.models.matrix import CATEGORY, COUNT, encode

EVENTS = 2_000


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Workload:
    return make_workload(tmp_path_factory.mktemp("workload"), EVENTS, seed=1)


@pytest.fixture(scope="module")
def lakes(spark: SparkSession, workload: Workload, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Lake]:
    """The lake of the jobs, and that of the bare jobs."""
    folder = tmp_path_factory.mktemp("lakes")
    with open_run(folder / "lake", workload.workspace, landing=workload.landing) as run:
        ingest.run(run)
        run_job(run, refine.SPEC)
        bare = open_lake(folder / "bare")
        floors.ingest_floor(spark, workload, bare, datetime.now(UTC))
        floors.refine_floor(spark, run.lake, bare, next(iter(run.keys.values())))
        return run.lake, bare


def rows(lake: Lake, table: str) -> pa.Table:
    return lake.open(table).to_pyarrow_table()


def test_the_same_seed_gives_the_same_bytes(workload: Workload, tmp_path: Path) -> None:
    again = make_workload(tmp_path, EVENTS, seed=1)
    assert [file.read_bytes() for file in again.files] == [file.read_bytes() for file in workload.files]
    assert sum(file.read_bytes().count(b"\n") for file in workload.files) == EVENTS
    assert 250 <= workload.size / EVENTS <= 400
    assert (0.02 < workload.bad / EVENTS < 0.04, 0.01 < workload.repeated / EVENTS < 0.03) == (True, True)


def test_the_bare_jobs_write_the_same_records_and_facts(lakes: tuple[Lake, Lake], workload: Workload) -> None:
    ours, bare = lakes
    raw = [sorted(rows(lake, "bronze.records")["raw"].to_pylist()) for lake in lakes]
    assert raw[0] == raw[1]
    for table, key in (
        ("silver.signals", "content_hash"),
        ("silver.identities", "content_hash"),
        ("silver.identity_links", "link_id"),
        ("silver.items", "item_key"),
        ("silver.quarantine", "record_id"),
    ):
        assert set(rows(ours, table)[key].to_pylist()) == set(rows(bare, table)[key].to_pylist()), table
    assert len(rows(ours, "silver.quarantine")) == workload.bad
    assert len(rows(bare, "silver.signals")) == len(rows(ours, "silver.signals")) + workload.repeated


def test_the_peer_splits_as_refine_does(workload: Workload, tmp_path: Path) -> None:
    parse_and_split(workload, tmp_path / "peer")
    silver, refused = (pl.read_delta(str(tmp_path / "peer" / name)) for name in ("silver", "quarantine"))
    assert (len(silver), len(refused)) == (EVENTS - workload.bad, workload.bad)
    assert silver.null_count().select("event_id", "type", "anonymous_id", "occurred_at").row(0) == (0, 0, 0, 0)


def test_the_bare_job_takes_what_the_topics_job_takes(spark: SparkSession, workload: Workload, tmp_path: Path) -> None:
    with sent_messages(workload, tmp_path) as address:
        write_workspace(tmp_path / "workspace", address=address)
        with open_run(tmp_path / "lake", tmp_path / "workspace") as run:
            topics.run(run)
            bare = open_lake(tmp_path / "bare")
            floors.topic_floor(spark, address, SOURCE, bare, datetime.now(UTC))
            ours = rows(run.lake, "bronze.records")
    theirs = rows(bare, "bronze.records")
    assert ours.schema == theirs.schema
    columns = ["partition", "position", "raw", "message_time"]
    order = [("partition", "ascending"), ("position", "ascending")]
    assert ours.select(columns).sort_by(order) == theirs.select(columns).sort_by(order)


def test_dlt_is_told_what_to_load_and_asked_how_long_it_took(
    workload: Workload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@" > arguments; echo 1.5 9.0\n')
    python.chmod(0o755)
    assert load_by_dlt(python, workload.files, tmp_path / "loaded") == (1.5, "9.0")
    told = (tmp_path / "loaded" / "arguments").read_text().split()
    assert told[1:] == [str(tmp_path / "loaded"), *map(str, workload.files)]
    with pytest.raises(LeadhouseError, match="--dlt-python: expected a Python with dlt"):
        load_by_dlt(tmp_path / "none", workload.files, tmp_path / "loaded")
    monkeypatch.setattr(dlt_peer, "find_spec", lambda name: None)
    assert (find_python(None), find_python(python)) == (None, python)


def test_the_bare_scorer_reads_features_as_the_model_does(tmp_path: Path) -> None:
    spec = scoring._trained(seed=2).model.fitted.spec
    batch = next(scoring._features(300, seed=2))
    np.testing.assert_array_equal(scoring._matrix(batch), encode(batch, spec))
    assert len(batch.schema) == len(table_specs()["gold.lead_features"].columns)


def test_a_line_compares_rates() -> None:
    line = Line("refine", rows=100, seconds=2.0, floor_seconds=1.0, peer_seconds=0.5)
    assert (line.rate, line.to_floor, line.to_peer) == (50.0, 0.5, 0.25)
    alone = Line("refine", rows=100, seconds=2.0, floor_seconds=None, peer_seconds=None, absent="not installed")
    assert report._cells(alone)[4:] == ("–", "–", "not installed", "–")


def test_the_middle_run_counts() -> None:
    watch = Stopwatch(lambda text: None, {("refine", "floor"): [9.0, 1.0, 2.0]})
    assert watch.median("refine", "floor") == 2.0


def test_the_command_prints_what_it_writes(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# Performance\n\nOld.\n\n## Throughput\n\nof long ago\n\n## Weather\n\nfine\n")
    options = ["--events", str(EVENTS), "--runs", "1", "--batches", "3", "--scratch", str(tmp_path)]
    assert command.main(["throughput", "memory", *options, "--write", str(page)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    text = page.read_text()
    table = [row.strip("| ").split(" | ") for row in text.splitlines() if row.startswith("| ")]
    firsts = [
        "ingest",
        "ingest from Kafka",
        "refine",
        "ingest + refine",
        "ingest + refine, beside dlt",
        "through decisions",
        "score",
        "second tenth",
        "last tenth",
    ]
    throughput, memory = 8, 5  # cells in a row; tables that say what is measured have fewer
    told = [row for row in table if row[0] in firsts and len(row) in (throughput, memory)]
    assert [row[0] for row in told] == firsts
    assert all(cell in printed for row in told for cell in row)
    assert all(fact.removeprefix("- ") in printed for fact in text.splitlines() if fact.startswith("- "))
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Throughput",
        "## Weather",
        "## Memory",
    ]
    assert "of long ago" not in text
    assert "fine" in text
    assert list(tmp_path.glob("leadhouse-bench-*")) == []


def test_training_is_measured_beside_plain_xgboost_that_makes_the_same_trees(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "performance.md"
    options = ["--training-leads", "2000", "--scratch", str(tmp_path), "--write", str(page)]
    assert command.main(["training", *options]) == 0, capsys.readouterr().out
    text = page.read_text()
    table = [row.strip("| ").split(" | ") for row in text.splitlines() if row.startswith("| ")][2:]
    assert [row[0] for row in table] == ["training, seconds", "training, peak GiB", "scoring, rows/s"]
    figures = {row[0]: [float(cell.replace(",", "")) for cell in row[1:]] for row in table}
    ours, plain, ratio = figures["training, seconds"]
    assert ratio == pytest.approx(ours / plain, rel=0.2)
    assert "- Workload: 2,000 leads of 60 features, 12 of them categories; " in text
    assert list(tmp_path.glob("leadhouse-bench-*")) == []


def test_training_rows_have_gaps_and_outcomes_that_can_be_learned() -> None:
    table = training_rows(3_000, seed=1)
    assert table == training_rows(3_000, seed=1)
    spec = learn_spec(table).spec
    assert len(spec.features) == FEATURES
    assert sum(feature.kind == CATEGORY for feature in spec.features) == CATEGORIES
    matrix = encode(table, spec)
    missing = np.isnan(matrix)[:, [feature.kind != COUNT for feature in spec.features]].mean()
    assert missing == pytest.approx(1 - FILLED, abs=0.01)
    assert 0.05 < np.asarray(table["label"]).mean() < 0.3


def test_growth_is_fitted_and_told_beside_the_small_lake() -> None:
    sizes = ((SMALL, 1, 1, 1, 10.0), (FEW, 2, 1, 1, 13.0), (HISTORY, 1, 3, 1, 14.0), (LEADS, 1, 1, 5, 30.0))
    growth = Growth(tuple(Batch(what, a * 10**6, b * 10**6, c * 10**6, t, 1.0) for what, a, b, c, t in sizes))
    assert growth.coefficients == pytest.approx((0.0, 3.0, 2.0, 5.0), abs=1e-9)
    assert (growth.ratio(HISTORY), growth.ratio(LEADS)) == (1.4, 3.0)
    assert "1.40 of the small lake's time" in report.growth(growth, 1).told[0]


def test_latency_is_told_in_shares_of_the_signals() -> None:
    ours = Latency("ours", tuple(float(second) for second in range(1, 201)), 3)
    assert (ours.within(50), ours.within(99), ours.within(100)) == (100.0, 198.0, 200.0)
    section = report.latency([ours, ours], Schedule(rate=10, warm_up=1, measured=20, leads=5))
    assert section.rows[0] == ("ours", "200", "100.0", "198.0", "200.0", "3")


def test_of_a_log_the_first_error_is_told() -> None:
    frames = "\tat java.lang.Thread.run(Thread.java)\n" * 1_000
    log = f"WARN slow\nERROR query 1\nAnalysisException: batch\n{frames}ERROR query 2\nReceived empty command\n{frames}"
    assert first_error(log) == "ERROR query 1\nAnalysisException: batch\nERROR query 2\nReceived empty command"
    assert first_error("WARN slow\n" * 1_000).endswith("WARN slow")


def test_a_number_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        command.main(["throughput", "--events", "many"])
    assert refused.value.code == 2
    assert "expected a positive whole number; got 'many'" in capsys.readouterr().err

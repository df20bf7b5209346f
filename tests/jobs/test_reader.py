"""SQL without a JVM: what may be asked, what is refused, time travel, formats, and how the views read the book."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from leadhouse.conf.errors import InputError
from leadhouse.jobs.query import parse_moment, show_sql
from leadhouse.jobs.runtime import batches
from leadhouse.jobs.runtime.answers import decoded, visible
from leadhouse.jobs.runtime.batches import Batch, Count, Outcome, Quality
from leadhouse.jobs.runtime.book import COMPLETE, FAILED, HELD
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake
from leadhouse.jobs.runtime.place import find_place
from leadhouse.jobs.runtime.reader import Reader, quoted
from tests.jobs.rows import NOON, row


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with three signals of two leads and four batches: done, tried again, held, failed."""
    lake = open_lake(tmp_path_factory.mktemp("reader") / "lake")
    signals = [
        row("silver.signals", signal_id=f"s{n}", identity_key=f"lead{n % 2}", signal_type=kind, tenant="acme")
        for n, kind in enumerate(("page_view", "form", "page_view"))
    ]
    lake.append_local("silver.signals", signals, app_id="refine:silver.signals:rows:1", app_version=0)
    features = row("gold.lead_features", lead_id="lead0", numbers={"count_7d": 3.0}, categories={"trait:origin": "ads"})
    lake.append_local("gold.lead_features", [features], app_id="feature:gold.lead_features:rows:1", app_version=0)
    counts = (Count("acme", "web", "fetched", 5), Count("acme", "web", "accepted", 4))
    quality = (Quality("acme", "web", "not_null", "lead", True, "0"),)
    done = Outcome(_batch(lake, 0), COMPLETE, {"silver.signals": 1}, counts, quality)
    _end(lake, done, after=1)
    _end(lake, done, after=2)  # killed after its outcome, and done again
    _end(lake, Outcome(_batch(lake, 1), FAILED, error="Boom"), after=3)
    _end(lake, Outcome(_batch(lake, 1), HELD, {}, (Count("acme", "web", "held", 9),)), after=4)
    batches.begin(lake, _batch(lake, 2))
    return lake


def _batch(lake: Lake, number: int) -> Batch:
    return batches.new_batch(
        lake, "refine", 1, number, now=NOON, as_of=None, known=None, inputs_key="k",
        reads={"bronze.records": number}, definitions={},
    )  # fmt: skip


def _end(lake: Lake, outcome: Outcome, after: int) -> None:
    batches.begin(lake, outcome.batch)
    batches.finish(lake, outcome, NOON + timedelta(minutes=after))


@pytest.fixture
def ask(lake: Lake) -> Callable[[str], list[dict[str, object]]]:
    return Reader(find_place(lake.root)).fetch


Ask = Callable[[str], list[dict[str, object]]]


def test_tables_have_the_names_that_everybody_knows_them_by(ask: Ask) -> None:
    assert ask("SELECT signal_type, count(*) AS n FROM silver.signals GROUP BY 1 ORDER BY 1") == [
        {"signal_type": "form", "n": 1},
        {"signal_type": "page_view", "n": 2},
    ]
    assert ask("SELECT signals.signal_id FROM silver.signals WHERE silver.signals.signal_type = 'form'") == [
        {"signal_id": "s1"}
    ]
    assert ask('with a as (select * from "silver"."signals") select count(*) as n from a') == [{"n": 3}]


def test_maps_are_read_by_key(ask: Ask) -> None:
    assert ask("SELECT numbers['count_7d'] AS n, categories FROM gold.lead_features") == [
        {"n": 3.0, "categories": {"trait:origin": "ads"}}
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "EXPLAIN SELECT * FROM silver.signals",
        "DESCRIBE silver.signals",
        "SHOW TABLES",
        "VALUES (1, 2)",
        "SELECT 1;",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "SELECT * FROM unnest([1, 2])",
        "SELECT * EXCLUDE (content_hash) FROM silver.signals",
    ],
)
def test_these_read_only_statements_run(ask: Ask, statement: str) -> None:
    assert ask(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1) TO '{file}'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{file}'",
        "explain verbose analyze copy (select 1) to '{file}'",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{file}'",
        "INSERT INTO silver.signals SELECT * FROM silver.signals",
        "WITH a AS (SELECT 1) INSERT INTO silver.signals SELECT * FROM a",
        "DELETE FROM silver.signals",
        "DROP TABLE silver.signals",
        "SELECT * INTO x FROM silver.signals",
        "SET datafusion.execution.batch_size = 1",
        "SELECT 1; DROP TABLE silver.signals",
        "-- nothing",
        "",
        "nonsense",
        "SELECT 'unclosed",
    ],
)
def test_anything_but_one_query_is_refused_and_does_nothing(ask: Ask, tmp_path: Path, statement: str) -> None:
    file = tmp_path / "out.csv"
    with pytest.raises(InputError, match="sql: expected"):
        ask(statement.replace("{file}", str(file)))
    assert not file.exists()
    assert ask("SELECT count(*) AS n FROM silver.signals") == [{"n": 3}]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("gold.decision", "gold.decisions"), ("decisions", "gold.decisions"), ("ops.run", "ops.runs")],
)
def test_an_unknown_table_is_answered_with_the_nearest_and_all(ask: Ask, wrong: str, right: str) -> None:
    with pytest.raises(InputError, match=f"got '{wrong}'; did you mean {right}\\?.*bronze.files.*ops.lineage"):
        ask(f"SELECT * FROM {wrong}")


def test_files_of_the_machine_are_no_tables(ask: Ask) -> None:
    with pytest.raises(InputError, match="got '/etc/passwd'"):
        ask("SELECT * FROM '/etc/passwd'")


def test_errors_of_a_query_are_one_line_with_the_known_names(ask: Ask) -> None:
    with pytest.raises(InputError, match=r"No field named nosuch.*silver\.signals\.tenant") as caught:
        ask("SELECT nosuch FROM silver.signals")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="Cannot cast string 'page_view'"):
        ask("SELECT cast(signal_type AS int) FROM silver.signals")


def test_runs_say_how_each_batch_ended(ask: Ask) -> None:
    assert ask("SELECT batch, status, error FROM ops.runs ORDER BY batch") == [
        {"batch": "refine/1/0", "status": "complete", "error": None},
        {"batch": "refine/1/1", "status": "held", "error": None},
        {"batch": "refine/1/2", "status": "running", "error": None},
    ]


def test_the_ledger_counts_a_batch_once_however_often_it_ended(ask: Ask) -> None:
    assert ask('SELECT tenant, source, measure, sum("rows") AS n FROM ops.ledger GROUP BY 1, 2, 3 ORDER BY 3') == [
        {"tenant": "acme", "source": "web", "measure": "accepted", "n": 4},
        {"tenant": "acme", "source": "web", "measure": "fetched", "n": 5},
        {"tenant": "acme", "source": "web", "measure": "held", "n": 9},
    ]


def test_quality_and_lineage_are_views_of_the_book(ask: Ask) -> None:
    assert ask('SELECT expectation, "column", success FROM ops.quality') == [
        {"expectation": "not_null", "column": "lead", "success": True}
    ]
    assert ask("SELECT direction, \"table\", version FROM ops.lineage WHERE batch = 'refine/1/0' ORDER BY 1") == [
        {"direction": "read", "table": "bronze.records", "version": 0},
        {"direction": "write", "table": "silver.signals", "version": 1},
    ]


def test_a_table_is_read_as_it_stood(lake: Lake) -> None:
    place = find_place(lake.root)
    made, filled = (
        datetime.fromtimestamp(commit["timestamp"] / 1000, UTC)
        for commit in reversed(lake.open("silver.signals").history())
    )
    query = "SELECT count(*) AS n FROM silver.signals"
    assert Reader(place, made).fetch(query) == [{"n": 0}]
    assert Reader(place, filled + timedelta(seconds=5)).fetch(query) == [{"n": 3}]
    with pytest.raises(InputError, match="--as-of: expected a moment at or after"):
        Reader(place, made - timedelta(days=1)).fetch(query)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:00:00+02:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
    ],
)
def test_moments_are_iso_and_utc(text: str, moment: datetime) -> None:
    assert parse_moment(text) == moment


def test_a_moment_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="--as-of: expected a moment such as"):
        parse_moment("yesterday")


def _printed(lake: Lake, sql: str, form: str, width: int = 80) -> str:
    file = io.StringIO()
    show_sql(lake.root, sql, form=form, console=Console(file=file, width=width))
    return file.getvalue()


NASTY = "SELECT 'a,\"b' || chr(10) || 'c' AS t, 1.5 AS f, cast('NaN' AS double) AS n, [1, 2] AS l, true AS b, NULL AS x"


def test_csv_can_be_read_back(lake: Lake) -> None:
    header, line = csv.reader(io.StringIO(_printed(lake, NASTY, "csv")))
    assert header == ["t", "f", "n", "l", "b", "x"]
    assert line == ['a,"b\nc', "1.5", "", "[1, 2]", "true", ""]


def test_json_can_be_read_back(lake: Lake) -> None:
    assert json.loads(_printed(lake, NASTY, "json")) == [
        {"t": 'a,"b\nc', "f": 1.5, "n": None, "l": [1, 2], "b": True, "x": None}
    ]
    assert json.loads(_printed(lake, "SELECT * FROM gold.decisions", "json")) == []


def test_a_table_says_how_many_rows_and_which_columns_had_no_room(lake: Lake) -> None:
    text = _printed(lake, "SELECT value AS n FROM generate_series(1, 200)", "table")
    assert "the first 50 of 200 rows" in text
    wide = " ".join(_printed(lake, "SELECT * FROM silver.signals", "table").split())
    assert "3 rows; no room for" in wide
    assert "content_hash" in wide
    assert max(map(len, _printed(lake, "SELECT * FROM silver.signals", "table").splitlines())) <= 80


def test_values_do_not_steer_the_terminal(lake: Lake) -> None:
    text = _printed(lake, "SELECT chr(27) || '[31mred [bold]x[/bold]' AS t", "table")
    assert "\x1b" not in text
    assert "\\x1b[31mred [bold]x[/bold]" in text
    assert visible("a\x00b\u202ec") == "a\\x00b\\u202ec"
    assert decoded(b"caf\xc3\xa9 \xff\x00") == "café \\xff\\x00"


def test_another_format_is_refused(lake: Lake) -> None:
    with pytest.raises(InputError, match="--format: expected one of table, csv, json; got 'xml'"):
        _printed(lake, "SELECT 1", "xml")


def test_quotes_in_values_stay_in_the_literal(ask: Ask) -> None:
    assert ask(f"SELECT {quoted(chr(39) + '; DROP TABLE x --')} AS t") == [{"t": "'; DROP TABLE x --"}]


def test_a_folder_that_is_no_lake_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lake: expected a lake at"):
        show_sql(tmp_path, "SELECT 1", console=Console())


def test_reading_starts_no_spark_and_imports_nothing_heavy(lake: Lake) -> None:
    modules = "query, status, trace, table_list, quarantine_list"
    code = (
        f"import sys; from leadhouse.jobs import {modules}\n"
        "from pathlib import Path; from rich.console import Console; import io\n"
        f"query.show_sql(Path({str(lake.root)!r}), 'SELECT * FROM ops.runs', console=Console(file=io.StringIO()))\n"
        f"status.show_status(Path({str(lake.root)!r}), console=Console(file=io.StringIO()))\n"
        "print([m for m in ('pyspark', 'mlflow', 'great_expectations', 'xgboost', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

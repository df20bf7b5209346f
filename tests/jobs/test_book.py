"""The book folded row by row says what its rows say, in whatever order and pieces they come."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadhouse.jobs.runtime import batches, book
from leadhouse.jobs.runtime.batches import Batch, Outcome
from leadhouse.jobs.runtime.book import BOOK, COMPLETE, ENDED, FAILED, HELD, Page
from leadhouse.jobs.runtime.lake import Lake
from leadhouse.jobs.runtime.layout import open_lake

NOW = datetime(2024, 5, 10, 12, tzinfo=UTC)
ROWS = st.lists(
    st.tuples(st.integers(1, 2), st.integers(0, 3), st.sampled_from(["intent", COMPLETE, HELD, FAILED]), st.booleans()),
    max_size=12,
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "lake")


def begin(lake: Lake, job: str, number: int) -> Batch:
    intent = batches.new_batch(
        lake, job, 1, number, now=NOW, as_of=None, known=None, inputs_key="", reads={}, definitions={}
    )
    return batches.begin(lake, intent)


def rows_of(said: list[tuple[int, int, str, bool]]) -> list[dict[str, Any]]:
    """Rows of one job's batches, each later than the one before; what ends has begun."""
    begun = sorted({(generation, number) for generation, number, *_ in said})
    told = [(*key, "intent", False) for key in begun] + said
    return [
        {
            "generation": generation,
            "number": number,
            "batch": f"refine/{generation}/{number}",
            "kind": "intent" if what == "intent" else "outcome",
            "status": what,
            "recorded_at": NOW + timedelta(seconds=place),
            "writes": {"silver.signals": 1} if wrote else {},
        }
        for place, (generation, number, what, wrote) in enumerate(told)
    ]


@given(said=ROWS, order=st.randoms(use_true_random=False))
def test_a_page_says_what_its_rows_say_in_any_order_and_twice(
    said: list[tuple[int, int, str, bool]], order: Any
) -> None:
    rows = rows_of(said)
    page = Page()
    shuffled = [*rows, *rows[:3]]
    order.shuffle(shuffled)
    for row in shuffled:
        page.take(row)
    key = book.key_of
    intents = [row for row in rows if row["kind"] == "intent"]
    ended = {key(row) for row in rows if row["status"] in ENDED}
    over = {key(row) for row in rows if row["status"] == FAILED and not row["writes"]}
    assert page.newest == max(intents, key=lambda row: (*key(row), row["recorded_at"]), default=None)
    assert set(page.begun) == {key(row) for row in intents} - ended
    assert all(
        row["recorded_at"] == max(one["recorded_at"] for one in intents if key(one) == known)
        for known, row in page.begun.items()
    )
    assert (page.last is None) == (not ended)
    assert page.last is None or key(page.last) == max(ended)
    assert page.failed == {key(row) for row in rows if row["status"] == FAILED}
    unfinished = {key(row) for row in intents} - ended - over
    highest = max(ended | over, default=(1, -1))
    assert page.next_key() == (max(unfinished) if unfinished else (highest[0], highest[1] + 1))


def test_an_old_batchs_intent_is_found_on_disk(lake: Lake) -> None:
    for number in range(3):
        batches.finish(lake, Outcome(begin(lake, "feature", number), COMPLETE), NOW)
    found = batches.find_intent(lake, "feature", 1, 0)
    assert found is not None
    assert found.name == "feature/1/0"
    assert batches.find_intent(lake, "feature", 1, 3) is None


def test_another_processs_rows_are_in_the_book_at_once(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two that write the book in turn, each with what it remembers of it: none loses or repeats a row."""
    other = Lake(lake.root, lake.lake_id)
    mine, theirs = dict[str, book.Book](), dict[str, book.Book]()
    for number in range(3):
        monkeypatch.setattr(book, "_BOOKS", mine)
        assert batches.next_batch(lake, "feature") == (1, number)
        first = begin(lake, "feature", number)
        monkeypatch.setattr(book, "_BOOKS", theirs)
        assert batches.unfinished(other, "feature") == (first.name,)
        second = begin(other, "decide", number)
        monkeypatch.setattr(book, "_BOOKS", mine)
        batches.finish(lake, Outcome(first, COMPLETE), NOW)
        batches.finish(other, Outcome(second, COMPLETE), NOW)
    assert batches.under_way(lake, ()) == []
    assert sorted((row["batch"], row["kind"]) for row in book.book_rows(lake)) == sorted(
        (f"{job}/1/{number}", kind)
        for job in ("feature", "decide") for number in range(3) for kind in ("intent", "outcome")
    )  # fmt: skip


def test_of_a_long_book_only_what_is_new_is_read(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(lake, "feature", 0)
    remembered = copy.deepcopy(book.read_book(lake))
    batches.finish(lake, Outcome(begin(lake, "decide", 0), COMPLETE), NOW)
    whole = book.read_book(lake)
    assert whole != remembered
    monkeypatch.setattr(book, "_BOOKS", {lake.table_path(BOOK): remembered})
    monkeypatch.setattr(Lake, "dataset", _of_the_schema_alone(Lake.dataset))
    assert book.read_book(lake) == whole
    monkeypatch.undo()
    lake.compact(BOOK, target_bytes=1_000_000)
    assert book.read_book(lake).pages == whole.pages, "after maintenance it is read anew"


def _of_the_schema_alone(dataset: Callable[..., Any]) -> Callable[..., Any]:
    """Open datasets that have no rows: whoever reads one finds nothing."""
    return lambda *args: dataset(*args).filter(pc.scalar(False))

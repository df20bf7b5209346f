"""Examples in one order, each once, and what is known of their leads later."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from leadhouse.models.examples import SOURCE, read_examples
from tests.models.data import CATEGORIES, DAY, NUMBERS


def table(*rows: tuple[str, int, bool], timed: bool = True) -> pa.Table:
    """Examples from (lead, day, won); each has its place as a feature."""
    leads, days, won = zip(*rows, strict=True)
    return pa.table(
        {
            "lead_id": list(leads),
            "as_of": pa.array([day * DAY for day in days], pa.timestamp("us", "UTC")),
            "label": list(won),
            "timed": [timed] * len(rows),
            "numbers": pa.array([[("trait:place", float(place))] for place in range(len(rows))], NUMBERS),
            "categories": pa.array([[]] * len(rows), CATEGORIES),
        }
    )


def places(rows: pa.Table) -> list[float | None]:
    return [dict(entry)["trait:place"] if entry else None for entry in rows["numbers"].to_pylist()]


def test_a_lead_twice_at_one_moment_counts_once_as_won_and_is_counted_out() -> None:
    found = read_examples(table(("a", 1, False), ("a", 1, True), ("a", 2, False), ("b", 1, False), ("b", 1, False)))
    assert found.repeated == 2
    assert list(found.labels) == [1, 0, 0]
    np.testing.assert_array_equal(found.moments, [DAY, 2 * DAY, DAY])
    assert places(found.rows) == [1, 2, 3]


def test_what_is_known_later_stands_beside_its_own_examples() -> None:
    later = table(("c", 9, False), ("b", 1, False), ("a", 10, False))
    found = read_examples(table(("b", 1, True), ("a", 3, False), ("a", 2, False), ("d", 1, False)), later)
    assert found.later is not None
    np.testing.assert_array_equal(found.later.days, np.array([8, 7, np.nan, np.nan], np.float32))
    assert places(found.later.rows) == [2, 2, 1, None]
    some = found.take(np.array([1, 3]))
    assert some.later is not None
    np.testing.assert_array_equal(some.later.days, np.array([7, np.nan], np.float32))


def test_without_times_nothing_is_known_to_be_later() -> None:
    assert read_examples(table(("a", 1, True), timed=False), table(("a", 9, True))).later is None


def test_each_example_keeps_the_source_of_its_lead_and_an_unknown_one_is_said() -> None:
    rows = table(("b", 1, True), ("a", 1, False), ("c", 1, False)).append_column(
        "source", pa.array(["web", "crm", None])
    )
    found = read_examples(rows)
    assert list(found.apart[SOURCE]) == ["crm", "web", "not known"]
    assert list(found.take(np.array([2, 0])).apart[SOURCE]) == ["not known", "crm"]

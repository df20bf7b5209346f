"""What looks like a leak and is none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from leadhouse.models.examples import read_examples
from leadhouse.models.leakage import suspects
from leadhouse.models.leaks.sample import draw_sample
from leadhouse.models.plan import Prepared, prepare
from tests.models.data import CATEGORIES, DAY, NUMBERS, synthetic
from tests.models.leaks.company import PLAN, Column, honest, prepared

LEADS = 2000


def features(name: str) -> tuple[dict[str, Column], np.ndarray]:
    """Honest data with one more feature that has the air of a leak."""
    columns, won = honest(LEADS, 0.38, 3)
    draw = np.random.default_rng(3)
    more: dict[str, dict[str, Column]] = {
        "two strong traits of which the sum is stronger": {
            "trait:one": (draw.normal(size=LEADS) + 1.05 * won).tolist(),
            "trait:two": (draw.normal(size=LEADS) + 1.05 * won).tolist(),
        },
        "a small source of which all won": {
            "trait:origin": np.where(won & (draw.random(LEADS) < 0.05), "friend", "other").tolist()
        },
        "a source of which nine in ten won": {
            "trait:origin": np.where(
                (won & (draw.random(LEADS) < 0.3)) | (~won & (draw.random(LEADS) < 0.02)), "friend", "other"
            ).tolist()
        },
        "leads in a hurry, of which nobody won": {
            "trait:student": np.where(~won & (draw.random(LEADS) < 0.08), "yes", "no").tolist()
        },
        "whole numbers that hardly repeat": {"trait:turnover": draw.integers(1, 10**7, LEADS).astype(float).tolist()},
        "numbers that many share": {"trait:postcode": draw.integers(1000, 9999, LEADS).astype(float).tolist()},
        "text with one value per lead": {"trait:id": [f"id{n}" for n in range(LEADS)]},
        "a number that most lack": {
            "trait:rare": [float(value) if value < 0.02 else None for value in draw.random(LEADS)]
        },
    }
    return columns | more[name], won


@pytest.mark.parametrize(
    "name",
    [
        "two strong traits of which the sum is stronger",
        "a small source of which all won",
        "a source of which nine in ten won",
        "leads in a hurry, of which nobody won",
        "whole numbers that hardly repeat",
        "numbers that many share",
        "text with one value per lead",
        "a number that most lack",
    ],
)
def test_what_is_honest_is_not_named(name: str) -> None:
    assert suspects(prepared(*features(name)), PLAN) == ()


def test_a_lead_seen_at_several_ages_counts_once_and_does_not_foretell_itself() -> None:
    """Each lead has a number of its own; three examples of it would tell each other's outcome."""
    draw = np.random.default_rng(0)
    won = np.repeat(draw.random(600) < 0.3, 3)
    own = np.repeat(draw.random(600), 3)
    table = pa.table(
        {
            "lead_id": [f"lead{place // 3:04d}" for place in range(1800)],
            "as_of": pa.array(
                [place // 3 * DAY + place % 3 * 7 * DAY for place in range(1800)], pa.timestamp("us", "UTC")
            ),
            "label": won,
            "timed": [True] * 1800,
            "numbers": pa.array([[("trait:own", value)] for value in own], NUMBERS),
            "categories": pa.array([[]] * 1800, CATEGORIES),
        }
    )
    data = prepare(read_examples(table), PLAN)
    assert isinstance(data, Prepared)
    sample = draw_sample(data.examples, data.matrix, data.learned.spec, 0)
    assert len(sample.won) == len(np.unique(data.examples.leads[sample.places])) == 600
    assert suspects(data, PLAN) == ()


def test_the_same_data_in_any_order_have_the_same_suspects() -> None:
    table, _ = synthetic(1000)
    told = pa.array([[("trait:answer", float(label.as_py()))] for label in table["label"]], NUMBERS)
    table = table.set_column(4, "numbers", told)
    shuffled = table.take(pa.array(np.random.default_rng(0).permutation(1000)))
    one, other = (suspects(prepare(read_examples(rows), PLAN), PLAN) for rows in (table, shuffled))  # type: ignore[arg-type]
    assert one == other
    assert [suspect.feature for suspect in one] == ["trait:answer"]

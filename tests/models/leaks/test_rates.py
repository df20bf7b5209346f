"""The figures that suspicions rest on, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from leadhouse.models.leaks.rates import auc_either_way, is_suspect, rates_out_of_fold, short


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2).filter(lambda rows: len({w for _, w in rows}) > 1)
)
def test_the_auc_is_scikit_learns_whatever_the_direction(rows: list[tuple[int, bool]]) -> None:
    values, won = (np.array(column) for column in zip(*rows, strict=True))
    one = roc_auc_score(won, values)
    assert auc_either_way(values, won) == pytest.approx(max(one, 1 - one))


def test_a_code_is_judged_by_other_leads_only() -> None:
    codes, won, fold = np.array([0, 0, 0, 1]), np.array([True, True, False, True]), np.array([0, 1, 1, 0])
    expected = [(1 + 0.5) / 3, 1.0, 1.0, 0.5]  # of the others with the same code, and one lead's worth of all others
    np.testing.assert_allclose(rates_out_of_fold(codes, won, fold, prior=1.0), expected)


def test_a_code_of_one_lead_each_foretells_nothing() -> None:
    draw = np.random.default_rng(0)
    won, fold = draw.random(2000) < 0.2, np.arange(2000) % 5
    assert auc_either_way(rates_out_of_fold(np.arange(2000), won, fold, prior=10.0), won) < 0.6


@pytest.mark.parametrize(("auc", "leads", "expected"), [(0.84, 10_000, False), (0.87, 10_000, True), (0.86, 80, False)])
def test_few_leads_must_be_further_above(auc: float, leads: int, expected: bool) -> None:
    assert is_suspect(auc, np.arange(leads) % 2 == 0) is expected


def test_figures_are_short() -> None:
    assert [short(figure) for figure in (0.92, 0.8567, 1.0, 0.9999)] == [".92", ".857", "1", "1"]

"""The two probabilities are the package's, and those that the method's definition gives."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from leadhouse.models.venn_abers import MAX_BINS, binned, venn_abers


def noisy(count: int, seed: int, digits: int = 9) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    scores = draw.normal(0, 2, count).round(digits)
    return scores, (draw.random(count) < 1 / (1 + np.exp(1 - scores))).astype(np.float32)


@pytest.mark.parametrize(("count", "digits"), [(2, 9), (30, 9), (120, 9), (800, 1)])
def test_a_pair_is_isotonic_regression_with_the_lead_among_the_examples_as_lost_and_as_won(
    count: int, digits: int
) -> None:
    scores, labels = noisy(count, count, digits)
    pair = venn_abers(scores, labels)
    np.testing.assert_array_equal(pair.x, np.unique(scores))
    for label, found in ((0, pair.p0), (1, pair.p1)):
        expected = [
            IsotonicRegression().fit(np.append(scores, x), np.append(labels, label)).predict([x])[0] for x in pair.x
        ]
        np.testing.assert_allclose(found, expected, atol=1e-9)
    assert (pair.p0 < pair.merged).all()
    assert (pair.merged < pair.p1).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # it divides 0 by 0
def test_many_scores_give_the_packages_probabilities_up_to_the_bins() -> None:
    scores, labels = noisy(20_000, 1)
    pair = venn_abers(scores, labels)
    fresh = noisy(5000, 2)[0]
    with np.errstate():  # the import sets numpy's error state for good
        from venn_abers import VennAbers
    theirs = VennAbers()
    theirs.fit(np.column_stack([-scores, scores]), labels)
    merged, both = theirs.predict_proba(np.column_stack([-fresh, fresh]))
    inside = (fresh > pair.x[0]) & (fresh < pair.x[-1])
    for ours, package in ((pair.p0, both[:, 0]), (pair.p1, both[:, 1]), (pair.merged, merged[:, 1])):
        gap = np.abs(np.interp(fresh, pair.x, ours) - package)
        assert gap[inside].mean() < 0.005
        assert gap.mean() < 0.006


def test_bins_hold_equal_counts_in_order_and_equal_scores_together() -> None:
    scores = np.concatenate([noisy(10_000, 3)[0], np.full(3000, 0.25)])
    bins = binned(scores)
    assert len(bins.centres) <= MAX_BINS
    assert (np.diff(bins.centres) > 0).all()
    assert (np.diff(bins.of[np.argsort(scores)]) >= 0).all()
    assert len(np.unique(bins.of[scores == 0.25])) == 1
    others = np.bincount(bins.of[scores != 0.25])
    assert others.max() < 3 * len(scores) / MAX_BINS
    np.testing.assert_allclose([scores[bins.of == place].mean() for place in range(len(others))], bins.centres)


@pytest.mark.parametrize("state", ["warn", "raise"])
def test_the_package_leaves_numpys_error_state_alone(state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("venn_abers", "venn_abers.venn_abers"):  # as if it had not been imported before
        monkeypatch.delitem(sys.modules, name, raising=False)
    with np.errstate(all=state):  # type: ignore[call-overload]
        venn_abers(*noisy(50, 4))
        assert set(np.geterr().values()) == {state}

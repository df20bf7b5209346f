"""Effects in percentage points: they add up, keep sign and order under every calibration, and never explode."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

from leadhouse.models.calibrate import Calibration, fit_isotonic, fit_platt, fit_venn_abers
from leadhouse.models.effects import effects

FEATURES = 6


def crooked() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    log_odds = draw.normal(-1, 2, 5000)
    return log_odds, (draw.random(5000) < 0.05 + 0.5 * (log_odds > 0.5)).astype(np.float32)


CURVES = [fit(*crooked()) for fit in (fit_platt, fit_isotonic, fit_venn_abers)]
STEEP = Calibration("isotonic", (-2.0, -1e-6, 1e-6, 2.0), (-4.0, -3.999, 3.999, 4.0))
"""A cliff between two plains."""
contributions = arrays(np.float64, (3, FEATURES + 1), elements=st.floats(-4, 4).map(lambda value: round(value, 3)))


def row(base: float, *shares: float) -> np.ndarray:
    return np.array([[*shares, base]])


@given(contributions)
def test_they_add_up_to_the_score_less_the_starting_point(found: np.ndarray) -> None:
    for curve in [*CURVES, STEEP]:
        moved = curve.apply(found.sum(axis=1)) - curve.apply(found[:, -1])
        # On the cliff the last bit of a sum of log odds is worth thousands of times as much.
        np.testing.assert_allclose(effects(found, curve).sum(axis=1), moved, atol=1e-9 if curve is STEEP else 1e-12)


@given(contributions)
def test_they_keep_sign_and_order_whatever_calibrates(found: np.ndarray) -> None:
    shares = found[:, :-1]
    for curve in [*CURVES, STEEP]:
        added = effects(found, curve)
        assert (np.sign(added) == np.sign(shares)).all()
        for share, effect in zip(shares, added, strict=True):
            for way in (1, -1):
                places = np.flatnonzero(share * way > 0)
                order = places[np.argsort(-np.abs(share[places]), kind="stable")]
                assert (np.diff(np.abs(effect[order])) <= 1e-15).all()
                # Another curve changes one factor: what is twice the share is twice the effect.
                factors = effect[order] / share[order]
                np.testing.assert_allclose(factors, factors[:1].repeat(len(order)), rtol=1e-12)


@given(contributions)
def test_no_effect_is_beyond_what_there_is_of_probability(found: np.ndarray) -> None:
    for curve in [*CURVES, STEEP]:
        added = effects(found, curve)
        assert np.maximum(added, 0).sum(axis=1).max() <= 1
        assert np.minimum(added, 0).sum(axis=1).min() >= -1


@given(contributions, st.sampled_from([*CURVES, STEEP]))
def test_they_are_what_is_gained_step_by_step_on_the_way(found: np.ndarray, curve: Calibration) -> None:
    """Walked, not computed: all that raises and then all that lowers, and the other way round, in small steps."""
    steps = 50
    for each, added in zip(found, effects(found, curve), strict=True):
        base, shares = each[-1], each[:-1]
        expected = np.zeros(FEATURES)
        for first in (1, -1):
            here = base
            for way in (first, -first):
                part = np.where(shares * way > 0, shares, 0.0)
                for _ in range(steps if part.any() else 0):
                    gained = curve.apply(np.array([here + part.sum() / steps]))[0] - curve.apply(np.array([here]))[0]
                    here += part.sum() / steps
                    expected += gained * part / part.sum() / 2
        np.testing.assert_allclose(added, expected, atol=1e-6)


def test_where_all_goes_one_way_a_curve_that_is_a_line_parts_what_was_gained_in_proportion() -> None:
    plain = Calibration("platt", (0.0, 1.0), (0.0, 1.0))
    gained = expit(2.0) - expit(-1.0)
    np.testing.assert_allclose(effects(row(-1.0, 2.0, 1.0, 0.0), plain), [[gained * 2 / 3, gained / 3, 0.0]])


def test_large_shares_that_cancel_on_a_cliff_do_not_explode() -> None:
    added = effects(row(-1e-6, 2.0, -1.5, -0.5 + 2e-6), STEEP)
    top, bottom = expit(4.0), expit(-4.0)
    assert added[0, 0] == pytest.approx(top - bottom, abs=1e-2)  # the slope alone would say 1,000,000 points
    assert added.sum() == pytest.approx(expit(3.999) - expit(-3.999))


def test_what_neither_raises_nor_lowers_has_no_effect() -> None:
    assert (effects(row(0.3, 0.0, 0.0), CURVES[1]) == 0).all()
    assert effects(np.empty((0, 3)), CURVES[0]).shape == (0, 2)

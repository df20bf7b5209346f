"""From shares of the log odds to shares of the probability: what each feature does to a score, in its own unit."""

from __future__ import annotations

import numpy as np

from leadhouse.models.calibrate import Calibration
from leadhouse.models.evaluate import Probabilities


def effects(contributions: Probabilities, calibration: Calibration) -> Probabilities:
    """Return what each feature adds to the calibrated probability, negative where it lowers it: rows × features.

    ``contributions`` are TreeSHAP's shares of the log odds, the base value in the last column. Each row's effects add
    up to its probability less the probability at the base value, as the shares add up in log odds (local accuracy:
    Lundberg and Lee, A Unified Approach to Interpreting Model Predictions, NIPS 2017).

    All that raises and all that lowers are two players who go from the base value to the row's log odds along the
    calibration curve; each gets what the curve gains while it goes, on average over who goes first (Shapley, 1953).
    Inside a direction it is parted in proportion to the shares, which is the mean slope of the curve on a straight path
    (Aumann and Shapley, Values of Non-Atomic Games, 1974; path methods are the ones that add up: Sundararajan and
    others, Axiomatic Attribution for Deep Networks, ICML 2017). So, whatever rising curve calibrates:

    - an effect has the sign of its share, and inside a direction effects are in the order of shares: another curve
      changes one factor for what raises and one for what lowers, nothing else;
    - no effect is beyond what the whole curve has. The slope between base value and row alone, one factor for all,
      would be: where large shares cancel on a steep step it makes thousands of points of them.
    """
    base, shares = contributions[:, -1], contributions[:, :-1]
    up, down = np.maximum(shares, 0.0).sum(axis=1), np.minimum(shares, 0.0).sum(axis=1)
    start, raised, lowered, end = (
        calibration.apply(log_odds) for log_odds in (base, base + up, base + down, base + up + down)
    )
    gain = ((raised - start) + (end - lowered)) / 2
    loss = ((lowered - start) + (end - raised)) / 2
    return np.asarray(np.where(shares > 0, shares * _rate(gain, up), shares * _rate(loss, down)))


def _rate(points: Probabilities, log_odds: Probabilities) -> Probabilities:
    """Probability per unit of log odds, for each row; 0 where nothing goes this way."""
    rate = np.divide(points, log_odds, out=np.zeros_like(points), where=log_odds != 0)
    return np.maximum(rate, 0.0)[:, None]  # the last bit of a flat curve may fall

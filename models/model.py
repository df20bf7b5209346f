"""A lead model: trees, calibration and grade cuts, all that turns feature rows into scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from leadhouse.models.calibrate import Calibration
from leadhouse.models.evaluate import Probabilities
from leadhouse.models.fit import FittedModel
from leadhouse.models.matrix import Rows

GRADES = ("A", "B", "C", "D")
GRADE_SHARES = (0.1, 0.3, 0.6)
"""The top 10 % of the held-out examples are A, the next 20 % B, the next 30 % C, the rest D."""
_DIGITS = 9


@dataclass(frozen=True)
class LeadModel:
    """Everything that scoring needs, and the card that says where it comes from."""

    fitted: FittedModel
    calibration: Calibration
    cuts: tuple[float, ...]
    """The least probability for A, for B and for C."""
    card: Mapping[str, Any]
    """JSON values: tenant, outcome, horizon_days, training_key, metrics, method, suspects …"""

    def predict(self, rows: Rows) -> Probabilities:
        """Return calibrated probabilities for feature rows with the columns of gold.lead_features."""
        return _rounded(self.calibration.apply(self.fitted.predict(rows)))

    def predict_interval(self, rows: Rows) -> tuple[Probabilities, tuple[Probabilities, Probabilities] | None]:
        """Return what ``predict`` does, and the lower and upper probabilities around it (None from an old model)."""
        log_odds = self.fitted.predict(rows)
        found = self.calibration.interval(log_odds)
        interval = None if found is None else (_rounded(found[0]), _rounded(found[1]))
        return _rounded(self.calibration.apply(log_odds)), interval

    def grade(self, probabilities: Probabilities) -> npt.NDArray[np.str_]:
        """Return the grade of each probability: A to D."""
        below = np.zeros(len(probabilities), dtype=np.int64)
        for cut in self.cuts:
            below += probabilities < cut
        return np.array(GRADES)[below]


def _rounded(probabilities: Probabilities) -> Probabilities:
    # So that a row's score doesn't depend on its neighbours: vector units may differ in the last bit.
    return np.round(probabilities, _DIGITS)


def grade_cuts(probabilities: Probabilities) -> tuple[float, ...]:
    """Return the cuts that give the held-out examples the shares in GRADE_SHARES."""
    return tuple(round(float(np.quantile(probabilities, 1 - share)), _DIGITS) for share in GRADE_SHARES)

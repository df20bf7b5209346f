"""Pictures of a model's evidence, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score, roc_curve

from leadhouse.models.evaluate import Bin, Probabilities, reliability
from leadhouse.models.split import Labels

_SHOWN, _BARS = 20, 20


def roc_png(labels: Labels, probabilities: Probabilities) -> bytes:
    """Draw the ROC curve with its AUC."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    missed, found, _ = roc_curve(labels, probabilities)
    axes.plot(missed, found, label=f"AUC {roc_auc_score(labels, probabilities):.3f}")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="no model")
    axes.set(xlabel="share of the others taken along", ylabel="share of the winners found", title="ROC")
    axes.legend()
    return png(figure)


def calibration_png(labels: Labels, probabilities: Probabilities) -> bytes:
    """Draw predicted against real rates over ten bins of equal count, and below how many examples have which
    probability.

    The vertical lines are the 95 % ranges of the rates (Wilson 1927), as if no two examples were of one lead.
    """
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    bins = reliability(labels, probabilities)
    x, rates = [bin_.probability for bin_ in bins], [bin_.rate for bin_ in bins]
    ranges = [_wilson(bin_.rate, bin_.examples) for bin_ in bins]
    top = min(1.0, max(*x, *(high for _, high in ranges)) * 1.05)
    axes.plot([0, top], [0, top], linestyle=":", color="grey", label="perfect")
    axes.vlines(x, *zip(*ranges, strict=True), color="C0", alpha=0.5, label="95 % range of the rate")
    axes.plot(x, rates, marker="o", label="model")
    axes.set(ylabel="rate in the bin", title=f"Calibration: {len(bins)} bins of {_counts(bins)} examples")
    axes.legend(loc="upper left")
    _draw_counts(below, probabilities)
    below.set(xlabel="probability (above: mean of the bin)", ylabel="examples")
    return png(figure)


def _wilson(rate: float, examples: int) -> tuple[float, float]:
    """Return Wilson's 95 % range of a rate that was seen in so many examples."""
    found = binomtest(round(rate * examples), examples).proportion_ci(0.95, "wilson")
    return float(found.low), float(found.high)


def _counts(bins: Sequence[Bin]) -> str:
    least, most = (pick(bin_.examples for bin_ in bins) for pick in (min, max))
    return f"{least:,}" if least == most else f"{least:,} or {most:,}"


def _draw_counts(axes: Axes, probabilities: Probabilities) -> None:
    """Draw bars over 20 equal parts from 0 to the highest probability, each with its count."""
    counts, edges = np.histogram(probabilities, bins=_BARS, range=(0.0, max(float(probabilities.max()), 1e-3)))
    bars = axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color="C0", alpha=0.5, edgecolor="white")
    axes.bar_label(
        bars, [f"{count:,}" if count else "" for count in counts.tolist()], rotation=90, padding=2, fontsize=7
    )
    axes.margins(y=0.6)


def importance_png(importance: Mapping[str, float]) -> bytes:
    """Draw the 20 features with the largest share of the trees' gain."""
    ranked = sorted(importance.items(), key=lambda entry: (-entry[1], entry[0]))[:_SHOWN]
    figure = Figure(figsize=(8, 0.5 + 0.3 * len(ranked) + 0.6), layout="constrained")
    axes = figure.subplots()
    axes.barh([name for name, _ in reversed(ranked)], [share for _, share in reversed(ranked)])
    axes.set(xlabel="share of the trees' gain", title="Importance")
    return png(figure)


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG, the same bytes every time."""
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()

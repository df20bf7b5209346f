"""Pictures of a model's evidence, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score, roc_curve

from leadhouse.models.evaluate import Probabilities, reliability
from leadhouse.models.split import Labels

_SHOWN = 20


def roc_png(labels: Labels, probabilities: Probabilities) -> bytes:
    """Draw the ROC curve with its AUC."""
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    missed, found, _ = roc_curve(labels, probabilities)
    axes.plot(missed, found, label=f"AUC {roc_auc_score(labels, probabilities):.3f}")
    axes.plot([0, 1], [0, 1], linestyle=":", color="grey", label="no model")
    axes.set(xlabel="share of the others taken along", ylabel="share of the winners found", title="ROC")
    axes.legend()
    return _png(figure)


def calibration_png(labels: Labels, probabilities: Probabilities) -> bytes:
    """Draw predicted against real rates over ten bins of equal count, each with its number of examples."""
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    bins = reliability(labels, probabilities)
    top = max(max(bin_.probability, bin_.rate) for bin_ in bins) * 1.1 or 1.0
    axes.plot([0, top], [0, top], linestyle=":", color="grey", label="perfect")
    axes.plot([bin_.probability for bin_ in bins], [bin_.rate for bin_ in bins], marker="o", label="model")
    for bin_ in bins:
        axes.annotate(f"{bin_.examples:,}", (bin_.probability, bin_.rate), xytext=(4, -12), textcoords="offset points")
    axes.set(xlabel="mean probability of the bin", ylabel="rate in the bin", title="Calibration (with counts)")
    axes.legend()
    return _png(figure)


def importance_png(importance: Mapping[str, float]) -> bytes:
    """Draw the 20 features with the largest share of the trees' gain."""
    ranked = sorted(importance.items(), key=lambda entry: (-entry[1], entry[0]))[:_SHOWN]
    figure = Figure(figsize=(8, 0.5 + 0.3 * len(ranked) + 0.6), layout="constrained")
    axes = figure.subplots()
    axes.barh([name for name, _ in reversed(ranked)], [share for _, share in reversed(ranked)])
    axes.set(xlabel="share of the trees' gain", title="Importance")
    return _png(figure)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()

"""Pictures of what moves a model's scores on the whole, as PNG bytes."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from leadhouse.models.dependence import Dependence
from leadhouse.models.matrix import CATEGORY, FLAG, Feature, FeatureSpec
from leadhouse.models.overall import Overall
from leadhouse.models.plots import png
from leadhouse.models.wording import UNKNOWN, show, title

_SHOWN, _COLUMNS = 20, 3
_LETTERS, _FLAT = 18, 3
"""A level's letters at most, and how many levels are written flat beside one another."""
_MEAN, _MISSING = "C0", "C1"


def effects_png(found: Overall) -> bytes:
    """Draw by how many percentage points the 20 strongest features move a score on average, whichever way."""
    strongest = list(reversed(found.effects[:_SHOWN]))
    figure = Figure(figsize=(8, 1.1 + 0.3 * max(len(strongest), 2)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh([title(one.feature) for one in strongest], [one.mean * 100 for one in strongest], color=_MEAN)
    axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=8)
    axes.margins(x=0.1)
    axes.set(
        xlabel=f"mean size of the effect on a score, percentage points ({found.examples:,} examples)",
        title="What moves a score",
    )
    return png(figure)


def dependence_png(found: Overall, spec: FeatureSpec) -> bytes:
    """Draw the partial dependence of each of the strongest features, on one scale of probabilities."""
    kinds = {feature.name: feature for feature in spec.features}
    rows = max(1, -(-len(found.dependence) // _COLUMNS))
    figure = Figure(figsize=(11, 0.8 + 2.9 * rows), layout="constrained")
    grid = figure.subplots(rows, _COLUMNS, squeeze=False, sharey=True)
    axes = list(grid.flat)
    for place, one in zip(axes, found.dependence, strict=False):
        _draw(place, one, kinds[one.feature])
    for place in axes[len(found.dependence) :]:
        place.set_axis_off()
    for row in grid:
        row[0].set_ylabel("mean score")
        row[0].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    top = max((point.probability for one in found.dependence for point in one.points), default=1.0)
    axes[0].set_ylim(0, top * 1.1)
    figure.suptitle("What the model would say on average, were all leads alike in one thing (partial dependence)")
    return png(figure)


def _draw(axes: Axes, one: Dependence, feature: Feature) -> None:
    """Draw one feature: a line through a number's values, a dot for each level; missing has a colour of its own."""
    means = [point.probability for point in one.points]
    missing = [point.value is None for point in one.points]
    if feature.kind in (CATEGORY, FLAG):
        labels = [_short(show(feature, point.value)) for point in one.points]
        colours = [_MISSING if absent else _MEAN for absent in missing]
        axes.vlines(range(len(labels)), 0, means, color=colours, alpha=0.4)
        axes.scatter(range(len(labels)), means, color=colours, zorder=3)
        axes.set_xticks(range(len(labels)), labels, rotation=30 if len(labels) > _FLAT else 0, fontsize=8)
        axes.margins(x=0.15)
    else:
        known = len(means) - sum(missing)  # missing is last
        axes.plot([float(point.value or 0) for point in one.points[:known]], means[:known], marker="o", color=_MEAN)
        for mean in means[known:]:
            axes.axhline(mean, linestyle="--", color=_MISSING, label=UNKNOWN)
            axes.legend(fontsize=8)
    axes.set_title(title(one.feature), fontsize=10)
    axes.grid(axis="y", alpha=0.3)


def _short(label: str) -> str:
    return label if len(label) <= _LETTERS else f"{label[: _LETTERS - 1]}…"

"""Accuracy of the discriminators over the training."""

from __future__ import annotations

from matplotlib.figure import Figure

from analysis.discriminators import ACCURACIES, CHANCE, WINS
from analysis.study import Study
from analysis.style import PALE, adaptor_colors, new_figure


def discriminator_accuracies(study: Study) -> Figure | None:
    """A panel per discriminator, median and range over all trials of an adaptor; None where none was trained."""
    found = {name: study.metric(metric) for name, metric in ACCURACIES.items()}
    found = {name: curves for name, curves in found.items() if not curves.empty}
    if not found:
        return None
    names = {cell.name: cell.without_budget() for cell in study.cells}
    adaptors = {run: names[cell] for run, cell in zip(study.frame["run"], study.frame["cell"], strict=True)}
    figure, axes = new_figure(7.2, 3.2, 1, len(found))
    for one, (name, curves) in zip(axes, found.items(), strict=True):
        curves = curves.assign(adaptor=[adaptors.get(run) for run in curves["run"]])
        for adaptor, color in adaptor_colors(study).items():
            values = curves.query("adaptor == @adaptor").groupby("iteration")["value"].agg(["median", "min", "max"])
            if not values.empty:
                x = list(values.index)
                one.plot(x, list(values["median"]), color=color, label=adaptor)
                one.fill_between(x, list(values["min"]), list(values["max"]), color=color, alpha=0.12)
        one.axhline(CHANCE, color=PALE, linestyle="--", linewidth=1)
        one.axhline(WINS, color=PALE, linestyle=":", linewidth=1)
        one.set_ylim(0.35, 1.02)
        one.set_title(f"{name}: accuracy", fontsize=9)
        one.set_xlabel("iteration")
        one.legend(fontsize=8, frameon=False)
    return figure

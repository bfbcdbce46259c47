"""The sections on the search: hyperparameters, learning and pruning, discriminators."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from analysis.discriminators import CHANCE, NEAR_CHANCE, WINS, summary
from analysis.figures.discriminators import discriminator_accuracies
from analysis.figures.learning_curves import learning_curves
from analysis.figures.slices import slices
from analysis.pruning import pruning, said_of
from analysis.report.blocks import Block, Picture, Points, Section, Table, Text
from analysis.statistics.importance import BEST_SHARE, importance
from analysis.statistics.sensitivity import best_configurations, seed_noise, sensitivity
from analysis.study import Study
from analysis.table import p_text


def hyperparameters(study: Study) -> Section | None:
    """Which mattered, and whether it shows; None for a study that tunes nothing."""
    figure = slices(study)
    if figure is None:
        return None
    tested, noise = sensitivity(study), seed_noise(study)
    caption = (
        "Select mIoU of tuning trials: dots finished, crosses pruned (at their last report), rings the best of a cell; "
        "grey bands reach one standard deviation over seeds to both sides of the best."
    )
    blocks: list[Block] = [
        Text(_noise_said(noise.std, noise.freedom) if noise else "Too few seeds to know their noise.")
    ]
    blocks.append(Picture("slices", caption, figure))
    blocks.append(
        Table("sensitivity", f"Is the method sensitive to it? {SENSITIVITY}", shown(tested), tested, folded=True)
    )
    best = best_configurations(study)
    blocks.append(
        Table("best", "Best configuration of each cell, and its lead over the next", shown(best), best, folded=True)
    )
    weighed = importance(study)
    if not weighed.empty:
        caption = f"Importance by PED-ANOVA: what sets the best {BEST_SHARE:.0%} of finished trials apart"
        blocks.append(Table("importance", caption, shown(weighed), weighed, folded=True))
    return Section("Hyperparameters", tuple(blocks))


SENSITIVITY = (
    "F-test of a parabola in the value against the variance over seeds, or against what it leaves unexplained if that "
    "is more; p_holm over all rows. Pruned trials are missing."
)


def learning(study: Study) -> Section:
    """Curves of all trials, and what pruning saved and risked."""
    caption = "Select mIoU over iterations: trials of the table in colour, others grey; a cross ends a pruned trial."
    blocks: list[Block] = [Picture("learning_curves", caption, learning_curves(study))]
    found = pruning(study)
    if found is None:
        blocks.append(Text("Nothing was pruned."))
    else:
        blocks.append(Points(tuple(said_of(found))))
        cells = pd.DataFrame([asdict(cell) for cell in found.cells])
        titles = "Pruned trials by cell: iterations and trial-hours saved, expected number of lost winners"
        blocks.append(Table("pruning", titles, shown(cells), cells, folded=True))
    return Section("Learning and pruning", tuple(blocks))


def discriminators(study: Study) -> Section | None:
    """Whether they told the domains apart; None where none was trained."""
    figure = discriminator_accuracies(study)
    if figure is None:
        return None
    found = summary(study)
    caption = "Share of source and target that a discriminator tells right: median and range over an adaptor's trials."
    note = (
        f"In the last third of training; `at chance` within {NEAR_CHANCE} of {CHANCE}, `wins` above {WINS}. A D "
        "at chance gives no direction: either the domains look alike to it, or it learns nothing."
    )
    table = Table("discriminators", f"Discriminators by cell. {note}", shown(found), found, folded=True)
    return Section("Discriminators", (Picture("discriminators", caption, figure), table))


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame as people read it: p-values with two digits, other numbers with three."""
    return pd.DataFrame({name: [_text(str(name), value) for value in frame[name]] for name in frame.columns}, dtype=str)


def _text(name: str, value: object) -> str:
    if isinstance(value, float):
        return p_text(value) if name.startswith("p") else "" if value != value else f"{value:.3g}"
    return "" if value is None else str(value)


def _noise_said(std: float, freedom: int) -> str:
    return (
        f"Training again under another seed moves the report mIoU by {std:.1f} points (standard deviation, {freedom} "
        "degrees of freedom, seeds that chose nothing). Differences between configurations are to be seen against that."
    )

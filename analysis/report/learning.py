"""The sections on the search: hyperparameters, learning and pruning, discriminators."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from analysis.discriminators import CHANCE, NEAR_CHANCE, WINS, summary
from analysis.figures.discriminators import discriminator_accuracies
from analysis.figures.learning_curves import MOST_PANELS, learning_curves
from analysis.figures.slices import slices
from analysis.pruning import pruning, said_of, said_of_finalists
from analysis.report.blocks import Block, Picture, Points, Section, Table, Text
from analysis.statistics.block_design import Noise
from analysis.statistics.importance import BAND, BEST_SHARE, FEWEST, PERMUTATIONS, importance
from analysis.statistics.sensitivity import best_configurations, noise_within_seeds, sensitivity
from analysis.study import Study
from analysis.table import p_text
from analysis.wording import count
from trainables.objective import MIOU, Objective

SENSITIVITY = (
    "Does {} depend on the hyperparameter? Seeds are blocks: only trials of the same seeds are compared. A tuned "
    "hyperparameter: F-test of a parabola in its value against what the parabola leaves unexplained, without pruned "
    "trials. One that is a factor: F-test of a randomized block design over its levels. p_holm is corrected over all "
    "rows."
)


IMPORTANCE = (
    f"Importance by PED-ANOVA: what distinguishes the best {BEST_SHARE:.0%} of finished configurations. Low and high "
    f"enclose {BAND:.0%} of the shares that come out where {{}} is permuted, so that nothing matters "
    f"({PERMUTATIONS} permutations); it takes {FEWEST} configurations"
)

DECISIONS = (
    "Which decisions the savings rest on: what stopped trials at which iteration, and how well the order of finished "
    "trials there agrees with their order at the end (Spearman's rank correlation, mean over cells)"
)


def hyperparameters(study: Study) -> Section | None:
    """Which of them mattered, and whether that shows; None where none has been tuned or is a factor."""
    figure, tested = slices(study), sensitivity(study)
    if figure is None and tested.empty:
        return None
    noise, best, weighed = noise_within_seeds(study), best_configurations(study), importance(study)
    name = study.objective.name
    blocks: list[Block] = [Text(noise_note(noise, study.objective))]
    if figure is not None:
        blocks.append(Picture("slices", _slices_caption(study, noise), figure))
    if not tested.empty:
        blocks.append(Table("sensitivity", SENSITIVITY.format(name), shown(study, tested), tested, folded=True))
    if not best.empty:
        caption = "Best configuration of each cell, and its lead over the next best"
        blocks.append(Table("best", caption, shown(study, best), best, folded=True))
    if not weighed.empty:
        blocks.append(Table("importance", IMPORTANCE.format(name), shown(study, weighed), weighed, folded=True))
    return Section("Hyperparameters", tuple(blocks))


def learning(study: Study) -> Section | None:
    """Curves of all trials, and what pruning saved and risked; None where no trial has reported."""
    figure, found = learning_curves(study), pruning(study)
    if figure is None:
        return None
    caption = f"Select {study.objective.name} over iterations: trials of the table in colour, all others grey"
    ends = "; a cross ends a pruned trial" if found else ""
    cells = f"; the first {MOST_PANELS} of {len(study.cells)} cells" if len(study.cells) > MOST_PANELS else ""
    blocks: list[Block] = [Picture("learning_curves", f"{caption}{ends}{cells}.", figure)]
    finalists = said_of_finalists(study)
    blocks += [Text(finalists)] if finalists is not None else []
    if found is None:
        blocks.append(Text("No trial was pruned."))
    else:
        blocks.append(Points(tuple(said_of(found))))
        saved = pd.DataFrame([asdict(cell) for cell in found.cells])
        title = "Pruned trials by cell: iterations and trial-hours saved, expected number of lost best trials"
        blocks.append(Table("pruning", title, shown(study, saved), saved, folded=True))
        decided = pd.DataFrame([asdict(one) for one in found.decisions])
        blocks.append(Table("pruning_decisions", DECISIONS, shown(study, decided), decided, folded=True))
    return Section("Learning and pruning", tuple(blocks))


def discriminators(study: Study) -> Section | None:
    """Whether they distinguished the domains; None where none was trained."""
    figure = discriminator_accuracies(study)
    if figure is None:
        return None
    found = summary(study)
    caption = (
        "Accuracy of the discriminators, the mean of source and target: median and range over the trials of an "
        f"adaptor. Dashed: chance ({CHANCE}); dotted: {WINS}."
    )
    note = (
        f"Discriminators by cell, accuracy in the last third of training: `at chance` is within {NEAR_CHANCE} of "
        f"{CHANCE}, `wins` is above {WINS}. A discriminator at chance gives no direction: either the domains look "
        "alike to it, or it learns nothing."
    )
    table = Table("discriminators", note, shown(study, found), found, folded=True)
    return Section("Discriminators", (Picture("discriminators", caption, figure), table))


def shown(study: Study, frame: pd.DataFrame) -> pd.DataFrame:
    """A frame as people read it: labels of cells, p-values with two digits, other numbers with three."""
    labels = {cell.name: cell.label for cell in study.cells}
    columns = {str(name): list(frame[name]) for name in frame.columns}
    texts = {name: [_text(name, value) for value in values] for name, values in columns.items()}
    if "cell" in texts:
        texts["cell"] = [labels.get(name, name) for name in texts["cell"]]
    return pd.DataFrame(texts, dtype=str)


def _text(name: str, value: object) -> str:
    if isinstance(value, float):
        return p_text(value) if name.startswith("p") else "" if value != value else f"{value + 0.0:.3g}"
    return "" if value is None else str(value)


def _slices_caption(study: Study, noise: Noise | None) -> str:
    pruned = ", crosses are pruned ones (at their last report)" if pruning(study) else ""
    band = "; grey bands reach one standard deviation of chance within a seed to both sides of it" if noise else ""
    dots = f"Select {study.objective.name} of tuning trials: dots are finished ones"
    return f"{dots}{pruned}, rings the best of a cell{band}."


def noise_note(noise: Noise | None, objective: Objective = MIOU) -> str:
    """How far chance moves a trial in comparison with others of its seed, as a sentence."""
    if noise is None:
        return (
            "There are too few cells or seeds to estimate how far chance moves a trial in comparison with others of "
            "the same seed."
        )
    return (
        "A seed moves all trials that are trained under it together. What chance adds to that moves the report "
        f"{objective.name} of a single trial by {noise.std:.1f}{objective.points} (standard deviation of what is left "
        "of the table once cells and seeds are taken out, "
        f"{count(noise.freedom, 'degree')} of freedom; seeds that configurations were chosen by are left out). "
        "Differences between configurations under one seed have to be compared with that."
    )

"""Is the method sensitive to this hyperparameter? The question of the paper's Table 2, by a test instead of by eye."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.configurations import configurations
from analysis.statistics.block_design import Noise, block_test, indicators
from analysis.statistics.seeds import holm
from analysis.study import Study
from analysis.study_cell import StudyCell
from trainables.words import BUDGET, label

ALPHA = 0.05
FEWEST_VALUES = 4
"""Distinct values of a hyperparameter: a parabola through fewer leaves nothing to test."""


def sensitivity(study: Study) -> pd.DataFrame:
    """Whether report mIoU follows a hyperparameter further than chance would make it, seeds being blocks.

    The null is that mIoU does not depend on it. A hyperparameter that a cell tunes is tested by what a parabola in
    its value (in its logarithm where it is searched so; groups for choices) explains of the finished configurations'
    mIoU, against what it leaves unexplained: all configurations have the same seeds. Pruned trials are missing, and
    they would have been the worst: what is found is rather too little than too much. A hyperparameter that is a
    factor, such as lambda_sadv in Table 2, is tested by the table's trials: its levels are the treatments and the
    table's seeds the blocks of a randomized block design.

    Columns: cell (its name; of a factor the other levels), hyperparameter, trials, seeds, spread (highest minus
    lowest mean mIoU of a configuration or level), noise (standard deviation of what the test leaves unexplained), p,
    p_holm (over all rows), verdict.
    """
    rows = [_tuned(study, cell, name) for cell in study.cells for name in cell.tuned]
    rows += [_ablated(study, name, cells) for name in _numeric_factors(study) for cells in _alike(study, name)]
    for row, corrected in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = corrected
        row["verdict"] = _verdict(row["p"], corrected)
    columns = ["cell", "hyperparameter", "trials", "seeds", "spread", "noise", "p", "p_holm", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def _tuned(study: Study, cell: StudyCell, name: str) -> dict[str, Any]:
    found = configurations(study, cell).dropna(subset=[study.objective.report, name])
    seeds = max(found["seeds"].tolist(), default=0)
    terms = _terms(study.settings["tune"][name], found[name].tolist())
    mious = found[study.objective.report].to_numpy(np.float64)
    about = {"cell": cell.name, "hyperparameter": name, "trials": len(found) * seeds, "seeds": seeds}
    return about | _tested(mious, mious, terms, [0] * len(found))


def _ablated(study: Study, name: str, cells: Sequence[StudyCell]) -> dict[str, Any]:
    levels, seeds, mious = _results(study, {cell: cell.levels[name] for cell in cells})
    means = [mious[[other == level for other in levels]].mean() for level in dict.fromkeys(levels)]
    about = {"cell": _others(cells[0], name), "hyperparameter": name, "trials": len(mious), "seeds": len(set(seeds))}
    return about | _tested(np.array(means), mious, indicators(levels) if levels else None, seeds)


def _results(study: Study, names: Mapping[StudyCell, str]) -> tuple[list[str], list[int], np.ndarray]:
    """Trials of some cells in the table: the name that is given for its cell, seed and report mIoU of each."""
    report = study.last(study.objective.report)
    runs = [(name, seed, run) for cell, name in names.items() for seed, run in study.results(cell).items()]
    found = [(name, seed, report[run]) for name, seed, run in runs if run in report]
    return [name for name, _, _ in found], [seed for _, seed, _ in found], np.array([miou for _, _, miou in found])


def _tested(means: np.ndarray, mious: np.ndarray, terms: np.ndarray | None, blocks: Sequence[int]) -> dict[str, float]:
    found = block_test(mious, terms, blocks) if terms is not None else None
    return {
        "spread": float(np.ptp(means)) if len(means) else math.nan,
        "noise": found.noise.std if found and found.noise else math.nan,
        "p": found.p_value if found else math.nan,
    }


def _numeric_factors(study: Study) -> list[str]:
    """Factors with numbers for levels; numbers of labeled images are no hyperparameter."""
    ablated: Mapping[str, Sequence[Any]] = study.settings.get("ablate", {})
    return [name for name, levels in ablated.items() if name != BUDGET and _all_numbers(levels)]


def _all_numbers(levels: Sequence[Any]) -> bool:
    return len(levels) > 1 and all(isinstance(level, int | float) and not isinstance(level, bool) for level in levels)


def _alike(study: Study, name: str) -> list[list[StudyCell]]:
    """Cells that differ in nothing but the level of one factor."""
    groups: dict[str, list[StudyCell]] = {}
    for cell in study.cells:
        groups.setdefault(_others(cell, name), []).append(cell)
    return [cells for cells in groups.values() if len(cells) > 1]


def _others(cell: StudyCell, name: str) -> str:
    return label((factor, level) for factor, level in cell.effective.items() if factor != name)


def _terms(entry: Mapping[str, Any], values: Sequence[Any]) -> np.ndarray | None:
    """Columns (trials, terms) that say how mIoU may depend on the values; None where there are too few values."""
    if entry["type"] == "choice" or any(isinstance(value, str) for value in values):
        return indicators(values) if len(set(values)) > 1 else None
    if len(set(values)) < FEWEST_VALUES:
        return indicators(values) if entry["type"] == "grid" and len(set(values)) > 1 else None
    log = entry["type"] == "log_uniform" or entry.get("log") or _geometric(entry)
    x = np.log(values) if log else np.array(values, np.float64)
    x = (x - x.mean()) / x.std()
    return np.stack([x, x**2], axis=1)


def _geometric(entry: Mapping[str, Any]) -> bool:
    """A grid of positive values over at least a decade is meant on the log scale."""
    values = entry.get("values", [])
    return bool(values) and min(values) > 0 and max(values) >= 10 * min(values)


def _verdict(p: float, corrected: float) -> str:
    if math.isnan(p):
        return "too few trials"
    if corrected < ALPHA:
        return "sensitive"
    return "sensitive, but not after Holm's correction" if p < ALPHA else "not shown to be sensitive"


def noise_within_seeds(study: Study) -> Noise | None:
    """What is left of the table's report mIoU once each cell and each seed are taken out, pooled over budgets.

    It tells how far chance alone moves the difference between two trials of one seed. Seeds that searched are left
    out, because configurations were chosen by them; a budget counts with at least two cells and two seeds.
    """
    tuning = study.frame.query("stage == 'tuning'")
    tuned = {cell.name for cell in study.cells if cell.tuned}
    searched = {seed for cell, seed in zip(tuning["cell"], tuning["seed"], strict=True) if cell in tuned}
    squares, freedom = 0.0, 0
    for budget in dict.fromkeys(cell.budget for cell in study.cells):
        names = {cell: cell.name for cell in study.cells if cell.budget == budget}
        cells, seeds, mious = _results(study, names)
        fresh = [index for index, seed in enumerate(seeds) if seed not in searched]
        noise = _noise([cells[index] for index in fresh], [seeds[index] for index in fresh], mious[fresh])
        if noise is not None:
            squares, freedom = squares + noise.std**2 * noise.freedom, freedom + noise.freedom
    return Noise(math.sqrt(squares / freedom), freedom) if freedom else None


def _noise(cells: Sequence[str], seeds: Sequence[int], mious: np.ndarray) -> Noise | None:
    return block_test(mious, indicators(cells), seeds).noise if len(mious) else None


def best_configurations(study: Study) -> pd.DataFrame:
    """Per cell that tunes: its best hyperparameters, select mIoU, and the lead over the next in points and noise."""
    noise, rows, objective = noise_within_seeds(study), [], study.objective
    for cell in study.cells:
        found = configurations(study, cell).dropna(subset=[objective.select])
        found = found.sort_values([objective.select, "number"], ascending=[objective.sign < 0, True])
        if found.empty:
            continue
        mious = found[objective.select].tolist()
        lead = objective.sign * (mious[0] - mious[1]) if len(mious) > 1 else math.nan
        best = {name: found[name].iloc[0] for name in cell.tuned}
        rows.append({"cell": cell.name, **best, "select": mious[0], "lead": lead, "lead/noise": _ratio(lead, noise)})
    return pd.DataFrame(rows)


def _ratio(lead: float, noise: Noise | None) -> float:
    return lead / noise.std if noise and noise.std > 0 else math.nan

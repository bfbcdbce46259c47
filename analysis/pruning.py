"""What pruning and screening saved, what that may have cost, and which decisions it rests on."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
import pandas as pd
import pyarrow as pa

from analysis.screened import reports_to_compare, screened
from analysis.statistics.lost_winners import chances_of_winning
from analysis.study import Study
from analysis.wording import count, seeds_text


@dataclass(frozen=True)
class PrunedCell:
    """Tuning trials of a cell, how many were pruned, and of these the iterations and hours saved and winners lost."""

    cell: str
    trials: int
    pruned: int
    iterations: int
    hours: float
    lost: float


@dataclass(frozen=True)
class Decided:
    """What the decisions of one kind at one iteration saved.

    Attributes:
        by: the pruner's name, or `screening`.
        iteration: at which trials were stopped.
        trials: that were.
        iterations: saved.
        hours: trial-hours saved.
        agreement: see `Pruning`, at this iteration.
    """

    by: str
    iteration: int
    trials: int
    iterations: int
    hours: float
    agreement: float


@dataclass(frozen=True)
class Pruning:
    """Figures of a study's pruning, over all cells.

    Attributes:
        pruned: trials that were stopped.
        tuning: tuning trials.
        iterations: those that pruned trials did not train.
        share: of the iterations that tuning would have taken.
        hours: trial-hours saved, each trial at its own pace.
        agreement: mean over cells of Spearman's rank correlation, among finished tuning trials, between select mIoU
            at the first iteration that pruned and at the end; NaN where no cell has three such trials.
        lost: expected number of pruned trials that would have ended above their cell's best finished one; NaN where
            too few trials went on to tell.
        cells: the same by cell.
        decisions: the same by kind and iteration, the earliest first.
    """

    pruned: int
    tuning: int
    iterations: int
    share: float
    hours: float
    agreement: float
    lost: float
    cells: tuple[PrunedCell, ...]
    decisions: tuple[Decided, ...]


def pruning(study: Study) -> Pruning | None:
    """None where nothing was pruned. How winners that were lost are estimated: `analysis.statistics.lost_winners`."""
    tuning = study.frame.query("stage == 'tuning'")
    curves = study.metric(study.objective.select).pivot_table(
        index="run", columns="iteration", values="value", aggfunc="last"
    )
    stopped = _stopped(study, curves, tuning)
    if not stopped:
        return None
    finished = tuning.query("outcome == 'finished'")
    chances = _chances(study, curves, tuning)
    iterations = sum(one.iterations for one in stopped)
    decisions = _decisions(study, curves, finished, stopped)
    return Pruning(
        pruned=len(stopped),
        tuning=len(tuning),
        iterations=iterations,
        share=iterations / (study.iterations * len(tuning)),
        hours=sum(one.hours for one in stopped),
        agreement=decisions[0].agreement,
        lost=_sum_of_known(list(chances.values())),
        cells=tuple(_cell(cell.name, tuning, stopped, chances) for cell in study.cells if cell.tuned),
        decisions=tuple(decisions),
    )


def said_of(found: Pruning) -> list[str]:
    """Sentences on what pruning saved and risked."""
    saved = (
        f"{found.pruned} of {count(found.tuning, 'tuning trial')} {'was' if found.pruned == 1 else 'were'} pruned. "
        f"That saved {count(found.iterations, 'iteration')}, {found.share:.0%} of what tuning would have trained, "
        f"about {found.hours:.2g} trial-hours."
    )
    risked = (
        "Had they been continued, and gained as trials with the same reports did on average, the expected number of "
        f"pruned trials that would have ended above the best of their cell is {found.lost:.1f}."
    )
    if math.isnan(found.lost):
        risked = "Too few trials went on to estimate how many pruned trials would have become the best of their cell."
    with_pruned = sum(cell.pruned > 0 for cell in found.cells)
    risked += (
        f" {with_pruned} of {count(len(found.cells), 'cell')} with a search had pruned trials; only there can another "
        "configuration have been lost."
    )
    if math.isnan(found.agreement):
        return [saved, risked]
    agreed = (
        "Among the finished trials of a cell, the order at the first iteration at which trials were pruned and the "
        f"order at the end have a rank correlation of {found.agreement:.2f} (Spearman's, mean over cells)."
    )
    return [saved, risked, agreed]


def said_of_finalists(study: Study) -> str | None:
    """A sentence on what the file's number of finalists saved and risked; None where it names none."""
    finalists, searching = study.plan.get("finalists"), study.train_seeds
    if finalists is None:
        return None
    finished = study.frame.query("stage == 'tuning' and outcome == 'finished'").groupby("cell")["seed"]
    left_out = int((finished.apply(lambda seeds: (seeds == searching[0]).sum()) - finalists).clip(lower=0).sum())
    saved = left_out * (len(searching) - 1) * study.iterations
    which = f"{count(left_out, 'configuration')} that finished under seed {searching[0]}"
    return (
        f"{which} {'was' if left_out == 1 else 'were'} not among the best {finalists} of a cell and not trained under "
        f"{seeds_text(searching[1:])}, which saved {count(saved, 'iteration')}. How good they are under other "
        "seeds is not known."
    )


@dataclass(frozen=True)
class _Stopped:
    """A pruned trial: who decided that and when, and what it saved."""

    run: str
    cell: str
    by: str
    iteration: int
    iterations: int
    hours: float


def _stopped(study: Study, curves: pd.DataFrame, tuning: pd.DataFrame) -> list[_Stopped]:
    screened_out, steps = _screened_out(study, curves, tuning), _steps(study)
    of_cell = {name: [step for run in runs for step in steps[run]] for name, runs in tuning.groupby("cell")["run"]}
    found = []
    for row in tuning.query("outcome == 'pruned' and iteration > 0").to_dict("records"):
        run, iteration, left = row["run"], row["iteration"], study.iterations - row["iteration"]
        by = "screening" if run in screened_out else study.plan.get("pruner", "none")
        whole = (row["end"] - row["start"]).total_seconds() / iteration
        pace = median(steps[run] or of_cell[row["cell"]] or [0.0 if math.isnan(whole) else whole])
        found.append(_Stopped(run, row["cell"], by, iteration, left, pace * left / 3600))
    return found


def _steps(study: Study) -> Mapping[str, list[float]]:
    """Seconds an iteration from report to report, by run.

    Neither from a trial's start, since its process starts then, too, nor from where it may have waited for others to be
    screened.
    """
    reports = study.reports.filter(pa.array(study.reports["metric"].to_pandas() == study.objective.select))
    rows = sorted(zip(*(reports[name].to_pylist() for name in ("run", "iteration", "time")), strict=True))
    waits_at, found = _compared_at(study), defaultdict[str, list[float]](list)
    for (run, at, time), (next_run, next_at, next_time) in pairwise(rows):
        if run == next_run and next_time > time and at not in waits_at:
            found[run].append((next_time - time).total_seconds() / (next_at - at))
    return found


def _compared_at(study: Study) -> list[int]:
    """Iterations at which trials were compared with others to be screened."""
    train = study.settings["train"]
    return [reports * train["evaluate_every"] for reports in reports_to_compare(study.plan.get("screen", 0))]


def _screened_out(study: Study, curves: pd.DataFrame, tuning: pd.DataFrame) -> set[str]:
    """Runs that ended with their screening because they were not among the best of their cell."""
    keep, compared_at = study.plan.get("keep"), _compared_at(study)
    if keep is None:
        return set()
    found: set[str] = set()
    for _, of_cell in tuning.query(f"seed == {study.train_seeds[0]}").sort_values("number").groupby("cell"):
        known = {run: curves.loc[run].dropna().to_dict() for run in of_cell["run"] if run in curves.index}
        ranks = screened(known, compared_at, study.objective).ranks
        found |= {run for run, rank in ranks.items() if rank >= keep}
    pruned = tuning.query("outcome == 'pruned' and iteration in @compared_at")
    return found & {*pruned["run"]}


def _cell(name: str, tuning: pd.DataFrame, stopped: Sequence[_Stopped], chances: Mapping[str, float]) -> PrunedCell:
    here = [one for one in stopped if one.cell == name]
    lost = _sum_of_known([chances[one.run] for one in here]) if here else 0.0
    saved, hours = sum(one.iterations for one in here), sum(one.hours for one in here)
    return PrunedCell(name, tuning["cell"].tolist().count(name), len(here), saved, hours, lost)


def _decisions(
    study: Study, curves: pd.DataFrame, finished: pd.DataFrame, stopped: Sequence[_Stopped]
) -> list[Decided]:
    found = []
    for iteration, by in sorted({(one.iteration, one.by) for one in stopped}):
        these = [one for one in stopped if (one.iteration, one.by) == (iteration, by)]
        saved, hours = sum(one.iterations for one in these), sum(one.hours for one in these)
        agreement = _agreement(study, curves, finished, iteration)
        found.append(Decided(by, iteration, len(these), saved, hours, agreement))
    return found


def _chances(study: Study, curves: pd.DataFrame, tuning: pd.DataFrame) -> dict[str, float]:
    """For each pruned trial the chance that it would have ended above the best one of its cell and seed."""
    ended = tuning.query("outcome == 'finished' or (outcome == 'pruned' and iteration > 0)")
    ended = ended[ended["run"].isin(list(curves.index))]
    columns = sorted({*curves.columns, study.iterations})
    mious = study.objective.sign * curves.reindex(index=ended["run"], columns=columns).to_numpy(np.float64)
    cells = ended.groupby(["cell", "seed"]).ngroup().to_numpy()
    found = dict(zip(ended["run"], chances_of_winning(mious, cells).tolist(), strict=True))
    return {run: found[run] for run in ended.query("outcome == 'pruned'")["run"]}


def _sum_of_known(chances: Sequence[float]) -> float:
    known = [chance for chance in chances if not math.isnan(chance)]
    return sum(known) if known else math.nan


def _agreement(study: Study, curves: pd.DataFrame, finished: pd.DataFrame, iteration: int) -> float:
    found = []
    for _, of_cell in finished.groupby("cell"):
        runs = [run for run in of_cell["run"] if run in curves.index]
        ended = curves.loc[runs, [iteration, study.iterations]].dropna()
        if len(ended) > 2:
            found.append(ended[iteration].corr(ended[study.iterations], method="spearman"))
    return float(np.nanmean(found)) if found else math.nan

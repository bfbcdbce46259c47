"""A study's search under virtual time, from recorded curves: the parts that run it live, on Optuna's in-memory storage.

Replicates are left out: what a search costs and what it finds is known once it has chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import optuna
from optuna.storages import InMemoryStorage

from analysis.choice import best_configuration
from ass_tune.replay.curve_set import DIVERGED, CurveSet, RecordedCell
from ass_tune.replay.recorded_config import VARIABLE, recorded_spec
from ass_tune.replay.virtual_time import Event, VirtualSlots
from ass_tune.search.cell_search import CellSearch
from ass_tune.search.cells import CellPlan
from ass_tune.search.director import Director
from ass_tune.search.pruners import make_pruner
from ass_tune.search.searched import best_searched
from ass_tune.spec import StudySpec
from ass_tune.spec.hyperparameters import Choice, LogUniform
from ass_tune.spec.space import Variable
from ass_tune.trial import End, Listener, Trial
from trainables.contract import StepResult
from trainables.domains.sampling import stream
from trainables.objective import MIOU
from trainables.words import Cell, Outcome

RECORD_ENDS = "its record ends here"
JITTER = 0.1
"""Trials of a repeat are faster or slower than recorded by up to this share, so that repeats differ in who is first."""


@dataclass(frozen=True)
class ReplayedCell:
    """What a replayed search did in one cell; configurations are given by their places in the record.

    Attributes:
        chosen: None where none was trained to the end under all seeds that search.
        exhaustive: what would have been chosen of the same configurations if none were pruned, as far as is recorded.
        spent: iterations.
        full: iterations of the same configurations if none were pruned, as far as they are recorded.
        trials: started.
        pruned: trials that the pruner stopped.
        cut_short: trials that ended early because their record does.
        regret: see `RecordedCell.regret`.
    """

    chosen: int | None
    exhaustive: int | None
    spent: int
    full: int
    trials: int
    pruned: int
    cut_short: int
    regret: float

    @property
    def kept(self) -> bool:
        """Whether pruning left the choice as it is."""
        return self.chosen == self.exhaustive


@dataclass(frozen=True)
class Replayed:
    """One replay of a search, and the virtual seconds that it took."""

    cells: tuple[ReplayedCell, ...]
    seconds: float


def replay(
    spec: StudySpec, curves: CurveSet, workers: int, repeat: int = 0, listeners: Sequence[Listener] = ()
) -> Replayed:
    """Replay a search once; a function of its arguments alone.

    Args:
        spec: search, pruner and seeds; its cells and hyperparameters are those of the curves instead.
        curves: recorded at the reports of `spec`.
        workers: how many trials run at once.
        repeat: 0 has configurations and seeds in recorded order and at recorded speed, every other one in an order
            and at speeds of its own. Seeds stay in place where not all configurations were trained under all seeds.
        listeners: told what happens, as in a live study.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    curves = in_order_of(spec, curves, repeat)
    recorded = recorded_spec(_searching(spec, curves, repeat), curves)
    storage, pruner = InMemoryStorage(), make_pruner(recorded)
    searches = [CellSearch(recorded, _plan(recorded, cell), storage, pruner) for cell in curves.cells]
    watch = _Watch()
    director = Director(searches, Listener(), [watch, *listeners])
    slots = VirtualSlots(director, Lives(curves, stream(spec.search.seed, "replay/pace", repeat) if repeat else None))
    slots.run(workers)
    pairs = zip(searches, curves.cells, strict=True)
    return Replayed(tuple(_outcome(search, cell, curves, watch.ends[cell.cell]) for search, cell in pairs), slots.now)


def in_order_of(spec: StudySpec, curves: CurveSet, repeat: int) -> CurveSet:
    """The cells with configurations and seeds in the order of a repeat."""
    if not repeat:
        return curves
    draws = stream(spec.search.seed, "replay", repeat)
    cells = []
    for cell in curves.cells:
        seeds = np.arange(len(cell.seeds))
        order = draws.permutation(len(cell.configurations))
        cells.append(cell.ordered_by(order, draws.permutation(seeds) if curves.complete else seeds))
    return replace(curves, cells=tuple(cells))


def _searching(spec: StudySpec, curves: CurveSet, repeat: int) -> StudySpec:
    """The search in the order of the repeat, unless learning rates let the sampler look for a good one."""
    update: dict[str, object] = {"seed": int(stream(spec.search.seed, "replay/sampler", repeat).integers(2**31))}
    if not all(cell.rates for cell in curves.cells):
        update |= {"sampler": "grid", "arguments": {}}
    return spec.model_copy(update={"search": spec.search.model_copy(update=update)})


def _plan(spec: StudySpec, cell: RecordedCell) -> CellPlan:
    there = cell.configurations
    tried = min(spec.search.trials_per_cell or len(there), len(there))
    if spec.search.sampler == "grid":
        points, domain = tried, Choice(type="choice", values=there[:tried])
    else:
        points, domain = None, LogUniform(type="log_uniform", low=min(there), high=max(there))
    seeds = cell.seeds[: len(spec.train_seeds)]
    space = (Variable(VARIABLE, domain),)
    return CellPlan(cell.cell, space, points, tried, seeds, (), finalists=spec.search.finalists)


class Lives:
    """What recorded trials do: the `Life` of virtual slots.

    Args:
        curves: what was recorded.
        jitter: draws every trial's pace anew, within `JITTER` of the recorded one; None for the recorded one itself.
    """

    def __init__(self, curves: CurveSet, jitter: np.random.Generator | None) -> None:
        self._iterations, self._jitter = curves.iterations, jitter
        self._left_at: dict[str, tuple[float, int]] = {}
        self._cells = {cell.cell: cell for cell in curves.cells}

    def __call__(self, trial: Trial, time: float) -> Iterator[Event]:
        """What happens to one trial."""
        cell = self._cells[trial.cell]
        at = trial.config["place"], cell.seeds.index(trial.seed)
        pace, saved = self._left_at.get(trial.key) or (self._pace(cell, at), 0)
        before = 0
        # the values were checked when they were read, so that results need not be checked again
        for iteration, value in zip(self._iterations, cell.values[at].tolist(), strict=True):
            if iteration < saved:
                continue
            if value != value:
                yield End(Outcome.PRUNED, before, time, error=RECORD_ENDS)
                return
            if iteration > saved:  # like a real one, a trial that goes on repeats the report of its checkpoint
                time += pace
            before = iteration
            if value == DIVERGED:
                yield StepResult.model_construct(iteration=iteration, time=time, diverged="diverged, as recorded")
                return
            self._left_at[trial.key] = (pace, iteration)
            metrics, final = {MIOU.select: value}, iteration == self._iterations[-1]
            if final:
                metrics |= {MIOU.of_snapshot: float(cell.objectives[at]), MIOU.report: float(cell.results[at])}
            yield StepResult.model_construct(iteration=iteration, time=time, metrics=metrics, final=final)

    def _pace(self, cell: RecordedCell, at: tuple[int, int]) -> float:
        jitter = 1.0 if self._jitter is None else float(self._jitter.uniform(1 - JITTER, 1 + JITTER))
        return float(cell.pace[at]) * jitter


@dataclass
class _Watch(Listener):
    """How the trials of each cell ended, in the order of their ends."""

    ends: dict[Cell, list[tuple[Trial, End]]] = field(default_factory=dict)

    def trial_ended(self, trial: Trial, end: End) -> None:
        self.ends.setdefault(trial.cell, []).append((trial, end))


def _outcome(
    search: CellSearch, cell: RecordedCell, curves: CurveSet, ends: Sequence[tuple[Trial, End]]
) -> ReplayedCell:
    seeds = search.plan.train_seeds
    entries = search.tuning_entries()
    tried = list(dict.fromkeys(entry.config["place"] for entry in sorted(entries, key=lambda entry: entry.number)))
    found = best_searched(entries, seeds)
    exhaustive = best_configuration({place: cell.objectives_by_seed(place) for place in tried}, seeds)
    chosen = None if found is None else found[0].config["place"]
    cut_short = sum(end.error == RECORD_ENDS for _, end in ends)
    stopped = sum(end.outcome is Outcome.PRUNED for _, end in ends)
    return ReplayedCell(
        chosen=None if chosen is None else cell.original[chosen],
        exhaustive=None if exhaustive is None else cell.original[exhaustive[0]],
        spent=sum(end.iteration for _, end in ends),
        full=sum(cell.full(place, seeds, curves.iterations) for place in tried),
        trials=len(ends),
        pruned=stopped - cut_short,
        cut_short=cut_short,
        regret=cell.regret(chosen),
    )

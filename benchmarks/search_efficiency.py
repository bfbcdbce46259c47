"""What pruning saves and what it loses, on learning curves that others recorded, beside other people's schedulers.

All methods get the same configurations in the same order, on the same workers, under virtual time. Curve sets: streets
(benchmarks/curves), and algoperf and deepobs in ../shared/curves where these are. Of each set the cells with even
numbers are for choosing a method, and the figures are of the others.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

import numpy as np
from matplotlib import colormaps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.table import Table

from ass_tune.replay.curve_set import CurveSet, RecordedCell
from ass_tune.replay.curve_table import read_table
from ass_tune.replay.replay import Lives, replay
from ass_tune.replay.virtual_time import VirtualSlots
from ass_tune.spec import StudySpec
from benchmarks.command_line import PROJECT, Result, figures_table, run
from benchmarks.search_peers import Asha, IEpoch, Oracle, Peer, Resuming
from benchmarks.search_syne_tune import KINDS, SyneTune, missing
from benchmarks.search_trace import Trace
from benchmarks.workers import Workers
from trainables.domains.sampling import stream
from trainables.mistakes import UserMistake

REPORTS, WORKERS, TRIED = 16, 8, 12
"""Reports of a training, trials that run at once, and configurations that a cell tries, where there are so many."""
BUDGETS = np.arange(0.15, 1.001, 0.05)
"""Shares of the iterations that all configurations take under one seed."""
SEEDS = (0, 1, 2)
"""Under which finalists are trained."""
REPEATS, QUICK_REPEATS = 200, 4
ITERATIONS = tuple(range(1, REPORTS + 1))
SETS = {
    "streets": PROJECT / "benchmarks/curves/streets.parquet",
    "algoperf": PROJECT.parent / "shared/curves/algoperf.parquet",
    "deepobs": PROJECT.parent / "shared/curves/deepobs.parquet",
}
OURS = "screened twice, best 6 kept, 2 finalists"
"""The method whose figures are published."""
Method = Callable[[CurveSet, Trace], None]


def ours(
    pruner: str = "none",
    screen: int | tuple[int, ...] = 0,
    keep: int | None = None,
    finalists: int | None = None,
    **prune: float,
) -> Method:
    """The product's own search with a pruner, with screening, or with finalists that train under three seeds."""
    further = {"finalists": finalists, "train_seeds": SEEDS} if finalists else {}
    spec = _spec({"pruner": pruner, **prune}, {"screen": screen, "keep": keep, **further})

    def search(curves: CurveSet, trace: Trace) -> None:
        replay(spec, curves, WORKERS, 0, [trace])

    return search


def peer(scheduler: Callable[..., Peer], **arguments: float | str) -> Method:
    """Another scheduler on the same slots."""

    def search(curves: CurveSet, trace: Trace) -> None:
        VirtualSlots(scheduler(curves, trace, **arguments), Resuming(Lives(curves, None))).run(WORKERS)

    return search


def _spec(prune: Mapping[str, object], search: Mapping[str, object] | None = None) -> StudySpec:
    return StudySpec.model_validate(
        {
            "study": "search_efficiency",
            "trainable": "curves",
            "domains": "synthetic",
            "profile": "synthetic",
            "search": {"sampler": "grid", **(search or {})},
            "prune": dict(prune),
            "train": {"iterations": REPORTS, "evaluate_every": 1},
        }
    )


PEERS: dict[str, Method] = {
    "none (random search)": ours(),
    "i-Epoch, 1 report, best 1": peer(IEpoch, reports=1, best=1),
    "i-Epoch, 1 report, best 3": peer(IEpoch, reports=1, best=3),
    "i-Epoch, 4 reports, best 3": peer(IEpoch, reports=4, best=3),
    "Ray ASHA, factor 4": peer(Asha, reduction_factor=4),
    "Ray ASHA, factor 2": peer(Asha, reduction_factor=2),
    "Optuna median": ours("median", startup_trials=5),
    "Optuna median, from 2/3 on": ours("median", startup_trials=2, start=0.67),
    "Optuna halving": ours("successive_halving"),
    "Optuna hyperband": ours("hyperband"),
    **({} if missing() else {name: peer(SyneTune, kind=kind) for name, kind in KINDS.items()}),
}
CANDIDATES: dict[str, Method] = {
    OURS: ours(screen=(1, 4), keep=6, finalists=2),
    "screened, best 6 kept, 2 finalists": ours(screen=1, keep=6, finalists=2),
    "screened, all go on": ours(screen=1),
    "screened, best 3 kept": ours(screen=1, keep=3),
}
ORACLE = {"oracle": peer(Oracle)}
METHODS = PEERS | CANDIDATES | ORACLE


@dataclass(frozen=True)
class Found:
    """Of one method on one set, over repeats.

    Attributes:
        regrets: (repeats, budgets), see `Trace`.
        points_at_25pct: (repeats,) regret in the unit of the curves at a quarter of the iterations.
        final: (repeats,) at the end.
        spent: (repeats,) share of the iterations of all configurations under one seed.
        kept: share of cells with a clear best configuration in which the choice is that of exhaustive training.
    """

    regrets: NDArray[np.float64]
    points_at_25pct: NDArray[np.float64]
    final: NDArray[np.float64]
    spent: NDArray[np.float64]
    kept: float


def drawn(curves: CurveSet, repeat: int) -> CurveSet:
    """The set as one repeat has it: configurations, which are tried, seeds, and the pace of each training."""
    draws = stream(0, f"search_efficiency/{curves.name}", repeat)

    def of(cell: RecordedCell) -> RecordedCell:
        configurations = draws.permutation(len(cell.configurations))[:TRIED]
        found = cell.ordered_by(configurations, draws.permutation(len(cell.seeds)))
        return replace(found, rates=False, pace=draws.uniform(0.9, 1.1, found.pace.shape))

    return replace(curves, cells=tuple(map(of, curves.cells)))


def search(name: str, curves: CurveSet, repeats: int) -> Found:
    """Let a method, given by its name, search a set, again and again."""
    regrets, points, final, spent, kept = [], [], [], [], []
    for repeat in range(repeats):
        of_repeat = drawn(curves, repeat)
        trace = Trace(of_repeat)
        METHODS[name](of_repeat, trace)
        full = sum(len(cell.configurations) for cell in of_repeat.cells) * REPORTS
        regrets.append(trace.at(BUDGETS * full))
        points.append(trace.points_at(0.25 * full))
        final.append(trace.regret)
        spent.append(trace.spent / full)
        choices = zip(of_repeat.cells, trace.choices(), strict=True)
        kept += [choice == _exhaustive(cell) for cell, choice in choices if _is_clear(cell)]
    share = float(np.mean(kept)) if kept else 1.0
    return Found(np.array(regrets), np.array(points), np.array(final), np.array(spent), share)


def _exhaustive(cell: RecordedCell) -> int:
    """The choice of who trains everything to the end under all recorded seeds."""
    return int(np.argmax(cell.objectives.mean(axis=1)))


def _is_clear(cell: RecordedCell) -> bool:
    """Whether the best configuration is above the next one by two standard errors of their paired difference.

    Of a single seed, by a tenth of the distance from the median to the best.
    """
    means = cell.objectives.mean(axis=1)
    second, best = np.argsort(means)[-2:]
    if not np.isfinite(means[second]):
        return bool(np.isfinite(means[best]))
    differences = cell.objectives[best] - cell.objectives[second]
    if len(differences) == 1:
        return bool(differences[0] > cell.at_random / 10)
    return bool(differences.mean() > 2 * differences.std(ddof=1) / np.sqrt(len(differences)))


def curve_sets() -> Iterator[CurveSet | str]:
    """The sets that are there, and of the others why they are skipped."""
    for name, file in SETS.items():
        if file.is_file():
            yield replace(read_table(file, ITERATIONS), name=name)
        else:
            yield f"{name}: skipped, since there is no {file.relative_to(PROJECT.parent)}"


def half(curves: CurveSet, odd: bool) -> CurveSet:
    """The cells with even numbers, for choosing, or those with odd ones, for publishing."""
    return replace(curves, cells=curves.cells[int(odd) :: 2])


def measure(quick: bool) -> Result:
    """Search every set with every method."""
    repeats = QUICK_REPEATS if quick else REPEATS
    folder = Path(tempfile.mkdtemp(prefix="search_efficiency-"))
    figures: dict[str, float] = {}
    sets = list(curve_sets())
    shown: list = [*filter(None, [missing()]), *(one for one in sets if isinstance(one, str))]
    rows: list[dict[str, object]] = []
    there = [one for one in sets if isinstance(one, CurveSet)]
    if not there:
        raise UserMistake("no curve set is there: " + "; ".join(map(str, sets)))
    speed = replay_speed(there[0])
    with Workers() as workers:
        for curves in there:
            published = half(curves, odd=True)
            every = workers.map(search, METHODS, itertools.repeat(published), itertools.repeat(repeats))
            found = dict(zip(METHODS, every, strict=True))
            of_set = figures_of(found)
            figures |= {f"{name}_{curves.name}": value for name, value in of_set.items()}
            shown.append(methods_table(published, found, repeats))
            shown.append(f"{OURS}: " + ", ".join(f"{name} {value:.3f}" for name, value in of_set.items()))
            shown.append(f"figure: {drawing(folder, curves.name, found)}")
            rows += [{"set": curves.name, "method": name, **as_data(one)} for name, one in found.items()]
    return Result(shown, {**figures, "replay_trials_per_s": speed}, rows)


def replay_speed(curves: CurveSet) -> float:
    """Trials of 16 reports that the product replays in a second of one core, nothing pruned."""
    curves = drawn(curves, 0)
    begun = process_time()
    trials = 0
    while process_time() - begun < 1:
        trials += sum(cell.trials for cell in replay(_spec({"pruner": "none"}), curves, WORKERS).cells)
    return trials / (process_time() - begun)


def figures_of(found: Mapping[str, Found]) -> dict[str, float]:
    """The figures of one set.

    `front_vs_best_peer`: over `BUDGETS`, our mean regret divided by that of the best peer at each, averaged.
    `iterations_vs_best_peer`: iterations that we need to get to the final regret of the peer whose final regret is
    lowest, divided by the iterations that it took to get there itself; 10 where we never do. `winner_kept`: of `Found`.
    `median_regret_at_25pct`: over repeats, of the mean over cells, in the unit of the curves (mIoU on Streets).
    """
    mean = {name: one.regrets.mean(axis=0) for name, one in found.items()}
    best = np.min([mean[name] for name in PEERS], axis=0)
    tiny = 1e-3  # a thousandth of a choice at random; 0 would not divide
    lowest = min(PEERS, key=lambda name: float(found[name].final.mean()))
    goal = float(found[lowest].final.mean()) + tiny
    return {
        "front_vs_best_peer": float(np.mean((mean[OURS] + tiny) / (best + tiny))),
        "iterations_vs_best_peer": _reached(found[OURS], goal) / _reached(found[lowest], goal),
        "winner_kept": found[OURS].kept,
        "winner_kept_best_peer": max(found[name].kept for name in PEERS),
        "median_regret_at_25pct": float(np.median(found[OURS].points_at_25pct)),
    }


def _reached(found: Found, goal: float) -> float:
    """Share of the iterations at which the mean regret reaches a goal."""
    below = np.flatnonzero(found.regrets.mean(axis=0) <= goal)
    return float(BUDGETS[below[0]]) if len(below) else 10.0


def methods_table(curves: CurveSet, found: Mapping[str, Found], repeats: int) -> Table:
    """A line for each method."""
    title = f"{curves.name}: {len(curves.cells)} cells, {repeats} repeats, {WORKERS} workers"
    table = figures_table(title, "", "spent", "regret at 15%", "25%", "50%", "100%", "at the end", "winner kept")
    for name, one in found.items():
        if name in (next(iter(CANDIDATES)), "oracle"):
            table.add_section()
        mean = one.regrets.mean(axis=0)
        at = [f"{np.interp(budget, BUDGETS, mean):.3f}" for budget in (0.15, 0.25, 0.5, 1.0)]
        table.add_row(name, f"{one.spent.mean():.0%}", *at, f"{one.final.mean():.3f}", f"{one.kept:.1%}")
    return table


def drawing(folder: Path, name: str, found: Mapping[str, Found]) -> Path:
    """Regret over iterations spent, with bands of the middle half of repeats, as a file."""
    figure = Figure(figsize=(10, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    colors = colormaps["tab10"].colors  # pyright: ignore[reportAttributeAccessIssue]
    for (method, one), color in zip(found.items(), itertools.cycle(colors)):
        ours = method == OURS
        low, mean, high = _band(one.regrets)
        style = {"color": "black", "linewidth": 2.5} if ours else {"color": color, "linestyle": "--"}
        axes.plot(100 * BUDGETS, mean, label=method, **style)
        axes.fill_between(100 * BUDGETS, low, high, alpha=0.1, color=style["color"])
    axes.set(xlabel="iterations spent, % of all configurations under one seed", ylabel="regret, 1 = a choice at random")
    axes.set_title(name)
    figure.legend(loc="outside right upper", fontsize="small")
    path = folder / f"{name}.png"
    figure.savefig(path, dpi=150)
    return path


def _band(regrets: NDArray[np.float64]) -> Sequence[NDArray[np.float64]]:
    low, high = np.percentile(regrets, [25, 75], axis=0)
    return low, regrets.mean(axis=0), high


def as_data(found: Found) -> dict[str, object]:
    """For JSON."""
    mean = {f"{budget:.2f}": float(value) for budget, value in zip(BUDGETS, found.regrets.mean(axis=0), strict=True)}
    return {"spent": float(found.spent.mean()), "final": float(found.final.mean()), "kept": found.kept, "regret": mean}


if __name__ == "__main__":
    sys.exit(run("search_efficiency", __doc__, measure))

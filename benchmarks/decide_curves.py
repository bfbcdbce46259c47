"""Whether seeds until decided conclude what all seeds do, on recorded runs: AlgoPerf's, and ours on Streets.

AlgoPerf: each workload with each of its five hyperparameter points is a table; submissions are its cells, and each is
compared with the first of them. Values are scaled so that the difference of two runs of one seed varies by 0.8 points,
as on Streets. Streets: one table of mIoU, in which adaptors are compared with `ga` at each budget. The smallest
difference of interest is 1 point, as in our studies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.statistics.blocks import residual_squares
from analysis.statistics.looks import Looks
from analysis.statistics.sequential import Named, follow
from analysis.statistics.verdict import Runs, Verdict, judge
from benchmarks.command_line import PROJECT

Values = dict[str, dict[int, float]]
"""Values of a table by cell and seed."""
FEWEST_EVALUATIONS = 12
SD = 0.8
"""Of a paired difference after scaling."""
BASELINE = "baseline"


@dataclass(frozen=True)
class Conclusions:
    """Verdicts of all comparisons of all tables.

    Attributes:
        name: of the recorded runs.
        seeds: of each cell.
        pairs: the verdict with all seeds, judged as of a fixed number, and the one of seeds until decided.
        runs: trained until decided.
        all_runs: of all seeds.
    """

    name: str
    seeds: int
    pairs: list[tuple[Verdict, Verdict]]
    runs: int
    all_runs: int

    @property
    def same(self) -> float:
        """Share of comparisons with the same verdict."""
        return sum(fixed == ours for fixed, ours in self.pairs) / len(self.pairs)

    @property
    def compatible(self) -> float:
        """Share of comparisons that do not have two different verdicts: undecided contradicts nothing."""
        different = sum(fixed != ours and Verdict.UNDECIDED not in (fixed, ours) for fixed, ours in self.pairs)
        return 1 - different / len(self.pairs)

    def sentence(self) -> str:
        """The figures in words."""
        changes = Counter(f"{fixed} to {ours}" for fixed, ours in self.pairs if fixed != ours)
        shown = ", ".join(f"{number} {change}" for change, number in changes.most_common())
        return (
            f"{self.name}, {len(self.pairs)} comparisons: {self.same:.1%} have the verdict of a fixed number of "
            f"{self.seeds} seeds, "
            f"{self.compatible:.1%} no other one than it, with {self.runs} of {self.all_runs} runs; "
            f"from fixed to until decided: {shown or 'no change'}."
        )


def figures(found: Sequence[Conclusions]) -> dict[str, float]:
    """Of the benchmark: over all comparisons, and `same_conclusion` of each set of runs."""
    every = Conclusions(
        "all",
        max(one.seeds for one in found),
        [pair for one in found for pair in one.pairs],
        sum(one.runs for one in found),
        sum(one.all_runs for one in found),
    )
    return {
        "same_conclusion": every.same,
        **{f"same_conclusion_{one.name.lower()}": one.same for one in found},
        "no_other_verdict": every.compatible,
        "recorded_runs_ratio": every.runs / every.all_runs,
    }


def of_algoperf(file: Path) -> Conclusions:
    """Of every table of AlgoPerf."""
    compared = []
    for cells in tables(pd.read_parquet(file)):
        first = BASELINE if BASELINE in cells else next(iter(cells))
        compared.append((cells, [Named(cell, first, None) for cell in cells if cell != first]))
    return conclusions("AlgoPerf", compared)


def of_streets(file: Path) -> Conclusions:
    """Of the table of Streets: every adaptor over `ga` with as many labeled images."""
    cells: Values = {}
    for cell, seed, value in pd.read_parquet(file)[["cell", "seed", "value"]].itertuples(index=False):
        cells.setdefault(cell, {})[seed] = value
    baselines = {cell: ",".join(["adaptor=ga", *cell.split(",")[1:]]) for cell in cells}
    return conclusions("Streets", [(cells, [Named(c, base, None) for c, base in baselines.items() if c != base])])


def conclusions(name: str, compared: Iterable[tuple[Values, Sequence[Named]]]) -> Conclusions:
    """Judge every table with all of its seeds, and look by look from three seeds on."""
    pairs, runs, all_runs, most = [], 0, 0, 0
    for cells, named in compared:
        seeds = sorted(next(iter(cells.values())))
        fixed = judge(Runs(cells), [(one.ours, one.theirs) for one in named])
        found = follow(Runs(cells), named, Looks(3, len(seeds)), seeds, {cell: set(seeds) for cell in cells}).followed
        for one in fixed:
            ours = found[one.ours, one.theirs].comparison
            assert one.verdict is not None and ours.verdict is not None
            pairs.append((one.verdict, ours.verdict))
        needed = {cell: max(f.comparison.looked or 0 for pair, f in found.items() if cell in pair) for cell in cells}
        runs, all_runs, most = runs + sum(needed.values()), all_runs + len(seeds) * len(cells), max(most, len(seeds))
    return Conclusions(name, most, pairs, runs, all_runs)


def tables(curves: pd.DataFrame) -> Iterator[Values]:
    """Values of each workload and configuration by submission and seed, all runs of a cell at one step."""
    found: dict[tuple[str, int], Values] = {}
    for cell, of_cell in curves.groupby("cell", observed=True):
        submission, workload = str(cell).rsplit("_", 1)[0].split("/")
        for (configuration, seed), value in _at_common_end(of_cell).items():
            found.setdefault((workload, configuration), {}).setdefault(submission, {})[seed] = value
    for _, values in sorted(found.items()):
        squares = residual_squares(np.array([list(by_seed.values()) for by_seed in values.values()]))
        if len(values) > 1 and squares.total > 0:
            scale = SD / (2 * squares.variance) ** 0.5
            yield {cell: {seed: scale * value for seed, value in of.items()} for cell, of in values.items()}


def _at_common_end(curves: pd.DataFrame) -> dict[tuple[int, int], float]:
    """Value by configuration and seed at the smallest last step of a cell's runs; empty with too few evaluations."""
    runs: dict[tuple[int, int], dict[int, float]] = {}
    for configuration, seed, step, value in zip(
        *(curves[name].tolist() for name in ("configuration", "seed", "step", "value")), strict=True
    ):
        runs.setdefault((configuration, seed), {})[step] = value
    end = min(max(curve) for curve in runs.values())
    until = {run: [step for step in curve if step <= end] for run, curve in runs.items()}
    if min(map(len, until.values())) < FEWEST_EVALUATIONS:
        return {}
    return {run: runs[run][max(steps)] for run, steps in until.items()}


SETS = {
    PROJECT / "benchmarks/curves/streets_seeds.parquet": of_streets,
    PROJECT.parent / "shared/curves/algoperf.parquet": of_algoperf,
}
"""Files of recorded runs, and how they are judged."""

"""Whether seeds until decided conclude what all seeds do, on runs that others recorded: AlgoPerf's.

Each workload with each of its five hyperparameter points is a table: submissions are its cells, and each is compared
with the first of them. Values are scaled so that the difference of two runs of one seed varies by 0.8 points, as on
Streets; the smallest difference of interest is 1 point, as in our studies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.statistics.blocks import residual_squares
from analysis.statistics.looks import Looks
from analysis.statistics.sequential import Named, follow
from analysis.statistics.verdict import Runs, Verdict, judge
from benchmarks.command_line import PROJECT

ALGOPERF = PROJECT.parent / "shared" / "curves" / "algoperf.parquet"
FEWEST_EVALUATIONS = 12
SD = 0.8
"""Of a paired difference after scaling."""
BASELINE = "baseline"


@dataclass(frozen=True)
class Conclusions:
    """Verdicts of all comparisons of all tables.

    Attributes:
        pairs: the verdict with all seeds, judged as of a fixed number, and the one of seeds until decided.
        runs: trained until decided.
        all_runs: of all seeds.
    """

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

    def figures(self) -> dict[str, float]:
        """Of the benchmark."""
        return {
            "same_conclusion": self.same,
            "no_other_verdict": self.compatible,
            "recorded_runs_ratio": self.runs / self.all_runs,
        }

    def sentence(self) -> str:
        """The figures in words."""
        changes = Counter(f"{fixed} to {ours}" for fixed, ours in self.pairs if fixed != ours)
        shown = ", ".join(f"{number} {change}" for change, number in changes.most_common())
        return (
            f"AlgoPerf, {len(self.pairs)} comparisons: {self.same:.1%} have the verdict of a fixed number of 5 seeds, "
            f"{self.compatible:.1%} no other one than it, with {self.runs} of {self.all_runs} runs; "
            f"from fixed to until decided: {shown or 'no change'}."
        )


def conclusions(file: Path = ALGOPERF) -> Conclusions:
    """Judge every table with all of its seeds, and look by look from three seeds on."""
    pairs, runs, all_runs = [], 0, 0
    for cells in tables(pd.read_parquet(file)):
        seeds = sorted(next(iter(cells.values())))
        first = BASELINE if BASELINE in cells else next(iter(cells))
        named = [Named(cell, first, None) for cell in cells if cell != first]
        fixed = judge(Runs(cells), [(one.ours, one.theirs) for one in named])
        found = follow(Runs(cells), named, Looks(3, len(seeds)), seeds, {cell: set(seeds) for cell in cells}).followed
        for one in fixed:
            ours = found[one.ours, one.theirs].comparison
            assert one.verdict is not None and ours.verdict is not None
            pairs.append((one.verdict, ours.verdict))
        needed = {cell: max(f.comparison.looked or 0 for pair, f in found.items() if cell in pair) for cell in cells}
        runs, all_runs = runs + sum(needed.values()), all_runs + len(seeds) * len(cells)
    return Conclusions(pairs, runs, all_runs)


def tables(curves: pd.DataFrame) -> Iterator[dict[str, dict[int, float]]]:
    """Values by submission and seed of each workload and configuration, all runs of a cell at one step."""
    found: dict[tuple[str, int], dict[str, dict[int, float]]] = {}
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

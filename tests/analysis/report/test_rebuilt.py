"""A reader rebuilds the main table from the export, with pyarrow, numpy and scipy alone.

Nothing of `analysis` computes a number here. What the page says of its numbers, and docs/inference.md of gains, is
done again in plain loops: residuals of blocks, the jackknife over units of images, and Dunnett's multivariate t, which
scipy integrates in another way. Degrees of freedom are read from the conclusions as data.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from statistics import fmean, median

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import optimize, stats

from analysis.export.write import write_export
from analysis.load import load_study
from analysis.report.as_data import Conclusions, conclusions_of
from analysis.report.page import page
from analysis.report.results import main_table
from analysis.statistics.gains import Judged
from analysis.study import Study
from analysis.table import table_rows
from tests.support.page_tables import PageTables
from tests.support.synthetic import Made, made_study
from trainables.confusions import confusions_to_parquet

Pair = tuple[str, str]
LOUD, LOUD_BASELINE = 2.5, 0.5
"""Of docs/inference.md: times the variance of the others from which on a cell, or a budget, is not like them."""
OF_HALF_WIDTH = 5e-3
"""By how much of its half-width an end of a rebuilt interval may differ: both integrals have an error."""


class Reader:
    """Someone who has the export and the page."""

    def __init__(self, export: Path) -> None:
        rows = pq.read_table(export / "trials.parquet").to_pylist()
        self.trials = {row["run"]: {**row, "params": dict(row["params"]), "tags": dict(row["tags"])} for row in rows}
        self.reports = pq.read_table(export / "reports.parquet").to_pandas()
        confusions = pq.read_table(export / "confusions.parquet")
        self.classes = len(json.loads(confusions.schema.metadata[b"classes"]))
        frame = confusions.to_pandas()
        self.images = {str(run): of_run for run, of_run in frame.groupby("run", sort=False)}

    def last(self, run: str, metric: str) -> float:
        found = self.reports[(self.reports["run"] == run) & (self.reports["metric"] == metric)]
        return float(found.sort_values("iteration")["value"].iloc[-1])

    def miou(self, run: str, without: str | None = None) -> float:
        """From counts, in percent; perhaps without the images of a unit."""
        of_run = self.images[run]
        kept = of_run["counts"][of_run["unit"] != without]
        total = np.sum(kept.tolist(), axis=0).reshape(self.classes, self.classes)
        union = total.sum(0) + total.sum(1) - np.diag(total)
        return float(100 * np.mean((np.diag(total) / union)[union > 0]))

    def pulls(self, run: str) -> list[float]:
        """What each unit does to a run's mIoU, by leaving it out."""
        units = list(dict.fromkeys(self.images[run]["unit"]))
        without = [self.miou(run, unit) for unit in units]
        return [(len(units) - 1) * (fmean(without) - miou) for miou in without]

    def runs_of(self, levels: Mapping[str, str]) -> list[str]:
        """By seed, the runs of the best configuration of a cell."""
        of_cell = [row for row in self.trials.values() if levels.items() <= row["tags"].items()]
        finished = [row for row in of_cell if row["outcome"] == "finished"]
        fresh = [row for row in finished if row["stage"] == "replicate"]
        if tuning := [row for row in finished if row["stage"] == "tuning"]:
            best = max(tuning, key=lambda row: self.last(row["run"], "select/miou"))
            fresh = [row for row in fresh if {**row["params"], "seed": 0} == {**best["params"], "seed": 0}]
        return [row["run"] for row in sorted(fresh, key=lambda row: row["seed"])]


@dataclass(frozen=True)
class Rebuilt:
    """A primary comparison, made again."""

    gain: float
    low: float
    high: float
    verdict: str


class Blocks:
    """The runs of a table whose cells all have the same seeds.

    Args:
        reader: of the export.
        runs: by cell, in the order of seeds.
        budgets: of each cell.
        baselines: cells that several comparisons share.
    """

    def __init__(
        self, reader: Reader, runs: Mapping[str, Sequence[str]], budgets: Mapping[str, str], baselines: set[str]
    ) -> None:
        self.mious = {cell: [reader.miou(run) for run in of_cell] for cell, of_cell in runs.items()}
        self.pulls = {cell: [reader.pulls(run) for run in of_cell] for cell, of_cell in runs.items()}
        self.budgets, self.baselines = budgets, baselines
        self.seeds = len(next(iter(runs.values())))
        self.variances = self._variances()

    def _variances(self) -> dict[str, tuple[float, str]]:
        """The variance of one run of each cell, and the name of the estimate that it is."""
        squares, df = {}, {}
        for budget in sorted(set(self.budgets.values())):
            cells = [cell for cell in self.mious if self.budgets[cell] == budget]
            of_cells = {cell: sum(left**2 for left in self._left(cell, cells)) for cell in cells}
            squares[budget], df[budget] = sum(of_cells.values()), (len(cells) - 1) * (self.seeds - 1)
            self._check_alike(of_cells, df[budget])
        pooled = sum(squares.values()) / sum(df.values())
        found = {}
        for cell, budget in self.budgets.items():
            rest = sum(df.values()) - df[budget]
            loud = rest and squares[budget] / df[budget] > LOUD * (sum(squares.values()) - squares[budget]) / rest
            found[cell] = (squares[budget] / df[budget], budget) if loud else (pooled, "pooled")
        return found

    def _left(self, cell: str, cells: Sequence[str]) -> Iterator[float]:
        """What a mean per cell and an effect per seed leave of a cell's mIoUs."""
        everything = fmean(miou for other in cells for miou in self.mious[other])
        for seed, miou in enumerate(self.mious[cell]):
            yield miou - fmean(self.mious[cell]) - fmean(self.mious[other][seed] for other in cells) + everything

    def _check_alike(self, squares: Mapping[str, float], df: int) -> None:
        """The studies of this test have no cell that is given a variance of its own."""
        if len(squares) < 3:
            return  # of two cells nobody can tell which one varies more
        for cell, of_cell in squares.items():
            own = of_cell * len(squares) / (len(squares) - 1)
            ratio = own / (self.seeds - 1) / ((sum(squares.values()) - own) / (df - self.seeds + 1))
            assert 0.05 < ratio < (LOUD_BASELINE if cell in self.baselines else LOUD), (cell, ratio)

    def covariance(self, one: Pair, other: Pair) -> float:
        """Of two gains: from cells that both have, and from images."""
        signs = [{pair[0]: 1, pair[1]: -1} for pair in (one, other)]
        of_seeds = sum(
            signs[0][cell] * signs[1][cell] * self.variances[cell][0] / self.seeds
            for cell in signs[0].keys() & signs[1].keys()
        )
        return of_seeds + self.of_images(one, other)

    def of_images(self, one: Pair, other: Pair) -> float:
        """What images do to both gains, from products of different seeds."""
        first, second = (np.subtract(self.pulls[ours], self.pulls[theirs]) for ours, theirs in (one, other))
        units = first.shape[1]
        products = [
            sum((x - first[a].mean()) * (y - second[b].mean()) for x, y in zip(first[a], second[b], strict=True))
            for a, b in permutations(range(self.seeds), 2)
        ]
        return fmean(products) / (units * (units - 1))


def rebuilt(blocks: Blocks, pairs: Sequence[Pair], df: Mapping[Pair, float], margin: float) -> dict[Pair, Rebuilt]:
    """All primary comparisons, corrected together."""
    variance = {pair: max(blocks.covariance(pair, pair), _of_runs(blocks, pair)) for pair in pairs}
    families: dict[frozenset[str], list[Pair]] = {}
    for pair in pairs:
        families.setdefault(frozenset(blocks.variances[cell][1] for cell in pair), []).append(pair)

    correlations = {
        family: [
            [1.0 if a == b else blocks.covariance(a, b) / math.sqrt(variance[a] * variance[b]) for b in of_family]
            for a in of_family
        ]
        for family, of_family in families.items()
    }

    def any_by_chance(p: float) -> float:
        of_families = ((found, median(df[pair] for pair in families[family])) for family, found in correlations.items())
        return 1 - math.prod(_none_beyond(p, correlation, common) for correlation, common in of_families)

    level = optimize.brentq(lambda p: any_by_chance(p) - 0.05, 0.05 / len(pairs) / 2, 0.05, xtol=1e-7)
    assert isinstance(level, float)
    found = {}
    for pair in pairs:
        gain = fmean(blocks.mious[pair[0]]) - fmean(blocks.mious[pair[1]])
        half = float(stats.t.isf(level / 2, df[pair])) * math.sqrt(variance[pair])
        low, high = gain - half, gain + half
        undecided = "equivalent" if -margin < low and high < margin else "undecided"
        found[pair] = Rebuilt(gain, low, high, "better" if low > 0 else "worse" if high < 0 else undecided)
    return found


def _of_runs(blocks: Blocks, pair: Pair) -> float:
    return sum(blocks.variances[cell][0] for cell in pair) / blocks.seeds


def _none_beyond(p: float, correlation: Sequence[Sequence[float]], df: float) -> float:
    """The probability that no gain of a family has an own p-value below p, where there are no gains."""
    if len(correlation) == 1:
        return 1 - p
    critical = np.full(len(correlation), stats.t.isf(p / 2, df))
    t = stats.multivariate_t(shape=correlation, df=df)  # type: ignore[arg-type]
    rng = np.random.default_rng(0)
    return float(t.cdf(critical, lower_limit=-critical, random_state=rng))  # pyright: ignore[reportCallIssue]


def check(shown: Mapping[Pair, Mapping[str, str]], data: Conclusions, blocks: Blocks) -> list[str]:
    """Compare rows of the page and the conclusions as data with what is rebuilt; returns the verdicts."""
    said = {(one.comparison.ours, one.comparison.theirs): one.comparison for one in data.primary}
    df = {pair: one.df for pair, one in said.items() if one.df is not None}
    found = rebuilt(blocks, list(said), df, data.smallest_difference)
    assert found.keys() == shown.keys() == df.keys()
    for pair, ours in found.items():
        close = pytest.approx((ours.low, ours.high), abs=OF_HALF_WIDTH * (ours.high - ours.low) / 2)
        assert (said[pair].low, said[pair].high) == close
        assert (said[pair].gain, said[pair].verdict) == (pytest.approx(ours.gain), ours.verdict)
        gain, low, high = map(float, re.findall(r"[+-][\d.]+", shown[pair]["gain"]))
        assert gain == round(ours.gain, 1)
        half_a_digit = 0.05 + OF_HALF_WIDTH * (ours.high - ours.low) / 2
        assert (low, high) == pytest.approx((ours.low, ours.high), abs=half_a_digit)
        assert shown[pair]["verdict"].removesuffix(" (small)") == ours.verdict
    return [one.verdict for one in found.values()]


def rows_of(judged: Judged) -> list[dict[str, str]]:
    """The rows of the page's main table with those of its details."""
    tables = PageTables(page("", "", [main_table(judged, table_rows(judged))])).rows
    titles = tables["table"][0] + tables["details"][0]
    both = zip(tables["table"][1:], tables["details"][1:], strict=True)
    return [dict(zip(titles, main + details, strict=True)) for main, details in both]


def test_every_column_of_the_main_table_follows_from_the_export(recorded, exported: Path) -> None:
    """A recorded study of two budgets, one of which varies more than the other and is not pooled."""
    judged = Judged(load_study(recorded.name, recorded.uri))
    rows = rows_of(judged)
    reader = Reader(exported)
    runs, budgets, shown = {}, {}, {}
    assert len(rows) == 4
    for cells in rows:
        levels = {"adaptor": cells["adaptor"], "labeled_images": cells["labeled_images"]}
        name, baseline = (f"adaptor={a},labeled_images={levels['labeled_images']}" for a in (cells["adaptor"], "joint"))
        runs[name], budgets[name] = reader.runs_of(levels), levels["labeled_images"]
        mious = [reader.miou(run) for run in runs[name]]
        assert cells["seeds"] == str(len(mious)) == "3"
        assert cells["mIoU report"] == f"{np.mean(mious):.1f} ± {np.std(mious, ddof=1):.1f}"
        low, high = stats.t.interval(0.95, len(mious) - 1, np.mean(mious), stats.sem(mious))
        assert cells["95% over seeds"] == f"{low:.1f} to {high:.1f}"
        select = [reader.last(run, "select/miou") for run in runs[name]]
        assert cells["mIoU select"] == f"{np.mean(select):.1f} ± {np.std(select, ddof=1):.1f}"
        lr = float(reader.trials[runs[name][0]]["params"]["lr"])
        assert cells["best hyperparameters"] == f"lr={lr:.3g}"
        if name == baseline:
            assert (cells["gain"], cells["verdict"]) == ("baseline", "")
        else:
            shown[name, baseline] = cells
    assert check(shown, conclusions_of(judged), Blocks(reader, runs, budgets, set())) == ["better", "better"]


GAINS = {"joint": 0.0, "ga": 3.0, "csa": -0.1, "ga+csa": 0.4, "ga+fcsa": -3.0}
SEEDS, UNITS, CLASSES = 5, 8, 3


class WithCounts:
    """The files of a made study, and the counts of its trials."""

    def __init__(self, study: Study, counts: Mapping[str, bytes]) -> None:
        self._files, self._counts = study.files, counts

    def paths(self, run: str) -> Sequence[str]:
        return ("report_confusions.parquet",) if run in self._counts else self._files.paths(run)

    def read(self, run: str, path: str) -> bytes:
        return self._counts[run] if run in self._counts else self._files.read(run, path)


@pytest.fixture(scope="module")
def drawn() -> Study:
    """Four methods and a baseline that varies little; images, in pairs, do something to each cell under all seeds."""
    rng = np.random.default_rng(4)
    of_seeds, trials, counts = rng.normal(0, 2, SEEDS), [], {}
    images = [f"sequence{image // 2}/{image}.png" for image in range(2 * UNITS)]
    for cell, gain in GAINS.items():
        of_units = rng.normal(0, 0.5, UNITS)
        for seed in range(SEEDS):
            of_run = rng.normal(0, 0.1 if cell == "joint" else 0.3) + rng.normal(0, 0.3, 2 * UNITS)
            right = 60 + gain + of_seeds[seed] + np.repeat(of_units, 2) + of_run
            matrices = np.array([confusion(share / 100) for share in right])
            total = matrices.sum(axis=0)
            miou = 100 * np.mean(np.diag(total) / (total.sum(0) + total.sum(1) - np.diag(total)))
            curves = {"select/miou": {100: miou}, "report/miou": {100: miou}}
            run = f"run{len(trials):03}"
            trials.append(Made({"adaptor": cell}, curves, stage="replicate", seed=seed, number=seed))
            units = [image.partition("/")[0] for image in images]
            counts[run] = confusions_to_parquet(matrices, images, ("road", "sky", "car"), units, "sequence")
    study = made_study(
        {"adaptor": list(GAINS)},
        {},
        trials,
        seeds=range(SEEDS),
        baseline={"adaptor": "joint"},
        comparisons=[(f"adaptor={name}", "adaptor=joint", None) for name in list(GAINS)[1:]],
    )
    return replace(study, files=WithCounts(study, counts))


def confusion(right: float) -> np.ndarray:
    """Counts of an image of which this share of pixels is right, and the rest is any of the other classes."""
    pixels = 60_000
    wrong = np.full((CLASSES, CLASSES), (1 - right) / (CLASSES - 1))
    np.fill_diagonal(wrong, right)
    return np.rint(wrong * pixels / CLASSES).astype(np.int64)


def test_gains_corrected_together_follow_from_the_export(drawn: Study, tmp_path: Path) -> None:
    """One of each verdict, from variances of seeds and of sequences, in one family of Dunnett's."""
    judged = Judged(drawn)
    write_export(drawn, {}, tmp_path / "export")
    rows = rows_of(judged)
    reader = Reader(tmp_path / "export")
    names = {row["adaptor"]: f"adaptor={row['adaptor']}" for row in rows}
    runs = {name: reader.runs_of({"adaptor": adaptor}) for adaptor, name in names.items()}
    blocks = Blocks(reader, runs, dict.fromkeys(runs, ""), {"adaptor=joint"})
    shown = {(names[row["adaptor"]], "adaptor=joint"): row for row in rows if row["gain"] != "baseline"}
    assert check(shown, conclusions_of(judged), blocks) == ["better", "equivalent", "undecided", "worse"]
    for pair in shown:
        share = blocks.of_images(pair, pair) / blocks.covariance(pair, pair)
        assert 0.2 < share < 0.9, "images play a part, and no gain has a variance that comes out below zero"

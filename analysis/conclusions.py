"""What a study shows, in sentences with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.statistics.gains import DECIDED, VERDICTS, Gain
from analysis.statistics.seeds import Mean, mean_over_seeds
from analysis.study import Study
from analysis.table import Row, interval, p_text, plus_minus
from trainables.words import REPORT


def conclusions(study: Study, rows: Sequence[Row]) -> list[str]:
    """A sentence or two for everything that has a baseline, e.g. for `ga+csa` over `ga`, in the study's order."""
    names = dict.fromkeys(row.cell.without_budget() for row in rows if row.gain is not None)
    return [_about(study, [row for row in rows if row.cell.without_budget() == name and row.gain]) for name in names]


def _about(study: Study, rows: Sequence[Row]) -> str:
    baseline = study.baseline_of(rows[0].cell)
    assert baseline is not None
    said = []
    for verdict in VERDICTS:
        found = [row for row in rows if _gain(row).verdict == verdict]
        words = _with_intervals if verdict in DECIDED else _short
        if found:
            said.append(f"{verdict} {', '.join(f'{_place(row)} ({words(_gain(row))})' for row in found)}")
    return f"{rows[0].cell.without_budget()} over {baseline.without_budget()}: {'; '.join(said)}."


def _place(row: Row) -> str:
    return f"at {row.cell.budget} labels" if row.cell.budget is not None else "in this study"


def _with_intervals(gain: Gain) -> str:
    seeds, images = gain.seeds, gain.images
    ends = interval(seeds.mean - seeds.half_width, seeds.mean + seeds.half_width)
    over_images = f", over images {interval(images.low, images.high)}" if images else ""
    return f"{seeds.mean:+.1f}; 95% over seeds {ends}{over_images}; p {p_text(gain.corrected)} after Holm"


def _short(gain: Gain) -> str:
    return plus_minus(gain.seeds.mean, gain.seeds.half_width, "+")


def _gain(row: Row) -> Gain:
    assert row.gain is not None
    return row.gain


def split_note(study: Study) -> str:
    """Which images chose and which were reported; under `protocol: paper` a warning."""
    if study.protocol == "paper":
        return (
            "protocol: paper. The same images chose the configurations and gave the mIoU, as in the paper: the figures "
            "are optimistic, by about what a study of the protocol split shows between its two splits."
        )
    return (
        "Configurations were chosen, and trials pruned, on the select split; every mIoU of the table is of the report "
        "split, images that chose nothing."
    )


def optimism(rows: Sequence[Row]) -> Mean | None:
    """Select minus report mIoU of the winners, a mean per cell, over cells; None without figures."""
    means = [row.optimism.mean for row in rows if row.optimism is not None]
    return mean_over_seeds(means) if means else None


def luck_of_the_first_seed(study: Study) -> Mean | None:
    """Report mIoU of the seed that was chosen on, minus the mean of the other seeds, over cells with several trials.

    The choice favours configurations that were lucky with the first seed; replicates were not chosen.
    """
    report = study.last(REPORT)
    found = []
    for cell in study.cells:
        mious = [report[run] for run in study.results(cell).values() if run in report]
        if cell.tuned and len(mious) == len(study.seeds) > 1:
            found.append(mious[0] - sum(mious[1:]) / len(mious[1:]))
    return mean_over_seeds(found) if found else None

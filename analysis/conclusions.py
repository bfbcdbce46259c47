"""What a study shows, in sentences with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.gains import Gain
from analysis.seeds import MOST_SEEDS, Mean, mean_over_seeds
from analysis.study import REPORT, Study
from analysis.table import Row, interval, p_text

_ORDER = ("better", "better, but not after Holm's correction", "worse", "worse, but not after Holm's correction")
_UNDECIDED = ("no difference shown", "one seed: not judged")


def conclusions(study: Study, rows: Sequence[Row]) -> list[str]:
    """A sentence or two for everything that has a baseline, e.g. for `ga+csa` over `ga`, in the study's order."""
    names = dict.fromkeys(row.cell.without_budget() for row in rows if row.gain is not None)
    return [_about(study, [row for row in rows if row.cell.without_budget() == name and row.gain]) for name in names]


def _about(study: Study, rows: Sequence[Row]) -> str:
    baseline = study.baseline_of(rows[0].cell)
    assert baseline is not None
    by_verdict = {verdict: [row for row in rows if _gain(row).verdict == verdict] for verdict in (*_ORDER, *_UNDECIDED)}
    said = [
        f"{verdict} {_places(found, _evidence)}" for verdict, found in by_verdict.items() if found and verdict in _ORDER
    ]
    said += [
        f"{verdict} {_places(found, _missing)}"
        for verdict, found in by_verdict.items()
        if found and verdict in _UNDECIDED
    ]
    return f"{rows[0].cell.without_budget()} over {baseline.without_budget()}: {'; '.join(said)}."


def _places(rows: Sequence[Row], words) -> str:
    return ", ".join(f"{_place(row)} ({words(_gain(row))})".strip() for row in rows)


def _place(row: Row) -> str:
    return f"at {row.cell.budget} labels" if row.cell.budget is not None else "in this study"


def _evidence(gain: Gain) -> str:
    seeds, images = gain.seeds, gain.images
    words = (
        f"{seeds.mean:+.1f}, 95% over seeds {interval(seeds.mean - seeds.half_width, seeds.mean + seeds.half_width)}"
    )
    words += f", over images {interval(images.low, images.high)}" if images else ""
    return f"{words}, p {p_text(gain.corrected)} after Holm"


def _missing(gain: Gain) -> str:
    seeds = gain.seeds
    if len(seeds.seeds) < 2:
        return f"{seeds.mean:+.1f}"
    needed = f"{gain.needed} seeds" if gain.needed is not None else f"more than {MOST_SEEDS} seeds"
    ends = interval(seeds.mean - seeds.half_width, seeds.mean + seeds.half_width)
    return f"{seeds.mean:+.1f}, 95% over seeds {ends}; {needed} would separate a difference of this size"


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

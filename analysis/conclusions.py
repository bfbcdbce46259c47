"""What a study shows, in sentences with their intervals. A sentence claims no more than the verdicts do."""

from __future__ import annotations

import math
from collections.abc import Sequence

from analysis.statistics.gains import DECIDED, NOT_JUDGED, VERDICTS, Gain
from analysis.statistics.seeds import Mean, mean_over_seeds
from analysis.study import Study, StudyCell
from analysis.table import Row, interval, p_text
from analysis.wording import above_or_below, count
from trainables.words import REPORT, format_points, plus_minus


def conclusions(study: Study, rows: Sequence[Row]) -> list[str]:
    """A sentence for everything that has a baseline, e.g. for `ga+csa` over `ga`, in the study's order."""
    compared: dict[str, list[Row]] = {}
    for row in rows:
        baseline = study.baseline_of(row.cell)
        if row.gain is not None and baseline is not None:
            compared.setdefault(_compared(row.cell, baseline), []).append(row)
    return [f"{names}: {_verdicts(found)}." for names, found in compared.items()]


def _compared(cell: StudyCell, baseline: StudyCell) -> str:
    """E.g. `ga+csa over ga`; the numbers of labeled images are named where they differ."""
    if cell.budget == baseline.budget:
        return f"{cell.without_budget()} over {baseline.without_budget()}"
    return f"{cell.label} over {baseline.label}"


def _verdicts(rows: Sequence[Row]) -> str:
    """The places of each verdict, e.g. `better at 5 labels (...); no difference shown at 20 labels (+0.2 ± 1.0)`."""
    by_verdict = {verdict: [row for row in rows if _gain(row).verdict == verdict] for verdict in VERDICTS}
    return "; ".join(_places(verdict, found) for verdict, found in by_verdict.items() if found)


def _places(verdict: str, rows: Sequence[Row]) -> str:
    shown, comma, restriction = ("not judged (one seed)" if verdict == NOT_JUDGED else verdict).partition(",")
    words = _with_intervals if verdict in DECIDED else _briefly
    return f"{shown} {', '.join(f'{_place(row)}({words(_gain(row))})' for row in rows)}{comma}{restriction}"


def _place(row: Row) -> str:
    return f"at {count(row.cell.budget, 'label')} " if row.cell.budget is not None else ""


def _with_intervals(gain: Gain) -> str:
    seeds, images = gain.seeds, gain.images
    ends = interval(seeds.mean - seeds.half_width, seeds.mean + seeds.half_width)
    over_images = f", over images {interval(images.low, images.high)}" if images else ""
    return (
        f"{format_points(seeds.mean, '+')}; 95% over seeds {ends}{over_images}; p {p_text(gain.corrected)} after Holm"
    )


def _briefly(gain: Gain) -> str:
    return plus_minus(gain.seeds.mean, gain.seeds.half_width, "+")


def _gain(row: Row) -> Gain:
    assert row.gain is not None
    return row.gain


def why_none(study: Study, rows: Sequence[Row]) -> str:
    """Why there are no conclusions, for a study without gains."""
    if not study.settings.get("baseline"):
        return "The search-space file names no baseline, so the report compares no gains."
    if len(rows) < 2:
        return "The study has a single cell, so there is no baseline to compare it with."
    return "No cell can be compared with its baseline: no seed has finished in both."


def split_note(study: Study) -> str:
    """Which images and seeds chose, and which were reported; under `protocol: paper` a warning."""
    if study.protocol == "paper":
        return (
            "The study has the setting `protocol: paper`: the same images chose the configurations and gave the mIoU, "
            f"as in the paper. Where there was a choice, seed {study.seeds[0]} made it and is in the table too. The "
            "figures are optimistic."
        )
    if not any(found["tuning_trials"] for found in study.plan["cells"]):
        return "No cell had a choice of configurations. Every mIoU of the table is from the report split."
    chosen = "Configurations were chosen, and trials pruned, on" if prunes(study) else "Configurations were chosen on"
    searching, own = _seeds(study.train_seeds), set(study.train_seeds).isdisjoint(study.seeds)
    seeds = (
        f"from other seeds, {', '.join(map(str, study.seeds))}" if own else f"{searching} is one of those of the table"
    )
    return (
        f"{chosen} the select split, under {searching}. Every mIoU of the table is from other images, the report "
        f"split, and {seeds}."
    )


def _seeds(seeds: Sequence[int]) -> str:
    return f"{'seed' if len(seeds) == 1 else 'seeds'} {', '.join(map(str, seeds))}"


def prunes(study: Study) -> bool:
    """Whether the study stops trials early."""
    return study.plan.get("pruner", "none") != "none"


def optimism(rows: Sequence[Row]) -> Mean | None:
    """Select minus report mIoU of the best configurations, a mean per cell, over cells; None without figures."""
    means = [row.optimism.mean for row in rows if row.optimism is not None]
    return mean_over_seeds(means) if means else None


def optimism_note(found: Mean) -> str:
    """What `optimism` found, as a sentence."""
    return (
        f"The select mIoU of the best configurations is {_with_interval(found)} their report mIoU, over "
        f"{count(found.n, 'cell')}. The difference has two parts that cannot be told apart: what the choice gained by "
        "chance on the images that it looked at, and how much easier one split is than the other."
    )


def luck_of_the_first_seed(study: Study) -> Mean | None:
    """Report mIoU of the first seed minus the mean of the other seeds, over cells that tune; None without such cells.

    Configurations are chosen by the first seed's mIoU, which favours those that were lucky with it.
    """
    report = study.last(REPORT)
    found = []
    for cell in study.cells if study.seeds[0] in study.train_seeds else ():
        mious = [report[run] for run in study.results(cell).values() if run in report]
        if cell.tuned and len(mious) == len(study.seeds) > 1:
            found.append(mious[0] - sum(mious[1:]) / len(mious[1:]))
    return mean_over_seeds(found) if found else None


def luck_note(found: Mean) -> str:
    """What `luck_of_the_first_seed` found, as a sentence."""
    return (
        "Configurations are chosen with the first seed alone, which favours those that were lucky with it. The report "
        f"mIoU of the first seed is {_with_interval(found)} that of the other seeds, over {count(found.n, 'cell')} "
        "with tuning. Cells without tuning have no such luck; with three or more seeds at most a third of it is in the "
        "table."
    )


def _with_interval(found: Mean) -> str:
    """E.g. `0.3 points above (95% interval +0.1 to +0.5)`; without the interval for a single cell."""
    where = above_or_below(found.mean)
    if math.isnan(found.half_width):
        return where
    return f"{where} (95% interval {interval(found.mean - found.half_width, found.mean + found.half_width)})"

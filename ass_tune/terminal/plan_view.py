"""The plan of a study on a terminal."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from analysis.screened import reports_to_compare
from analysis.wording import count, seeds_text
from ass_tune.plan.power import PlannedPower
from ass_tune.plan.savings import PlannedSavings
from ass_tune.plan.study_plan import StudyPlan
from ass_tune.search.cells import CellPlan
from ass_tune.terminal.columns import level_columns
from ass_tune.terminal.layout import Column, FittedTable
from ass_tune.terminal.plan_pairs import comparison_lines, left_out_lines
from ass_tune.wording import format_bytes, format_seconds


def plan_tables(plan: StudyPlan, width: int) -> list[RenderableType]:
    """A table of the cells, those left out, and the totals; nothing is wider than `width`."""
    table = FittedTable(_columns(plan), width).first() if plan.cells else Text("no cell is left to train")
    left_out = [_labeled("left out:", text) for text in left_out_lines(plan)]
    compared = [_labeled(label, text) for label, text in comparison_lines(plan)]
    totals = [_labeled(f"{name:<10}", text) for name, text in _totals(plan).items()]
    not_measured = [_INSTEAD.format(plan.not_measured)] if plan.not_measured else []
    title = Text(f"plan of study {plan.study}", style="bold")
    return [title, Group(table, ""), *left_out, Group(*compared, *totals), *not_measured]


def _columns(plan: StudyPlan) -> list[Column]:
    times = ["?" if c.seconds_per_trial is None else format_seconds(c.seconds_per_trial) for c in plan.cells]
    return [
        *level_columns([cell.shown for cell in plan.cell_plans]),
        Column("tuned", [", ".join(cell.tuned) or "nothing" for cell in plan.cells], right=False, folds=True),
        Column("points", ["any" if cell.points is None else str(cell.points) for cell in plan.cells], spare=1),
        Column("tuning trials", [_searched(cell) for cell in plan.cell_plans]),
        Column("replicates", [_from_to(cell.replicates, cell.most_replicates) for cell in plan.cells]),
        Column("time per trial", times),
    ]


def _labeled(label: str, text: str) -> RenderableType:
    """A label with a text that wraps to the right of it."""
    line = Table.grid(padding=(0, 1))
    line.add_column(no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(Text(label), Text(text))
    return line


def _totals(plan: StudyPlan) -> dict[str, str]:
    trials = _from_to(plan.tuning_trials + plan.replicates, plan.tuning_trials + plan.most_replicates)
    totals = {
        **({"design": plan.design} if plan.design != "product" else {}),
        "data": f"{plan.domains}, profile {plan.profile}, protocol {plan.protocol}",
        "search": f"sampler {plan.sampler}, {_screening(plan)}pruner {plan.pruner}, {seeds_text(plan.train_seeds)}",
        "table": f"{_table_seeds(plan)}{'; the first one also searches' if plan.protocol == 'paper' else ''}",
        "compared": _compared(plan),
        **({"can show": _power(plan.power, plan.objective.of_difference)} if plan.power else {}),
        "trials": f"{trials}: {plan.tuning_trials} tuning trials{_of_which(plan)} and "
        f"{_from_to(plan.replicates, plan.most_replicates)} replicates",
        "iterations": _most_and_expected(plan, str(plan.iterations), str(plan.iterations_expected)),
    }
    if plan.savings:
        totals["savings"] = _savings(plan.savings)
    totals["GPU-hours" if plan.gpus_per_trial else "CPU-hours"] = _hours(plan)
    totals["time"] = _time(plan)
    if plan.device_bytes is not None:
        totals["memory"] = f"tensors of one trial about {format_bytes(plan.device_bytes)} at most"
    totals["disk"] = _disk(plan)
    return totals


def _of_which(plan: StudyPlan) -> str:
    """E.g. ` (12 configurations x 2 seeds)`; nothing where one seed searches."""
    further = len(plan.train_seeds) - 1
    if not further or not plan.tuning_trials:
        return ""
    configurations = sum(cell.configurations for cell in plan.cells)
    if plan.finalists is None:
        return f" ({configurations} configurations x {further + 1} seeds)"
    best = f"the best {plan.finalists} of each cell under {further} more"
    return f" ({configurations} configurations under one seed, {best})"


def _screening(plan: StudyPlan) -> str:
    """E.g. `screened for 1 report with the best 3 kept, `; nothing where nothing is screened."""
    if not plan.screen:
        return ""
    *first, last = reports_to_compare(plan.screen)
    halves = "".join(f"{reports}, the better half for " for reports in first)
    kept = "the best first" if plan.keep is None else f"the best {plan.keep} kept"
    return f"screened for {halves}{count(last, 'report')} with {kept}, "


def _from_to(fewest: int, most: int) -> str:
    """E.g. `9 to 36`, or one number where they are equal."""
    return str(fewest) if fewest == most else f"{fewest} to {most}"


def _table_seeds(plan: StudyPlan) -> str:
    """E.g. `seeds 0, 1, 2; then one after the other, 12 at most, while a comparison can still be decided`."""
    if plan.first_look is None:
        return seeds_text(plan.seeds)
    return (
        f"{seeds_text(plan.seeds[: plan.first_look])}; then one after the other, {len(plan.seeds)} at most, while a "
        "comparison can still be decided"
    )


def _most_and_expected(plan: StudyPlan, most: str, expected: str) -> str:
    """E.g. `4800, about 3900 after pruning`; one number where nothing is pruned and no replicate can be spared."""
    pruned = ["after pruning"] if plan.pruner != "none" or plan.keep is not None else []
    fewest = ["with the fewest replicates"] if plan.first_look is not None else []
    reasons = " and ".join([*pruned, *fewest])
    return f"{most}, about {expected} {reasons}" if reasons else most


def _searched(cell: CellPlan) -> str:
    """A cell's tuning trials; e.g. `6 x 2`, configurations and seeds, or `6 + 2 x 2` with two finalists."""
    configurations, seeds = cell.configurations, len(cell.train_seeds)
    if seeds == 1 or not configurations:
        return str(configurations)
    if cell.finalists is None:
        return f"{configurations} x {seeds}"
    return f"{configurations} + {min(cell.finalists, configurations)} x {seeds - 1}"


def _compared(plan: StudyPlan) -> str:
    """How many primary comparisons there are, and what they are held against."""
    if not plan.comparisons:
        return "nothing" if plan.not_compared else "nothing: the file has neither baseline nor compare.pairs"
    controls = sum(comparison.control is not None for comparison in plan.comparisons)
    number = count(len(plan.comparisons), "primary comparison")
    controlled = f", {controls} of them also over a control" if controls else ""
    smallest = plan.objective.counted(plan.smallest_difference)
    return f"{number}{controlled}; smallest difference of interest {smallest}"


def _power(power: PlannedPower, unit: str) -> str:
    """Which gain the study will be able to show, e.g. `with 80% power a gain of 1.4 mIoU; ...`."""
    if power.sd is None:
        return (
            f"with 80% power a gain of {power.gain:.1f} standard deviations of the difference of two runs of one seed; "
            "no earlier study of this trainable and these domains says what that is in " + unit
        )
    return (
        f"with 80% power a gain of {power.gain:.1f} {unit}, or that there is none of {power.margin:.1f} {unit}; from a "
        f"standard deviation of at most {power.sd:.2f} in earlier studies ({', '.join(power.studies)})"
    )


def _savings(savings: PlannedSavings) -> str:
    """E.g. `31% of tuning in a replay on the curves of earlier studies (pilot), the same choice in 7 of 8 cells`."""
    names = ", ".join(savings.studies)
    return (
        f"{savings.saved:.0%} of tuning in a replay on the curves of earlier studies ({names}), the same choice as "
        f"without in {savings.kept} of {count(savings.cells, 'cell')}"
    )


def _hours(plan: StudyPlan) -> str:
    hours, expected = plan.cpu_hours, plan.cpu_hours_expected
    if plan.gpus_per_trial:
        hours, expected = plan.gpu_hours, plan.gpu_hours_expected
    if hours is None or expected is None:
        return _unknown(plan)
    contents = "evaluations included"
    if plan.step_time is not None:
        contents = (
            f"training alone, at {plan.step_time:g} s an iteration: "
            f"{plan.evaluations_per_trial} evaluations of every trial come on top"
        )
    return f"{_most_and_expected(plan, _rounded(hours), _rounded(expected))}; {contents}"


def _rounded(hours: float) -> str:
    return f"{hours:.0f}" if hours >= 100 else f"{hours:.3g}"


def _time(plan: StudyPlan) -> str:
    if not plan.parallel_trials:
        return f"no trial runs on this machine: it has fewer GPUs than the {plan.gpus_per_trial:g} that one asks for"
    if plan.seconds_expected is None:
        return _unknown(plan)
    return f"about {format_seconds(plan.seconds_expected)} with {plan.parallel_trials} trials at once on this machine"


def _disk(plan: StudyPlan) -> str:
    if plan.bytes_while_running is None or plan.bytes_at_the_end is None:
        return _unknown(plan)
    running, end = format_bytes(plan.bytes_while_running), format_bytes(plan.bytes_at_the_end)
    return f"checkpoints of running trials, two each, at most {running}; networks and results at the end at most {end}"


def _unknown(plan: StudyPlan) -> str:
    if plan.step_time is not None or plan.not_measured is not None:
        return "unknown: nothing was measured"
    return "unknown: --plan measures a few training steps of each kind of trial"


_INSTEAD = (
    "No step could be measured here: {}\nGive the seconds of one training iteration instead: --plan --step-time SECONDS"
)

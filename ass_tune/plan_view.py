"""The plan of a study on a terminal."""

from __future__ import annotations

from rich.console import RenderableType
from rich.table import Table

from ass_tune.plan import StudyPlan
from ass_tune.wording import format_bytes, format_seconds


def plan_tables(plan: StudyPlan) -> list[RenderableType]:
    """A table of the cells, those left out, and what it all comes to."""
    table = Table(title=f"plan of study {plan.study}", title_justify="left")
    for name in ("cell", "tuned", "points", "tuning trials", "replicates", "time per trial"):
        table.add_column(name, justify="left" if name in ("cell", "tuned") else "right", overflow="fold")
    for cell in plan.cells:
        table.add_row(
            cell.cell,
            ", ".join(cell.tuned) or "nothing",
            "any" if cell.points is None else str(cell.points),
            str(cell.tuning_trials),
            str(cell.replicates),
            "?" if cell.seconds_per_trial is None else format_seconds(cell.seconds_per_trial),
        )
    left_out = [f"left out: {left['cell']}: {left['reason']}" for left in plan.left_out]
    return [table, *left_out, "\n".join(f"{name:<11}{text}" for name, text in _totals(plan).items())]


def _totals(plan: StudyPlan) -> dict[str, str]:
    trials = plan.tuning_trials + plan.replicates
    seeds = ", ".join(map(str, plan.seeds))
    return {
        "data": f"{plan.domains}, profile {plan.profile}, protocol {plan.protocol}",
        "search": f"sampler {plan.sampler}, pruner {plan.pruner}, seeds {seeds}",
        "trials": f"{trials}: {plan.tuning_trials} tuning trials and {plan.replicates} replicates",
        "iterations": f"{plan.iterations}, about {plan.iterations_expected} after pruning",
        "time": _time(plan),
        "disk": _disk(plan),
    }


def _time(plan: StudyPlan) -> str:
    if plan.seconds_expected is None:
        return "unknown: `--plan` measures a few steps of each kind of trial"
    return f"about {format_seconds(plan.seconds_expected)} with {plan.parallel_trials} trials at once on this machine"


def _disk(plan: StudyPlan) -> str:
    if plan.bytes_while_running is None or plan.bytes_at_the_end is None:
        return "unknown: `--plan` measures it"
    running, end = format_bytes(plan.bytes_while_running), format_bytes(plan.bytes_at_the_end)
    return f"checkpoints of running trials, two each, at most {running}; networks and results at the end at most {end}"

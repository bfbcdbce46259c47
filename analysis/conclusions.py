"""What a study shows, in sentences with their intervals. A sentence claims no more than the verdicts do."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence

from analysis.statistics.gains import Gain, Judged
from analysis.statistics.power import MOST_SEEDS, MoreSeeds
from analysis.statistics.sequential import Stopped
from analysis.statistics.verdict import Comparison, Verdict
from analysis.study import Study
from analysis.study_cell import StudyCell
from analysis.table import Row, interval, p_text
from analysis.wording import count, seeds_text
from trainables.objective import MIOU, Objective
from trainables.words import Cell, format_points, label

SAME_IMAGES = "The same images chose the configurations and gave the {}, so these are optimistic."


def conclusions(judged: Judged) -> list[str]:
    """A sentence for everything that is compared, e.g. for `ga+csa` over `ga`, in the order of the plan."""
    cells = {cell.name: cell for cell in judged.study.cells}
    said: dict[str, dict[str, list[str]]] = {}
    for gain in judged.primary:
        if gain.comparison.seeds:
            ours, theirs = cells[gain.comparison.ours], cells[gain.comparison.theirs]
            places = said.setdefault(_compared(ours, theirs), {}).setdefault(phrase(judged.study, gain), [])
            places.append(f"{_place(ours, theirs)}({details(judged, gain)})")
    return [f"{names}: {_joined(found)}." for names, found in said.items()]


def _joined(said: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{words} {', '.join(places)}" for words, places in said.items())


def sentence(judged: Judged, gain: Gain) -> str:
    """The same of a single comparison."""
    cells = {cell.name: cell for cell in judged.study.cells}
    names = f"{cells[gain.comparison.ours].label} over {cells[gain.comparison.theirs].label}"
    said = f"{names}: {phrase(judged.study, gain)}"
    said += f" ({details(judged, gain)})." if gain.comparison.seeds else "."
    return f"{said} {SAME_IMAGES.format(judged.study.objective.name)}" if judged.study.protocol == "paper" else said


def phrase(study: Study, gain: Gain) -> str:
    """What may be said, e.g. `better, but not shown to be better than its control (lr_sd=0)`."""
    found = gain.comparison
    if found.why_not_judged:
        return f"not judged ({found.why_not_judged})"
    objective = study.objective
    equivalent = found.verdict is Verdict.EQUIVALENT
    words = f"equivalent{_within(found, objective)}" if equivalent else f"{found.verdict}{_small(found, objective)}"
    if (control := control_that_matters(gain)) is None:
        return words
    name = f"its control ({label(study.settings.get('control', {}).items())})"
    agrees = control.verdict is found.verdict or found.verdict is Verdict.UNDECIDED
    return f"{words}, {'and' if agrees else 'but'} {_over_control(control, name, objective)}"


def control_that_matters(gain: Gain) -> Comparison | None:
    """The comparison with the control, where it adds to the verdict: where a gain must beat it, or it is decided."""
    control = gain.control
    if control is None or gain.comparison.why_not_judged:
        return None
    decided = not control.why_not_judged and control.verdict is not Verdict.UNDECIDED
    return control if decided or gain.comparison.verdict is Verdict.BETTER else None


def _small(found: Comparison, objective: Objective) -> str:
    decided = found.verdict in (Verdict.BETTER, Verdict.WORSE)
    return f" by less than {objective.counted(found.margin)}" if decided and found.within_margin else ""


def _within(found: Comparison, objective: Objective) -> str:
    return f" within {objective.counted(found.margin)}"


def _over_control(found: Comparison, name: str, objective: Objective) -> str:
    if found.why_not_judged:
        return f"not judged over {name} ({found.why_not_judged})"
    match found.verdict:
        case Verdict.EQUIVALENT:
            return f"equivalent to {name}{_within(found, objective)}"
        case Verdict.UNDECIDED:
            return f"not shown to be better than {name}"
        case _:
            return f"{found.verdict} than {name}{_small(found, objective)}"


def details(judged: Judged, gain: Gain) -> str:
    """Gains with their intervals, and what would decide an undecided one."""
    parts = [_with_interval(gain.comparison) + looks_text(judged, gain.comparison)]
    if (control := control_that_matters(gain)) is not None and control.seeds:
        parts.append(f"over the control {_with_interval(control)}{looks_text(judged, control)}")
    for one in undecided(gain) if judged.looks is None else ():
        decides = what_decides(judged.more_seeds[one.ours, one.theirs], one.margin, judged.study.objective)
        parts.append(f"of the control, {decides}" if one is gain.control else decides)
    return "; ".join(parts)


def looks_text(judged: Judged, found: Comparison) -> str:
    """After how many seeds a comparison was decided or given up, e.g. `, after 4 seeds`; empty for a fixed number."""
    followed = judged.followed(found)
    if followed is None or not found.looked or judged.looks is None:
        return ""
    after = f", after {count(found.looked, 'seed')}"
    if followed.stopped is Stopped.HOPELESS:
        return f"{after}, when a verdict by {judged.looks.last} had become improbable"
    return f"{after} so far" if followed.stopped is None else after


def seeds_saved(judged: Judged) -> str | None:
    """How many runs of the table seeds until decided have taken; None where their number is fixed."""
    if (spent := judged.runs_spent) is None or judged.looks is None:
        return None
    saved = spent.at_most - spent.runs
    return (
        f"Seeds until decided: {count(spent.runs, 'run')} of the compared cells, where {judged.looks.last} seeds for "
        f"each would have been {spent.at_most}: {saved} saved ({saved / spent.at_most:.0%})."
    )


def undecided(gain: Gain) -> list[Comparison]:
    """What of a gain could still be decided: the comparison itself, else whether the control is beaten."""
    is_better = gain.comparison.verdict is Verdict.BETTER
    found = gain.control if is_better and gain.control is not None else gain.comparison
    return [found] if found.verdict is Verdict.UNDECIDED and not found.why_not_judged else []


def what_decides(more: MoreSeeds, margin: float, objective: Objective = MIOU) -> str:
    """What it takes: e.g. `about 4 more seeds would tell a gain of 1 mIoU from none in 4 of 5 studies`."""
    gain = f"a gain of {objective.counted(margin)}"
    if more.to_find is None:
        return f"no number of seeds up to {MOST_SEEDS} would show {gain} in 4 of 5 studies"
    if more.to_rule_out is None:
        return f"about {count(more.to_find, 'more seed')} would show {gain} in 4 of 5 studies"
    most = max(more.to_find, more.to_rule_out)
    return f"about {count(most, 'more seed')} would tell {gain} from none in 4 of 5 studies"


def _compared(ours: StudyCell, theirs: StudyCell) -> str:
    """E.g. `ga+csa over ga`; the numbers of labeled images are named where they differ."""
    if ours.budget == theirs.budget:
        return f"{ours.without_budget()} over {theirs.without_budget()}"
    return f"{ours.label} over {theirs.label}"


def _place(ours: StudyCell, theirs: StudyCell) -> str:
    return f"at {count(ours.budget, 'label')} " if ours.budget is not None and ours.budget == theirs.budget else ""


def _with_interval(found: Comparison) -> str:
    gain = format_points(found.gain, "+")
    if found.why_not_judged:
        return gain
    p = f", p {p_text(found.p)}" if found.verdict in (Verdict.BETTER, Verdict.WORSE) else ""
    return f"{gain}, 95% {interval(found.low, found.high)}{p}"


def not_compared(study: Study) -> list[str]:
    """A sentence for each comparison that the file asks for and that cannot be made, with the reason."""
    ablated = study.settings.get("ablate", {})
    combinations = (Cell(tuple(zip(ablated, levels, strict=True))) for levels in itertools.product(*ablated.values()))
    labels = {cell.name: label(cell.factors) for cell in combinations}
    said = []
    for found in study.plan.get("not_compared", ()):
        names, reason = (found["ours"], found["theirs"]), found["reason"]
        for name in names:
            reason = reason.replace(name, labels[name])
        said.append(f"{' over '.join(labels[name] for name in names)}: {reason}.")
    return said


def why_none(judged: Judged, rows: Sequence[Row]) -> str:
    """Why there are no conclusions, for a study without gains."""
    if not judged.primary and not judged.study.settings.get("baseline"):
        return "The search-space file names no baseline, so the report compares no gains."
    if len(rows) < 2:
        return "The study has a single cell, so there is no baseline to compare it with."
    return "No cell can be compared with its baseline: no seed has finished in both."


def no_result(rows: Sequence[Row]) -> str | None:
    """What to say of a study in which no cell has a result, with what became of its trials; None where one has."""
    if any(row.report is not None for row in rows):
        return None
    outcomes: Counter[str] = Counter()
    for row in rows:
        outcomes.update(row.outcomes)
    ended = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
    return f"Nothing was measured: no cell has a finished trial for the table. Its trials: {ended or 'none has ended'}."


def split_note(study: Study) -> str:
    """Which images and seeds chose, and which were reported; under `protocol: paper` a warning."""
    name = study.objective.name
    if study.protocol == "paper":
        return (
            "The study has the setting `protocol: paper`: the same images chose the configurations and gave the "
            f"{name}, as in the paper. Where there was a choice, seed {study.seeds[0]} made it and is in the table "
            "too. The figures are optimistic."
        )
    if not any(found["tuning_trials"] for found in study.plan["cells"]):
        return f"No cell had a choice of configurations. Every {name} of the table is from the report split."
    chosen = "Configurations were chosen, and trials pruned, on" if prunes(study) else "Configurations were chosen on"
    searching, own = seeds_text(study.train_seeds), set(study.train_seeds).isdisjoint(study.seeds)
    seeds = (
        f"from other seeds, {', '.join(map(str, study.seeds))}" if own else f"{searching} is one of those of the table"
    )
    if (finalists := study.plan.get("finalists")) is not None:
        searching += f"; all but the best {finalists} of a cell under the first of them alone"
    return (
        f"{chosen} the select split, under {searching}. Every {name} of the table is from other images, the report "
        f"split, and {seeds}."
    )


def prunes(study: Study) -> bool:
    """Whether the study stops trials early."""
    return study.plan.get("pruner", "none") != "none" or study.plan.get("keep") is not None

"""What a cell's tuning trials say of its configurations: which was found, and which go on to further seeds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analysis.choice import best_configuration
from ass_tune.ledger.ledger import Entry
from ass_tune.search.cells import CellPlan
from trainables.objective import MIOU, Objective
from trainables.words import Outcome


def best_searched(
    entries: Iterable[Entry], seeds: Sequence[int], objective: Objective = MIOU
) -> tuple[Entry, float] | None:
    """The first trial of the configuration that a search has found, and its mean select value.

    Args:
        entries: tuning trials of a cell.
        seeds: those that search; None is returned where no configuration has finished under all of them.
        objective: of the trials.
    """
    first: dict[str, Entry] = {}
    select: dict[str, dict[int, float]] = {}
    for entry in sorted(entries, key=lambda entry: entry.number):
        if entry.outcome is Outcome.FINISHED and entry.select_value is not None:
            name = configuration(entry.config)
            first.setdefault(name, entry)
            select.setdefault(name, {})[entry.seed] = entry.select_value
    best = best_configuration(select, seeds, objective)
    return None if best is None else (first[best[0]], best[1])


def finalists(entries: Iterable[Entry], plan: CellPlan, objective: Objective = MIOU) -> list[Entry]:
    """The trials under the first seed of the configurations that go on to the others, the best one first.

    A configuration that did not finish under a later seed makes room for the next one. Equal ones stay in order.
    """
    first_seed = plan.train_seeds[0]
    ordered = sorted(entries, key=lambda entry: entry.number)
    lost = {configuration(e.config) for e in ordered if e.outcome not in (None, Outcome.FINISHED)}
    left = [
        (-objective.sign * entry.select_value, entry)
        for entry in ordered
        if entry.seed == first_seed and entry.outcome is Outcome.FINISHED and entry.select_value is not None
        if configuration(entry.config) not in lost
    ]
    return [entry for _, entry in sorted(left, key=lambda pair: pair[0])[: plan.finalists]]


def configuration(config: Mapping[str, Any]) -> str:
    """Equal for trials that differ in their seed alone."""
    return json.dumps({name: value for name, value in config.items() if name != "seed"}, sort_keys=True)

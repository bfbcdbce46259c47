"""Rules about the sampler and the pruner: what they can do, and their arguments."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from ass_tune.spec.catalogue import ELSEWHERE, PRUNERS, SAMPLERS
from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import Path, SpecError, names
from ass_tune.spec.hyperparameters import Choice, Grid
from ass_tune.spec.space import MAX_POINTS
from ass_tune.spec.wording import mismatches
from trainables.mistakes import nearest


def grids_need_the_grid_sampler(draft: Draft) -> Iterator[SpecError]:
    """`type: grid` and `sampler: grid` need each other."""
    if ("search",) in draft.broken:
        return
    sampler = draft.spec.search.sampler
    for name, domain in draft.spec.tune.items():
        path = ("tune", name, "type")
        if sampler != "grid" and isinstance(domain, Grid):
            text = f"found 'grid', which sampler {sampler} cannot do; allowed: search.sampler: grid, or type: choice"
            yield draft.error(path, text)
        if sampler == "grid" and domain.values() is None:
            text = f"found '{domain.type}', which has no end, with sampler grid; allowed: grid, choice, int"
            yield draft.error(path, text)


def grids_have_an_end(draft: Draft) -> Iterator[SpecError]:
    """A grid is enumerated, whole."""
    sizes = [domain.values() for domain in draft.spec.tune.values()]
    points = math.prod(len(values) for values in sizes if values is not None)
    if draft.spec.search.sampler == "grid" and points > MAX_POINTS:
        text = f"found a grid of {points} points; allowed: at most {MAX_POINTS}, or another sampler"
        yield draft.error(("tune",), text)


def some_samplers_need_an_order(draft: Draft) -> Iterator[SpecError]:
    """CMA-ES samples a normal distribution; for choices Optuna would fall back to random search without a word."""
    sampler = draft.spec.search.sampler
    for name, domain in draft.spec.tune.items():
        if SAMPLERS[sampler].needs_order and isinstance(domain, Choice):
            text = f"found 'choice', which has no order for sampler {sampler}; allowed: uniform, log_uniform, int"
            yield draft.error(("tune", name, "type"), text)


def a_budget_is_given(draft: Draft) -> Iterator[SpecError]:
    """Only a grid knows by itself how many trials a cell needs."""
    search = draft.spec.search
    if ("search",) in draft.broken or not draft.declared("tune") or search.sampler == "grid":
        return
    if search.trials_per_cell is None:
        text = f"missing trials_per_cell, without which sampler {search.sampler} has no end; allowed: at least 1"
        yield draft.error(("search",) if "search" in draft.document.values else ("tune",), text)


def sampler_arguments(draft: Draft) -> Iterator[SpecError]:
    """Arguments are those of the Optuna sampler."""
    search = draft.spec.search
    known = SAMPLERS[search.sampler].arguments
    yield from _arguments(draft, ("search", "arguments"), f"sampler {search.sampler}", search.arguments, known)


def pruner_arguments(draft: Draft) -> Iterator[SpecError]:
    """Arguments are those of the Optuna pruner, and all that it needs."""
    prune = draft.spec.prune
    for where, part in ((("prune",), prune), (("prune", "around"), prune.around)):
        if part is None:
            continue
        path, row = (*where, "arguments"), PRUNERS[part.pruner]
        yield from _arguments(draft, path, f"pruner {part.pruner}", part.arguments, row.arguments)
        for name in row.required:
            if name not in part.arguments:
                yield draft.error(path, f"missing {name}, which pruner {part.pruner} needs")
        if row.one_of and not set(row.one_of) & set(part.arguments):
            yield draft.error(path, f"missing {' or '.join(row.one_of)}, one of which pruner {part.pruner} needs")


def _arguments(
    draft: Draft, path: Path, owner: str, arguments: Mapping[str, Any], known: Mapping[str, Any]
) -> Iterator[SpecError]:
    for name, value in arguments.items():
        here = (*path, name)
        if name in known:
            for message in mismatches(known[name], value).values():
                yield draft.error(here, message)
        elif home := _home(path, name):
            yield draft.error(here, f"set by the study; allowed: {home}")
        else:
            text = f"unknown argument of {owner}; allowed: {names(known)}{nearest(name, known)}"
            yield draft.error(here, text)


def _home(path: Path, name: str) -> str | None:
    if name == "n_startup_trials" and path[0] == "prune":
        return "prune.startup_trials"
    return ELSEWHERE.get(name)


def patience_is_around_a_pruner(draft: Draft) -> Iterator[SpecError]:
    """`around:` is for pruners that wait for another one: they need it, and it names one that decides by itself."""
    prune, waiting = draft.spec.prune, [name for name, row in PRUNERS.ours.items() if row.wraps]
    if prune.pruner in waiting and prune.around is None:
        yield draft.error(("prune",), f"missing around, the pruner that {prune.pruner} waits for")
    if prune.pruner not in waiting and prune.around is not None:
        text = f"found with pruner {prune.pruner}; allowed: with pruner {names(waiting)}"
        yield draft.error(("prune", "around"), text)
    if prune.around and prune.around.pruner in (*waiting, "none"):
        others = [name for name in PRUNERS if name not in (*waiting, "none")]
        yield draft.error(("prune", "around", "pruner"), f"found '{prune.around.pruner}'; allowed: {names(others)}")


def pruning_can_happen(draft: Draft) -> Iterator[SpecError]:
    """A report lies between the start of pruning and the end of training."""
    prune, train = draft.spec.prune, draft.spec.train
    if prune.pruner == "none" or ("train",) in draft.broken or train.iterations % train.evaluate_every:
        return
    if not draft.spec.judged:
        text = (
            f"found 0 evaluation(s) between start ({prune.start:g} of {train.iterations} iterations) and "
            f"the end, each {train.evaluate_every} iterations; allowed: at least 1 for pruner {prune.pruner}"
        )
        yield draft.error(("prune",), f"{text}, so a smaller start or train.evaluate_every")


def screening_ends_before_training(draft: Draft) -> Iterator[SpecError]:
    """Screening goes forward, takes fewer reports than a trial has, and `keep` needs it."""
    search, train = draft.spec.search, draft.spec.train
    if ("search",) in draft.broken:
        return
    screens = search.screens
    if search.keep is not None and not screens:
        yield draft.error(("search", "keep"), f"found {search.keep} without screen; allowed: with screen")
    if any(later <= earlier for earlier, later in pairwise(screens)):
        text = f"found {list(screens)}; allowed: each number above the one before it"
        yield draft.error(("search", "screen"), text)
    reports = train.iterations // train.evaluate_every
    if screens and ("train",) not in draft.broken and max(screens) >= reports:
        text = f"found {max(screens)}, but a trial has {reports} report(s)"
        allowed = f"0 to {reports - 1}" if reports > 1 else "0, or a smaller train.evaluate_every"
        yield draft.error(("search", "screen"), f"{text}; allowed: {allowed}")


RULES = (
    grids_need_the_grid_sampler,
    grids_have_an_end,
    some_samplers_need_an_order,
    a_budget_is_given,
    sampler_arguments,
    pruner_arguments,
    patience_is_around_a_pruner,
    pruning_can_happen,
    screening_ends_before_training,
)

"""Rules about what arguments of Optuna's samplers and pruners mean together; Optuna itself finds out late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ass_tune.spec.catalogue import SAMPLERS
from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import Path, SpecError, shown
from ass_tune.spec.hyperparameters import Integer


def arguments_go_together(draft: Draft) -> Iterator[SpecError]:
    """No two arguments exclude each other."""
    search, prune = draft.spec.search, draft.spec.prune
    yield from _exclusive(draft, ("search", "arguments"), search.sampler, search.arguments)
    yield from _of_pruner(draft, ("prune", "arguments"), prune.pruner, prune.arguments)
    if prune.around is not None:
        yield from _of_pruner(draft, ("prune", "around", "arguments"), prune.around.pruner, prune.around.arguments)


def _exclusive(draft: Draft, path: Path, name: str, arguments: Mapping[str, Any]) -> Iterator[SpecError]:
    for excluded in SAMPLERS[name].excluded:
        if excluded.items() <= arguments.items():
            both = " with ".join(f"{key}: {shown(value)}" for key, value in excluded.items())
            yield draft.error(path, f"found {both}, which sampler {name} cannot do; allowed: one of the two")


def _of_pruner(draft: Draft, path: Path, name: str, arguments: Mapping[str, Any]) -> Iterator[SpecError]:
    lower, upper = arguments.get("lower"), arguments.get("upper")
    if name == "threshold" and isinstance(lower, int | float) and isinstance(upper, int | float) and lower > upper:
        yield draft.error(
            (*path, "lower"), f"found {shown(lower)}, which is above upper ({shown(upper)}); allowed: below"
        )
    if name == "successive_halving" and arguments.get("min_resource") == "auto" and arguments.get("bootstrap_count"):
        text = "found min_resource: auto with bootstrap_count, which Optuna cannot do; allowed: one of the two"
        yield draft.error(path, text)


def samplers_can_hold_their_integers(draft: Draft) -> Iterator[SpecError]:
    """A Gaussian process is asked about every integer of a range."""
    sampler = draft.spec.search.sampler
    if (most := SAMPLERS[sampler].most_integers) is None:
        return
    for name, domain in draft.spec.tune.items():
        if isinstance(domain, Integer) and len(domain.values()) > most:
            text = f"found {len(domain.values())} integers with sampler {sampler}; allowed: at most {most}"
            yield draft.error(("tune", name), text)


RULES = (arguments_go_together, samplers_can_hold_their_integers)

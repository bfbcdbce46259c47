"""Rules about `when:`: the conditions under which a hyperparameter is active."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import SpecError, found, names
from ass_tune.spec.hyperparameters import Integer
from ass_tune.spec.space import contains
from trainables.config import Value
from trainables.mistakes import nearest


def conditions_name_variables(draft: Draft) -> Iterator[SpecError]:
    """A condition is on a factor or another hyperparameter."""
    known = (*draft.declared("ablate"), *draft.declared("tune"))
    for name, domain in draft.spec.tune.items():
        others = tuple(dict.fromkeys(other for other in known if other != name))
        for other in domain.when:
            if other != name and other not in known:
                text = f"neither a factor nor a hyperparameter; allowed: {names(others)}{nearest(other, others)}"
                yield draft.error(("tune", name, "when", other), text)


def conditions_can_hold(draft: Draft) -> Iterator[SpecError]:
    """A condition is on values that the other variable takes."""
    for name, domain in draft.spec.tune.items():
        for other, values in domain.when.items():
            path = ("tune", name, "when", other)
            if not values:
                yield draft.error(path, "found an empty list; allowed: at least 1 value")
            if ("tune", other) in draft.broken or ("ablate", other) in draft.broken:
                continue
            if other not in draft.spec.ablate and other not in draft.spec.tune:
                continue
            for index, value in enumerate(values):
                if not _takes(draft, other, value):
                    allowed, options = _allowed(draft, other)
                    yield draft.error((*path, index), found(value, allowed, options))


def _takes(draft: Draft, name: str, value: Value) -> bool:
    if contains(draft.spec.ablate.get(name, ()), value):
        return True
    values = draft.spec.tune[name].values() if name in draft.spec.tune else ()
    return value in values if isinstance(values, range) else contains(values or (), value)


def _allowed(draft: Draft, name: str) -> tuple[str, tuple[Value, ...]]:
    levels = draft.spec.ablate.get(name, ())
    domain = draft.spec.tune.get(name)
    if domain is None:
        return f"levels of ablate.{name}: {names(levels)}", levels
    if isinstance(domain, Integer):
        own = f"integers from {domain.low} to {domain.high} in steps of {domain.step}"
        return f"values of tune.{name}: {own}", levels
    if (values := domain.values()) is None:
        own = f"no single values of tune.{name}, which is continuous"
        return (f"levels of ablate.{name}: {names(levels)}; {own}" if levels else own), levels
    return f"values of {name}: {names((*levels, *values))}", (*levels, *values)


def conditions_have_no_cycle(draft: Draft) -> Iterator[SpecError]:
    """No hyperparameter depends on itself."""
    reported: set[str] = set()
    for name in draft.spec.tune:
        cycle = _cycle(draft, name)
        if cycle and not reported & set(cycle):
            reported |= set(cycle)
            text = f"found a cycle: {' needs '.join((*cycle, name))}; allowed: conditions without a cycle"
            yield draft.error(("tune", name, "when", (*cycle, name)[1]), text)


def _cycle(draft: Draft, start: str) -> tuple[str, ...] | None:
    """The shortest chain of conditions from a hyperparameter back to itself."""
    seen, chains = {start}, deque[tuple[str, ...]]([(start,)])
    while chains:
        chain = chains.popleft()
        domain = draft.spec.tune.get(chain[-1])
        for other in domain.when if domain else ():
            if other == start:
                return chain
            if other not in seen:
                seen.add(other)
                chains.append((*chain, other))
    return None


RULES = (conditions_name_variables, conditions_can_hold, conditions_have_no_cycle)

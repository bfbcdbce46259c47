"""Rules about seeds: those that search are not those of the table."""

from __future__ import annotations

from collections.abc import Iterator

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import SpecError, names, shown


def seeds_of_the_search_are_its_own(draft: Draft) -> Iterator[SpecError]:
    """No seed both searches and is in the table: the network that was chosen is luckier than it will be again."""
    search, table = draft.spec.search.train_seeds, draft.spec.replicate.table
    shared = [seed for seed in table if seed in search]
    if draft.spec.protocol == "paper" or not shared or {("search",), ("replicate",), ("protocol",)} & draft.broken:
        return
    given = "train_seeds" in draft.declared("search")
    path, other = ("search", "train_seeds"), ("replicate", "seeds")
    where = f"({draft.document.place(other)})"
    if not given:
        path, other, where = other, path, "(its default)"
    text = f"found {names(shared)}, also in {'.'.join(other)} {where}; allowed: seeds that are not in both"
    yield draft.error(path, f"{text}, or protocol: paper")


def the_paper_has_no_seeds_for_the_search(draft: Draft) -> Iterator[SpecError]:
    """Under `protocol: paper` the first seed of the table searches."""
    if draft.spec.protocol == "paper" and "train_seeds" in draft.declared("search"):
        found = shown(draft.spec.search.train_seeds)
        text = f"found {found} with protocol: paper, under which the first of replicate.seeds searches"
        yield draft.error(("search", "train_seeds"), f"{text}; allowed: protocol: split, or no train_seeds")


def finalists_have_a_final(draft: Draft) -> Iterator[SpecError]:
    """With `finalists`, several seeds search."""
    spec = draft.spec
    if (
        spec.search.finalists is not None
        and not {("search",), ("protocol",)} & draft.broken
        and len(spec.train_seeds) < 2
    ):
        text = f"found {spec.search.finalists} with one seed that searches; allowed: with several train_seeds"
        yield draft.error(("search", "finalists"), text)


def seeds_are_added_until_something_is_decided(draft: Draft) -> Iterator[SpecError]:
    """`until` and `at_most` go together, there is something to decide, and a first look that can decide it."""
    spec, replicate = draft.spec, draft.spec.replicate
    if ("replicate",) in draft.broken or (replicate.until is None and replicate.at_most is None):
        return
    if replicate.until is None:
        text = f"found {replicate.at_most} without until; allowed: with until: decided"
        yield draft.error(("replicate", "at_most"), text)
        return
    if replicate.at_most is None:
        text = "found decided without at_most; allowed: with the number of seeds that a cell gets at most"
        yield draft.error(("replicate", "until"), text)
    elif replicate.at_most <= len(replicate.seeds):
        text = f"found {replicate.at_most} with {len(replicate.seeds)} seeds to begin with; allowed: more than these"
        yield draft.error(("replicate", "at_most"), text)
    if len(replicate.seeds) < 2:
        text = "found 1 seed to begin with, which decides nothing; allowed: at least 2 seeds with until: decided"
        yield draft.error(("replicate", "seeds"), text)
    if not spec.baseline and spec.compare.pairs is None and not {("baseline",), ("compare",)} & draft.broken:
        text = "found decided, but nothing that is compared; allowed: with baseline or compare.pairs"
        yield draft.error(("replicate", "until"), text)


RULES = (
    seeds_of_the_search_are_its_own,
    the_paper_has_no_seeds_for_the_search,
    finalists_have_a_final,
    seeds_are_added_until_something_is_decided,
)

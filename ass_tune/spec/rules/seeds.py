"""Rules about seeds: those that search are not those of the table."""

from __future__ import annotations

from collections.abc import Iterator

from ass_tune.spec.draft import Draft
from ass_tune.spec.errors import SpecError, names, shown


def seeds_of_the_search_are_its_own(draft: Draft) -> Iterator[SpecError]:
    """No seed both searches and is in the table: the network that was chosen is luckier than it will be again."""
    search, table = draft.spec.search.train_seeds, draft.spec.replicate.seeds
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


RULES = (seeds_of_the_search_are_its_own, the_paper_has_no_seeds_for_the_search)

"""Pairs of data sets that installed packages read: recipes, named by their entry points."""

from __future__ import annotations

from functools import cache

from trainables.domains.recipe import PairRecipe
from trainables.extensions import extensions

GROUP = "ass_tune.pairs"


def added_pairs() -> tuple[str, ...]:
    """Names of the pairs that packages add; imports none."""
    return tuple(extensions(GROUP))


@cache
def added_pair(name: str) -> PairRecipe | None:
    """The pair of a package; None where no package has one of this name. Raises BrokenExtension."""
    if (extension := extensions(GROUP).get(name)) is None:
        return None
    found = extension.load()
    recipe = found() if isinstance(found, type) else found
    if not all(hasattr(recipe, wanted) for wanted in ("classes", "sizes", "describe", "check", "at", "files", "build")):
        raise extension.wanted(found)
    if recipe.name != name:
        raise extension.broken(f"it calls itself {recipe.name}; allowed: the name of the entry point")
    return recipe

"""What installed packages add: found by their entry points, imported only when a study uses it.

A name in a study's file is looked up among what was installed. Nothing is ever imported by a name that a file gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, TypeVar

from trainables.mistakes import UserMistake

GROUPS = {
    "ass_tune.trainables": "a class that extends trainables.trainable.Trainable",
    "ass_tune.adaptors": "a class that extends trainables.ass.adaptor.Adaptor",
    "ass_tune.pairs": "a recipe of a pair of data sets, as trainables.domains.recipe.PairRecipe says",
    "ass_tune.samplers": "an ass_tune.spec.catalogue.SamplerRow",
    "ass_tune.pruners": "an ass_tune.spec.catalogue.PrunerRow",
    "ass_tune.trackers": "a class that extends ass_tune.trial.StudyListener",
}
"""Every extension point, and what its entry points lead to; `docs/extending.md` has an example of each."""
BROKEN = "broken_extension"
"""Type of pydantic's errors that say by themselves what is wrong with a package."""


class BrokenExtension(UserMistake):
    """An extension that a study uses cannot be imported or is not what it should be; the message names the package."""


Base = TypeVar("Base")


@dataclass(frozen=True)
class Extension:
    """One thing that an installed package adds."""

    group: str
    name: str
    package: str
    version: str
    path: str
    """`module:name`, as the package declares it."""
    rivals: tuple[str, ...] = ()
    """Other packages that add something under the same name."""

    def load(self) -> Any:
        """What it is; imports the package. Raises BrokenExtension."""
        if self.rivals:
            others = ", ".join(self.rivals)
            raise self.broken(f"{others} has a '{self.name}' as well; uninstall all but one of them")
        try:
            (found,) = (point for point in entry_points(group=self.group, name=self.name) if point.value == self.path)
            return found.load()
        except (Exception, SystemExit) as error:
            raise self.broken(f"importing {self.path} fails with {type(error).__name__}: {error}") from error

    def load_class(self, base: type[Base]) -> type[Base]:
        """The class that it is, which has to extend another one. Raises BrokenExtension."""
        found = self.load()
        if isinstance(found, type) and issubclass(found, base):
            return found
        raise self.wanted(found)

    def broken(self, reason: str) -> BrokenExtension:
        """The error for it; its reason as one line."""
        what = self.group.removeprefix("ass_tune.").removesuffix("s")
        package = f"package {self.package} {self.version}"
        return BrokenExtension(f"{what} '{self.name}' of {package} cannot be used: {' '.join(reason.split())}")

    def wanted(self, found: object) -> BrokenExtension:
        """The error where the entry point leads to something else."""
        return self.broken(f"{self.path} is {found!r}; allowed: {GROUPS[self.group]}")


@cache
def extensions(group: str) -> Mapping[str, Extension]:
    """What installed packages add to one extension point, by name, in the order of names; imports none of them."""
    found: dict[str, list[Extension]] = {}
    for point in entry_points(group=group):
        name, version = (point.dist.name, point.dist.version) if point.dist else ("unknown", "?")
        found.setdefault(point.name, []).append(Extension(group, point.name, name, version, point.value))
    return {name: _alone(found[name]) for name in sorted(found)}


def _alone(found: list[Extension]) -> Extension:
    """One of several of the same name, which cannot be loaded while there are others of other packages."""
    first, *others = sorted(found, key=lambda extension: extension.package)
    rivals = tuple(dict.fromkeys(other.package for other in others if other.package != first.package))
    return Extension(first.group, first.name, first.package, first.version, first.path, rivals)


def installed() -> Iterator[Extension]:
    """Everything that installed packages add."""
    for group in GROUPS:
        yield from extensions(group).values()

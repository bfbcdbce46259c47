"""What a value of `adaptor` means: the columns of the paper's tables, and those with adaptors of other packages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from trainables.ass.adaptor import Adaptor
from trainables.ass.adaptors import OURS
from trainables.extensions import BrokenExtension, extensions
from trainables.version import code_hash

GROUP = "ass_tune.adaptors"
PAPER = ("oracle", "joint", "ga", "fcsa", "csa", "ga+fcsa", "ga+csa")
"""The columns of Table 1: labeled target images alone, source images too, and these with adaptors."""
JOINT, ORACLE = "joint", "oracle"


@dataclass(frozen=True)
class Adaptation:
    """Data and adaptors of one value of `adaptor`."""

    adaptors: Mapping[str, type[Adaptor]]
    source: bool = True
    """Source images are trained on (Eq 9, first term)."""

    @property
    def unlabeled(self) -> bool:
        """Unlabeled target images are trained on."""
        return any(adaptor.UNLABELED for adaptor in self.adaptors.values())

    @property
    def with_gradient(self) -> bool:
        """A loss of unlabeled target images moves G."""
        return any(adaptor.UNLABELED == "with gradient" for adaptor in self.adaptors.values())


def known() -> list[str]:
    """Values of `adaptor` to choose from: the paper's, and with each adaptor of another package. Imports none."""
    added = [name for name in extensions(GROUP) if name not in OURS]
    return [*PAPER, *(f"{before}{name}" for name in added for before in ("", *(f"{ours}+" for ours in PAPER[2:])))]


def is_known(value: str) -> bool:
    """Whether every name of a combination is that of an adaptor, each once and in order; imports none."""
    names = value.split("+")
    order = [*OURS, *(name for name in extensions(GROUP) if name not in OURS)]
    places = [order.index(name) for name in names if name in order]
    return value in (JOINT, ORACLE) or (len(places) == len(names) and places == sorted(set(places)))


@cache
def adaptation(value: str) -> Adaptation:
    """What a value of `adaptor` means. Raises KeyError for an unknown one, and BrokenExtension."""
    if not is_known(value):
        raise KeyError(value)
    if value in (JOINT, ORACLE):
        return Adaptation({}, source=value == JOINT)
    found: dict[str, type[Adaptor]] = {}
    for name in value.split("+"):
        found[name] = OURS[name] if name in OURS else extensions(GROUP)[name].load_class(Adaptor)
    return Adaptation(found)


def broken_adaptor(name: str, reason: str) -> BrokenExtension:
    """The error for an adaptor of another package."""
    return extensions(GROUP)[name].broken(reason)


def clash(value: str) -> str | None:
    """Why the adaptors of a known value cannot be combined; None where they can."""
    owners: dict[str, str] = {}
    for name, adaptor in adaptation(value).adaptors.items():
        fields = {*adaptor.FIELDS, *(adaptor.Settings.model_fields if adaptor.Settings else ())}
        for field in sorted(fields & owners.keys()):
            return f"{owners[field]} and {name} are two forms of one module: both set {field}"
        owners |= dict.fromkeys(fields, name)
    return None


def added(values: Iterable[Any]) -> dict[str, type[Adaptor]]:
    """The adaptors of other packages in values of `adaptor`; unknown values have none. Raises BrokenExtension."""
    known_ones = (adaptation(value).adaptors for value in values if isinstance(value, str) and is_known(value))
    return {name: adaptor for adaptors in known_ones for name, adaptor in adaptors.items() if name not in OURS}


def code_of(adaptors: Mapping[str, type[Adaptor]]) -> dict[str, str]:
    """Hash of the declared modules of each adaptor of another package."""
    return {name: code_hash({adaptor.__module__, *adaptor.DECIDES}) for name, adaptor in adaptors.items()}

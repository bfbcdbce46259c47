"""What a value of `adaptor` means: the columns of the paper's tables, their rivals, and adaptors of other packages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from trainables.ass.adaptor import Adaptor
from trainables.ass.adaptors import ConvolutionalAdaptor, FullyConnectedAdaptor, GlobalAdaptor
from trainables.ass.mean_teacher import MeanTeacher
from trainables.extensions import BrokenExtension, extensions
from trainables.version import code_hash

GROUP = "ass_tune.adaptors"
PAPER = ("oracle", "joint", "ga", "fcsa", "csa", "ga+fcsa", "ga+csa")
"""The columns of Table 1: labeled target images alone, source images too, and these with adaptors."""
JOINT, ORACLE, FINETUNE = "joint", "oracle", "finetune"
"""The ways to use labels without adaptors: both domains in every step, the target alone, one after the other."""
OURS: Mapping[str, type[Adaptor]] = {
    "ga": GlobalAdaptor,
    "fcsa": FullyConnectedAdaptor,
    "csa": ConvolutionalAdaptor,
    "mean_teacher": MeanTeacher,
}
"""In the order in which names are combined, e.g. `ga+csa`."""


@dataclass(frozen=True)
class Adaptation:
    """Data and adaptors of one value of `adaptor`."""

    adaptors: Mapping[str, type[Adaptor]]
    source: bool = True
    """Source images are trained on (Eq 9, first term)."""
    in_turn: bool = False
    """Source images are trained on first, and labeled target images after them; else both in every step."""

    def trains_on_source(self, iteration: int, source_iterations: int) -> bool:
        """Whether a step has source images, where those of the first `source_iterations` steps come first."""
        return self.source and not (self.in_turn and iteration >= source_iterations)

    def trains_on_labeled(self, iteration: int, source_iterations: int) -> bool:
        """Whether a step has labeled target images, if there are any."""
        return not (self.in_turn and iteration < source_iterations)

    @property
    def unlabeled(self) -> bool:
        """Unlabeled target images are trained on."""
        return any(adaptor.UNLABELED for adaptor in self.adaptors.values())

    @property
    def with_gradient(self) -> bool:
        """A loss of unlabeled target images moves G."""
        return any(adaptor.UNLABELED == "with gradient" for adaptor in self.adaptors.values())


def known() -> list[str]:
    """Values of `adaptor` to choose from: the paper's, and with each other adaptor, also of packages. Imports none."""
    others = [name for name in order() if name not in PAPER]
    beside = ("", *(f"{ours}+" for ours in PAPER[2:]))
    return [*PAPER, FINETUNE, *(f"{before}{name}" for name in others for before in beside)]


def order() -> list[str]:
    """Names of all adaptors in the order in which they are combined: ours first, then those of packages by name."""
    return [*OURS, *(name for name in extensions(GROUP) if name not in OURS)]


def is_known(value: str) -> bool:
    """Whether every name of a combination is that of an adaptor, each once and in order; imports none."""
    names, ordered = value.split("+"), order()
    places = [ordered.index(name) for name in names if name in ordered]
    return value in (JOINT, ORACLE, FINETUNE) or (len(places) == len(names) and places == sorted(set(places)))


@cache
def adaptation(value: str) -> Adaptation:
    """What a value of `adaptor` means. Raises KeyError for an unknown one, and BrokenExtension."""
    if not is_known(value):
        raise KeyError(value)
    if value in (JOINT, ORACLE, FINETUNE):
        return Adaptation({}, source=value != ORACLE, in_turn=value == FINETUNE)
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

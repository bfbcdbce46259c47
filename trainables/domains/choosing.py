"""Which images of a target are in which of its sets: named, counted from an end, or shared out by their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import blake2b
from itertools import accumulate, combinations

from trainables.domains.listing import FileNames
from trainables.domains.missing import some
from trainables.domains.pair_file import Selection, Target, TargetSet


@dataclass(frozen=True)
class Listed:
    """An image with its label map: their files relative to the data root, its name, and its sequence or nothing."""

    files: FileNames
    name: str
    sequence: str = ""


Chosen = dict[str, Sequence[Listed]]
"""Images by set: `train`, `select` and `report`."""


def chosen_from(images: Sequence[Listed], rule: Selection) -> list[Listed]:
    """The images whose names and sequences a rule names; all where it names none."""
    return [
        image
        for image in images
        if (rule.names is None or fnmatchcase(image.name, rule.names))
        and (rule.sequences is None or image.sequence in rule.sequences)
    ]


def choose(target: Target, groups: Mapping[str, Sequence[Listed]]) -> Chosen:
    """The images of each set, out of those of each list and split.

    First come the sets that name their images, then the shares of what is left, and last the set that has the rest.
    What is chosen out of the training images comes at their end.
    """
    own = {name: rule for name, rule in target.sets.items() if not _of_train(rule)}
    chosen: Chosen = {name: _named(own, name, groups) for name, rule in own.items() if _names(rule)}
    taken = {image.files for images in chosen.values() for image in images}
    for group in dict.fromkeys(rule.group for rule in own.values()):
        left = [image for image in groups[group] if image.files not in taken]
        shares = {name: rule.share for name, rule in own.items() if rule.group == group and rule.share is not None}
        shared = share_out(left, shares)
        chosen |= shared
        gone = {image.files for images in shared.values() for image in images}
        rest = [name for name, rule in own.items() if rule.group == group and name not in chosen]
        chosen |= {name: [image for image in left if image.files not in gone] for name in rest}
    if _of_train(target.select):
        chosen["select"] = _out_of_train(target.select, chosen["train"])
        held_out = {image.files for image in chosen["select"]}
        train = [image for image in chosen["train"] if image.files not in held_out]
        chosen["train"] = [*train, *chosen["select"]]
    return chosen


def share_out(images: Sequence[Listed], shares: Mapping[str, float]) -> Chosen:
    """Divide images into shares: by a hash of their names, or of their sequences, which stay whole.

    Neither the order of the files nor what else a data root has decides on which side an image with no sequence is,
    up to those at the border between two shares.
    """
    units = sorted({_unit(image) for image in images}, key=_place)
    ends = list(zip(shares, accumulate(shares.values()), strict=True))
    side = {
        unit: next((name for name, end in ends if (place + 0.5) / len(units) <= end), None)
        for place, unit in enumerate(units)
    }
    return {name: [image for image in images if side.get(_unit(image)) == name] for name in shares}


def overlaps(target: Target, chosen: Mapping[str, Sequence[Listed]]) -> list[str]:
    """Images, and sequences unless sets may share them, that are in two sets, a line for each two sets."""
    problems = []
    for one, other in combinations(chosen, 2):
        if _of_train(target.select) and {one, other} == {"train", "select"}:
            continue
        both = {image.files for image in chosen[one]} & {image.files for image in chosen[other]}
        if both:
            names = some(sorted(image.name for image in chosen[one] if image.files in both))
            problems.append(f"{len(both)} images are in {one} and in {other}: {names}")
        elif not target.shared_sequences and (sequences := _sequences(chosen[one]) & _sequences(chosen[other])):
            problems.append(
                f"sequences with images in {one} and in {other}: {some(sorted(sequences))}; images of one sequence are "
                "no independent test, and `shared_sequences: true` allows it"
            )
    return problems


def _names(rule: TargetSet) -> bool:
    return bool(rule.list or rule.names or rule.sequences or rule.part)


def _of_train(rule: TargetSet) -> bool:
    return getattr(rule, "of", None) == "train"


def _named(own: Mapping[str, TargetSet], name: str, groups: Mapping[str, Sequence[Listed]]) -> list[Listed]:
    rule = own[name]
    images = chosen_from(groups[rule.group], rule)
    if rule.stretch is None:
        return images
    end, some_of, out_of = rule.stretch
    count = max(1, len(images) * some_of // out_of)
    if end == "last":
        return images[max(0, len(images) - count) :]
    others = (other.stretch for key, other in own.items() if key != name and other.group == rule.group)
    behind = sum(max(1, len(images) * some // all_) for last, some, all_ in filter(None, others) if last == "last")
    return images[: min(count, max(0, len(images) - behind))]


def _out_of_train(rule: TargetSet, train: Sequence[Listed]) -> list[Listed]:
    """At least one image is left to train on."""
    images = chosen_from(train, rule)
    if rule.share is not None:
        return list(share_out(images, {"select": rule.share})["select"])
    if rule.stretch is None:
        return images
    end, some_of, out_of = rule.stretch
    count = min(max(1, len(images) * some_of // out_of), max(0, len(images) - 1))
    return images[:count] if end == "first" else images[len(images) - count :]


def _unit(image: Listed) -> str:
    return image.sequence or image.name


def _place(unit: str) -> tuple[bytes, str]:
    return blake2b(unit.encode("utf-8", "surrogateescape"), digest_size=8).digest(), unit


def _sequences(images: Iterable[Listed]) -> set[str]:
    return {image.sequence for image in images if image.sequence}

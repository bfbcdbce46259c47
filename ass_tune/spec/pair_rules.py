"""Rules for a well-formed pair file. A rule takes the draft and yields a record for every mistake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ass_tune.spec.document import Document
from ass_tune.spec.errors import Path, SpecError, found, names, shown
from trainables.domains.pair_file import Images, Selection, Source, Target, TargetSet
from trainables.domains.patterns import SEQUENCE, SPLIT, placeholders
from trainables.domains.readers import READERS
from trainables.mistakes import nearest

MOST_COLORS = 254
"""A colour becomes a byte, and one byte stands for all others."""


@dataclass(frozen=True)
class PairDraft:
    """A pair file on its way: its well-formed parts; None for those that are missing or broken."""

    document: Document
    source: Source | None = None
    target: Target | None = None
    resample_by: str | None = None

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Names as they stand in the file, those with broken colours included; None where there is no list of them."""
        written = self.document.values.get("classes")
        if not isinstance(written, dict | list) or not all(isinstance(name, str) for name in written):
            return None
        return tuple(written)

    @property
    def domains(self) -> dict[str, Images]:
        """The well-formed ones of source and target."""
        both = {"source": self.source, "target": self.target}
        return {name: images for name, images in both.items() if images is not None}

    @property
    def target_sets(self) -> Mapping[str, TargetSet]:
        """By name."""
        return {} if self.target is None else self.target.sets

    def written(self, path: Path) -> bool:
        """Whether the file has something at a path, well formed or not."""
        try:
            self.document.value(path)
        except (KeyError, IndexError, TypeError):
            return False
        return True

    def error(self, path: Path, text: str) -> SpecError:
        """A mistake at a path of the file."""
        return self.document.error(path, text)


Rule = Callable[[PairDraft], Iterator[SpecError]]


def ids_or_colors(draft: PairDraft) -> Iterator[SpecError]:
    """A label map holds one of the two, and every known reader opens it."""
    for name, images in draft.domains.items():
        written = [kind for kind in ("ids", "colors") if draft.written((name, kind))]
        if not written:
            yield draft.error(
                (name,), "missing ids or colors; allowed: one of the two, with what stands for each class"
            )
        elif len(written) == 2:
            yield draft.error((name, "colors"), "found also ids; allowed: one of the two")
        if images.reader not in READERS:
            yield draft.error((name, "reader"), found(images.reader, names(READERS), READERS))


def known_classes(draft: PairDraft) -> Iterator[SpecError]:
    """Every class has something that stands for it in both domains, and nothing else has."""
    if draft.classes is None:
        return
    for name, images in draft.domains.items():
        for kind in ("ids", "colors"):
            if (meanings := getattr(images, kind)) is None:
                continue
            for of_class in meanings:
                if of_class not in draft.classes:
                    text = f"unknown class; allowed: {names(draft.classes)}{nearest(of_class, draft.classes)}"
                    yield draft.error((name, kind, of_class), text)
            written = draft.document.value((name, kind))
            if absent := [of_class for of_class in draft.classes if of_class not in written]:
                yield draft.error((name, kind), f"missing {names(absent)}; allowed: {kind} of every class")


def one_class_for_a_label(draft: PairDraft) -> Iterator[SpecError]:
    """No id and no colour stands for two classes, or for one and for what is ignored."""
    for name, images in draft.domains.items():
        for kind in ("ids", "colors"):
            first: dict[Any, str] = {}
            for of_class, labels in (getattr(images, kind) or {}).items():
                for label in labels:
                    if label in first:
                        text = f"found {shown(label)} also under {first[label]}; allowed: one class for each"
                        yield draft.error((name, kind, of_class), text)
                    first.setdefault(label, of_class)
            if kind == "colors" and len(first) > MOST_COLORS:
                yield draft.error((name, kind), f"found {len(first)} colours; allowed: at most {MOST_COLORS}")
            for label in images.ignored if images.ignored != "rest" and first else ():
                if label in first:
                    text = f"found {shown(label)} also under {kind}.{first[label]}; allowed: one of the two"
                    yield draft.error((name, "ignored"), text)
                elif isinstance(label, int) != (kind == "ids"):
                    allowed = "ids from 0 to 255" if kind == "ids" else "colours such as [0, 0, 0] or '#000000'"
                    yield draft.error((name, "ignored"), f"found {shown(label)}; allowed: rest, or {allowed}")


def label_maps_belong_to_images(draft: PairDraft) -> Iterator[SpecError]:
    """The two patterns have the same placeholders, and are not the same files."""
    for name, images in draft.domains.items():
        of_images, of_labels = placeholders(images.images), placeholders(images.labels)
        if of_images != of_labels:
            text = f"found {names(sorted(of_labels))}; allowed: the placeholders of images ({names(sorted(of_images))})"
            yield draft.error((name, "labels"), text)
        elif images.images == images.labels:
            yield draft.error((name, "labels"), "found the pattern of images; allowed: another one")


def splits_are_said(draft: PairDraft) -> Iterator[SpecError]:
    """`{split}` stands for something in every set of the target, and only there."""
    if draft.source is not None and SPLIT in draft.source.images:
        text = f"found {SPLIT}, which only sets of the target have; allowed: the name of the split itself"
        yield draft.error(("source", "images"), text)
    if draft.target is None:
        return
    has_splits = SPLIT in draft.target.images
    for name, rule in draft.target_sets.items():
        path = ("target", name)
        if has_splits and rule.split is None and not _of_train(rule):
            yield draft.error(path, f"missing split, since images has {SPLIT}; allowed: split: NAME")
        elif not has_splits and rule.split is not None:
            yield draft.error((*path, "split"), f"found {shown(rule.split)}, but images has no {SPLIT}; allowed: none")
    published = draft.target.published
    if has_splits and isinstance(published, int):
        yield draft.error(("target", "published"), f"found {published}; allowed: a number for each split")
    known = list(dict.fromkeys(rule.split for rule in draft.target_sets.values() if rule.split))
    for split in published if isinstance(published, dict) else ():
        if split not in known:
            yield draft.error(("target", "published", split), f"unknown split; allowed: {names(known)}")


def sequences_are_known(draft: PairDraft) -> Iterator[SpecError]:
    """Who asks for sequences says where in the names they are."""
    allowed = f"allowed: {SEQUENCE} in images and labels"
    selections: list[tuple[Path, Selection, Images]] = []
    if draft.source is not None:
        selections.append((("source",), draft.source, draft.source))
    if draft.target is not None:
        selections += [(("target", name), rule, draft.target) for name, rule in draft.target_sets.items()]
    for path, rule, images in selections:
        if rule.sequences and SEQUENCE not in images.images:
            yield draft.error((*path, "sequences"), f"found sequences, but images has no {SEQUENCE}; {allowed}")
    if draft.resample_by == "sequence" and draft.target is not None and SEQUENCE not in draft.target.images:
        yield draft.error(("resample_by",), f"found 'sequence', but the target's images has no {SEQUENCE}; {allowed}")


def one_way_to_choose(draft: PairDraft) -> Iterator[SpecError]:
    """A set is named, counted or shared out, and what is taken out of the training images says which of them."""
    for name, rule in draft.target_sets.items():
        path = ("target", name)
        ways = [way for way in ("list", "names", "sequences", "part", "share") if getattr(rule, way) is not None]
        if "share" in ways and len(ways) > 1:
            yield draft.error((*path, "share"), f"found also {names(ways[:-1])}; allowed: share alone")
        if _of_train(rule) and not ways:
            yield draft.error(
                (*path, "of"), "found nothing that says which; allowed: also share, part, names or sequences"
            )
        for other in ("split", "list") if _of_train(rule) else ():
            if getattr(rule, other) is not None:
                yield draft.error(
                    (*path, other), "found also of: train, whose images these are; allowed: one of the two"
                )


def sets_differ(draft: PairDraft) -> Iterator[SpecError]:
    """At most one set has the rest, shares are no more than all, and parts do not overlap."""
    own = {name: rule for name, rule in draft.target_sets.items() if not _of_train(rule)}
    for group in dict.fromkeys(rule.group for rule in own.values()):
        rules = {name: rule for name, rule in own.items() if rule.group == group}
        whole = [name for name, rule in rules.items() if _says_nothing(rule) or _only_list(rule)]
        for name in whole[1:]:
            text = (
                f"found the same images as in {whole[0]}; allowed: share, part, names, sequences, list or another split"
            )
            yield draft.error(("target", name), text)
        shares = {name: rule.share for name, rule in rules.items() if rule.share is not None}
        total = sum(shares.values())
        if total > 1 + 1e-9:
            last = list(shares)[-1]
            yield draft.error(("target", last, "share"), f"found shares of {total:g} in sum; allowed: at most 1")
        elif shares and whole and total > 1 - 1e-9:
            yield draft.error(("target", whole[0]), "found nothing that the shares leave; allowed: a share")
        yield from _overlapping_parts(draft, rules)


def _overlapping_parts(draft: PairDraft, rules: Mapping[str, TargetSet]) -> Iterator[SpecError]:
    parts = {name: rule.stretch for name, rule in rules.items() if rule.stretch}
    ends = Counter(end for end, _, _ in parts.values())
    total = sum(some / out_of for _, some, out_of in parts.values())
    if parts and (max(ends.values()) > 1 or total > 1 + 1e-9):
        last = list(parts)[-1]
        text = f"found {shown(rules[last].part)}, which overlaps with {names(list(parts)[:-1])}"
        yield draft.error(("target", last, "part"), f"{text}; allowed: other images")


def something_is_left(draft: PairDraft) -> Iterator[SpecError]:
    """Boxes hold pixels, and those of crops are not all ignored."""
    for name, images in draft.domains.items():
        boxes = [((name, "crop"), images.crop)] if images.crop else []
        boxes += [((name, "ignored_regions", place), box) for place, box in enumerate(images.ignored_regions)]
        for path, box in boxes:
            for first, last in (("left", "right"), ("top", "bottom")):
                begin, end = getattr(box, first), getattr(box, last)
                if end is not None and end <= begin:
                    yield draft.error((*path, last), f"found {end}, but {first} is {begin}; allowed: more than {first}")
            if path[1] == "ignored_regions" and box == type(box)():
                yield draft.error(path, "found the whole picture; allowed: a part of it, e.g. {top: 314}")


def _of_train(rule: TargetSet) -> bool:
    return getattr(rule, "of", None) == "train"


def _says_nothing(rule: TargetSet) -> bool:
    return not any((rule.list, rule.names, rule.sequences, rule.part, rule.share))


def _only_list(rule: TargetSet) -> bool:
    return bool(rule.list) and not any((rule.names, rule.sequences, rule.part, rule.share))


RULES: tuple[Rule, ...] = (
    ids_or_colors,
    known_classes,
    one_class_for_a_label,
    label_maps_belong_to_images,
    splits_are_said,
    sequences_are_known,
    one_way_to_choose,
    sets_differ,
    something_is_left,
)


def mistakes(draft: PairDraft) -> list[SpecError]:
    """The mistakes of content in the parts that are well formed."""
    return [error for rule in RULES for error in rule(draft)]

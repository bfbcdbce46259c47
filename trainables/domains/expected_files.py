"""The files that a pair is read from, in words."""

from __future__ import annotations

from collections.abc import Iterator

from trainables.domains.pair_file import Images, PairFile
from trainables.domains.patterns import SPLIT


def expected_files(pair: PairFile) -> str:
    """The patterns of a pair's images and label maps, and the lists, with what they hold, a line each."""
    lines = [*_of_source(pair), *_of_target(pair)]
    width = max(len(where) for where, _ in lines) + 2
    return "\n".join(f"  {where:<{width}}{what}" for where, what in lines)


def _of_source(pair: PairFile) -> Iterator[tuple[str, str]]:
    source = pair.source
    if source.list:
        yield source.list, "names of images"
    yield source.images, _images(source, source.published)
    yield source.labels, _label_maps(source)


def _of_target(pair: PairFile) -> Iterator[tuple[str, str]]:
    target = pair.target
    yield from dict.fromkeys((rule.list, "names of images") for rule in target.sets.values() if rule.list)
    for split in dict.fromkeys(rule.split for rule in target.sets.values() if rule.split or SPLIT not in target.images):
        published = target.published_groups.get(split or target.train.group)
        yield target.images.replace(SPLIT, split or ""), _images(target, published)
        yield target.labels.replace(SPLIT, split or ""), _label_maps(target)


def _images(domain: Images, published: int | None) -> str:
    size = "{}x{}".format(*domain.image_size) if domain.image_size else ""
    return ", ".join(filter(None, (f"{published} images" if published else "images", size)))


def _label_maps(domain: Images) -> str:
    if domain.colors is not None:
        return f"their label maps, pictures in {sum(map(len, domain.colors.values()))} colours or more"
    known = [label for ids in (domain.ids or {}).values() for label in ids]
    known += [label for label in domain.ignored if isinstance(label, int)] if domain.ignored != "rest" else []
    return f"their label maps, ids {min(known)} to {max(known)}"

"""What the pairs of real data make of their files, in a form that can be kept: rules, and digests of what is read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

EVERY = 20
"""Of each set of real data, the images that are read."""


def rules_of(recipe: Any) -> dict[str, Any]:
    """Everything that decides pixels, as JSON values."""
    sets = {}
    for name in ("source", "target_train", "target_select", "target_report"):
        rule = recipe.rule(name)
        sets[name] = {
            "ids": {str(label): index for label, index in sorted(rule.ids.items())},
            "size": list(rule.size),
            "label_size": list(rule.label_size or rule.size),
            "image_size": list(rule.published_size) if rule.published_size else None,
            "resampling": rule.resampling.name,
        }
    names, colors = recipe.classes.names, recipe.classes.colors
    return {
        "classes": {name: list(color) for name, color in zip(names, colors, strict=True)},
        "sizes": dict(recipe.sizes),
        "held_out": recipe.held_out,
        "resample_by": recipe.resample_by,
        "sets": sets,
    }


def pixels_of(recipe: Any, data_root: Path) -> dict[str, str]:
    """A digest of files, names, images and label maps, by set; reads every 20th image."""
    found = recipe.at(data_root)
    digests = {}
    for name in ("source", "target_train", "target_select", "target_report"):
        digest = hashlib.sha256("\n".join(found.files(name, data_root)).encode())
        for row in range(0, found.sizes[name], EVERY):
            content = found.build(name, data_root, range(row, row + 1))
            digest.update(content.names[0].encode() + content.images.tobytes() + content.labels.tobytes())
        digests[name] = digest.hexdigest()[:16]
    return digests

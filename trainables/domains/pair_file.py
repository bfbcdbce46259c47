"""What a pair file says: where images and label maps lie, what their ids or colours mean, and how sets are divided."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

from trainables.domains.pair_values import (
    LARGEST,
    PART,
    Classes,
    ClassName,
    Colors,
    FileName,
    Ids,
    Ignored,
    Name,
    Names,
    PatternText,
    Size,
    Stretch,
)


class Part(BaseModel):
    """A part of the file: no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Box(Part):
    """A rectangle of a file's pixels; sides that are left out are the edges of the picture."""

    left: int = Field(default=0, ge=0, le=LARGEST, description="First column")
    top: int = Field(default=0, ge=0, le=LARGEST, description="First row")
    right: int | None = Field(default=None, ge=1, le=LARGEST, description="Column after the last one")
    bottom: int | None = Field(default=None, ge=1, le=LARGEST, description="Row after the last one")

    def within(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom inside a picture of a size."""
        right, bottom = (min(end or most, most) for end, most in ((self.right, width), (self.bottom, height)))
        return min(self.left, right), min(self.top, bottom), right, bottom


class Images(Part):
    """Images with their label maps, and what these mean."""

    images: PatternText = Field(
        description="Image files below the data root, e.g. airsim/{sequence}/images/{stem}. An image and its label map "
        "have {stem} in common; {sequence} is the drive or video that it is from; * is any text without a slash. "
        "Without an ending such as .png all usual ones are taken"
    )
    labels: PatternText = Field(description="Label maps, with the placeholders of `images`")
    reader: str = Field(default="pictures", description="What opens the files; the usual formats need no other")
    ids: dict[ClassName, Ids] | None = Field(
        default=None, description="Of label maps with a number in each pixel: for each class its ids, one or several"
    )
    colors: dict[ClassName, Colors] | None = Field(
        default=None, description="Of label maps that are pictures: for each class its colours, one or several"
    )
    ignored: Literal["rest"] | Ignored = Field(
        default="rest",
        description="What no class has counts nowhere: the rest, or a list of ids or colours, and then every other one "
        "is an error",
    )
    size: Size = Field(description="Width and height at which images are trained on")
    crop: Box | None = Field(default=None, description="The part of each picture that is used, in its own pixels")
    ignored_regions: Annotated[tuple[Box, ...], Strict(False)] = Field(
        default=(), description="Parts of each picture whose labels count nowhere, such as the bonnet of the own car"
    )
    image_size: Size | None = Field(
        default=None, description="Width and height that every image has to have; by default any"
    )
    resize: Literal["bilinear", "bicubic"] = Field(
        default="bilinear", description="How images are resized; labels are never mixed"
    )
    other_label_size: Annotated[tuple[str, ...], Strict(False)] = Field(
        default=(),
        description="Names of images, with *, ? and [0-9], whose label maps have another size than they have; of "
        "all others that is an error",
    )


class Selection(Part):
    """Which of some images a set has; all where nothing is said."""

    list: FileName | None = Field(
        default=None,
        description="Text file below the data root that names them, one a line; behind an image a line may name its "
        "label map",
    )
    names: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="Only those whose names are like this, with *, ? and [0-9]",
    )
    sequences: Names | None = Field(default=None, description="Only those of these values of {sequence}")


class Source(Images, Selection):
    """The labeled images of the source domain."""

    published: int | None = Field(
        default=None, ge=1, description="How many images were published; a difference is noted"
    )


class TargetSet(Selection):
    """The images of one set of the target; what no other set has, where nothing is said."""

    split: Annotated[str, Field(pattern=r"^[^/{}*?\\]+$", max_length=100)] | None = Field(
        default=None, description="What {split} stands for in the patterns"
    )
    share: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Share of the images that no other set names; drawn by name, and in whole sequences",
    )
    part: Stretch | None = Field(
        default=None,
        description="first N of M, or last N of M: that share of the images in the order of their names",
    )

    @property
    def group(self) -> str:
        """The images that it is chosen from: those of a list or of a split, or all of the target."""
        return self.list or self.split or "target"

    @property
    def stretch(self) -> tuple[str, int, int] | None:
        """Which end, how many, and out of how many."""
        match = PART.fullmatch(self.part or "")
        return (match[1], int(match[2]), int(match[3])) if match else None


class SelectSet(TargetSet):
    """The images that choose configurations."""

    of: Literal["train"] | None = Field(
        default=None,
        description="train: out of the training images, which then train under `protocol: paper` only",
    )


class Target(Images):
    """The images of the target domain in three sets."""

    judged_size: Size | None = Field(
        default=None, description="Width and height of the labels that mIoU is measured on; by default `size`"
    )
    published: Annotated[int, Field(ge=1)] | dict[str, Annotated[int, Field(ge=1)]] | None = Field(
        default=None, description="How many images were published, by {split} where there is one; a difference is noted"
    )
    shared_sequences: bool = Field(
        default=False, description="Two sets may have images of one sequence, which are no independent test"
    )
    train: TargetSet = Field(description="Images that are trained on; the first N get labels")
    select: SelectSet = Field(description="Images that choose configurations and prune")
    report: TargetSet = Field(description="Images whose mIoU goes into the table")

    @property
    def sets(self) -> Mapping[str, TargetSet]:
        """By name."""
        return {"train": self.train, "select": self.select, "report": self.report}

    @property
    def published_groups(self) -> Mapping[str, int]:
        """How many images the splits had; those that are not known are left out."""
        if self.published is None or isinstance(self.published, dict):
            return self.published or {}
        return {self.train.group: self.published}


class PairFile(Part):
    """A domain pair: two data sets with the classes that they share."""

    extends: str | None = Field(default=None, description="Base file, relative to this one; this file is laid on it")
    pair: Name = Field(description="Name of the pair: letters, digits, '.', '_' and '-'")
    classes: Classes = Field(
        description="Classes in the order of tables: a list of names, or for each name its colour in pictures"
    )
    source: Source = Field(description="Labeled images of the source domain")
    target: Target = Field(description="Images of the target domain, and which of them train, select and report")
    resample_by: Literal["image", "block", "sequence"] = Field(
        description="What images of the report set are resampled by for intervals. image: they are independent of each "
        "other; block: neighbours are not, as in a video; sequence: those of one sequence are not"
    )

    def meaning(self) -> dict[str, Any]:
        """All that decides an outcome, as JSON values: colours of pictures and published numbers do not."""
        values = self.model_dump(mode="json", exclude={"extends": True, "classes": True}, exclude_defaults=True)
        for domain in ("source", "target"):
            values[domain].pop("published", None)
        return {**values, "classes": list(self.classes)}

    def digest(self) -> str:
        """8 hexadecimal digits of what decides an outcome."""
        text = json.dumps(self.meaning(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:8]

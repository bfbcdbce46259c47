"""The values of a pair file: colours, ids, sizes, patterns and parts, each with what its writer is told."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from trainables.domains.patterns import mistake_in

LARGEST = 16_384
"""Width and height in pixels that no size may exceed."""
LABEL_IDS = 256
"""A label map has an id in a byte."""
Color = tuple[int, int, int]
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
PART = re.compile(r"(first|last) ([1-9][0-9]{0,8}) of ([1-9][0-9]{0,8})")


def _color(value: Any) -> Any:
    """`#rrggbb`, or red, green and blue."""
    if isinstance(value, str) and _HEX.fullmatch(value):
        return tuple(bytes.fromhex(value[1:]))
    if _is_color(value):
        return tuple(value)
    raise PydanticCustomError("color", "a colour: [red, green, blue] from 0 to 255, or '#rrggbb'")


def _is_color(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 3:
        return False
    return all(type(part) is int and 0 <= part <= 255 for part in value)


def _several(value: Any) -> Any:
    """One of something as a list of one."""
    items = value if isinstance(value, list | tuple) else ()
    single = not any(isinstance(item, str | list | tuple) for item in items) and value != []
    return (value,) if single else _one_or_more(value)


def _one_or_more(value: Any) -> Any:
    if value in ([], ()):
        raise PydanticCustomError("empty", "at least one value")
    return value if isinstance(value, list | tuple) else (value,)


def _named_colors(value: Any) -> Any:
    """Classes without colours get some of their own, in the order of their names."""
    if not isinstance(value, list | tuple):
        return value
    names = list(value)
    if not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise PydanticCustomError("class_names", "names of classes, each of them once")
    return {name: _drawn_color(place) for place, name in enumerate(names)}


def _drawn_color(place: int) -> Color:
    """Colours that are easily told apart from their neighbours in the list: bits of the place, as in PASCAL VOC."""
    red = green = blue = 0
    rest = place + 1
    for shift in range(7, -1, -1):
        red, green, blue = (value | ((rest >> bit & 1) << shift) for value, bit in ((red, 0), (green, 1), (blue, 2)))
        rest >>= 3
    return red, green, blue


def _size(value: Any) -> Any:
    pair = isinstance(value, list | tuple) and len(value) == 2
    if not pair or not all(type(side) is int and 1 <= side <= LARGEST for side in value):
        raise PydanticCustomError("size", "width and height in pixels, e.g. [640, 360]")
    return tuple(value)


def _pattern(text: str) -> str:
    if wrong := mistake_in(text):
        raise PydanticCustomError("pattern", "{allowed}", {"allowed": wrong})
    return text


def _inside(text: str) -> str:
    parts = text.split("/")
    if not text or text.startswith("/") or "\\" in text or {"", ".", ".."} & set(parts):
        raise PydanticCustomError("inside", "a file below the data root, such as airsim/train.txt")
    return text


def _part(text: str) -> str:
    match = PART.fullmatch(text)
    if not match or int(match[2]) > int(match[3]):
        raise PydanticCustomError("part", "first N of M or last N of M, with N at most M")
    return text


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=60)]
ClassName = Annotated[str, Field(min_length=1, max_length=60)]
RGB = Annotated[
    Color,
    Strict(False),
    BeforeValidator(_color, json_schema_input_type=Annotated[str, Field(pattern=_HEX.pattern)] | Color),
]
LabelId = Annotated[int, Field(ge=0, lt=LABEL_IDS)]
Ids = Annotated[
    tuple[LabelId, ...],
    Strict(False),
    BeforeValidator(_one_or_more, json_schema_input_type=LabelId | list[LabelId]),
]
Colors = Annotated[
    tuple[RGB, ...],
    Strict(False),
    BeforeValidator(_several, json_schema_input_type=RGB | list[RGB]),
]
Ignored = Annotated[
    tuple[LabelId | RGB, ...],
    Strict(False),
    BeforeValidator(_one_or_more, json_schema_input_type=LabelId | list[LabelId | RGB]),
]
Pixels = Annotated[int, Field(ge=1, le=LARGEST)]
Size = Annotated[tuple[int, int], Strict(False), BeforeValidator(_size, json_schema_input_type=tuple[Pixels, Pixels])]
"""Width and height."""
Names = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...],
    Strict(False),
    BeforeValidator(_one_or_more, json_schema_input_type=str | list[str]),
]
PatternText = Annotated[str, Field(max_length=300), AfterValidator(_pattern)]
FileName = Annotated[str, Field(max_length=300), AfterValidator(_inside)]
Stretch = Annotated[str, AfterValidator(_part)]
"""A share of images from one end, such as `first 45 of 101`."""
Classes = Annotated[
    dict[ClassName, RGB],
    Field(min_length=2, max_length=200),
    BeforeValidator(_named_colors, json_schema_input_type=dict[ClassName, RGB] | list[ClassName]),
]

"""The pairs of the paper's Tables 1 to 3: GTA5 -> Cityscapes and SYNTHIA -> Cityscapes."""

from __future__ import annotations

from trainables.domains.cityscapes import CITYSCAPES
from trainables.domains.gta5 import GTA5
from trainables.domains.synthia import SIXTEEN_CLASSES, SYNTHIA, THIRTEEN_CLASSES
from trainables.domains.to_cityscapes import ToCityscapes

_FULL, _HALF = (1024, 512), (512, 256)

CITYSCAPES_PAIRS = (
    ToCityscapes("gta5-cityscapes", CITYSCAPES, GTA5, (1280, 720), _FULL),
    ToCityscapes("gta5-cityscapes-half", CITYSCAPES, GTA5, (640, 360), _HALF),
    ToCityscapes("synthia-cityscapes", THIRTEEN_CLASSES, SYNTHIA, (1280, 760), _FULL),
    ToCityscapes("synthia-cityscapes-half", THIRTEEN_CLASSES, SYNTHIA, (640, 380), _HALF),
    ToCityscapes("synthia16-cityscapes", SIXTEEN_CLASSES, SYNTHIA, (1280, 760), _FULL),
)
"""At AdaptSegNet's sizes, and at half of them; SYNTHIA with the paper's 13 classes, or all 16 in common."""

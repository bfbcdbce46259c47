"""The paper's domain labels z (after Eqs 2 and 3): unlike AdaptSegNet's, the source is 0 and the target 1."""

from __future__ import annotations

from typing import Final

SOURCE: Final = 0
TARGET: Final = 1

"""The adaptor column of the paper's tables: the data and the discriminators that each value uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

SOURCE: Final = 0
TARGET: Final = 1
"""The paper's domain labels z (after Eqs 2 and 3): unlike AdaptSegNet's, the source is 0 and the target 1."""


@dataclass(frozen=True)
class Adaptor:
    """The parts of the method that one value of `adaptor` switches on."""

    source: bool = True
    """Source images are trained on (Eq 9, first term)."""
    global_: bool = False
    """Global adaptation with D_g (section 3.2)."""
    semantic: Literal["fcsa", "csa"] | None = None
    """Semantic-level adaptation with D_s (section 3.3.1 or 3.3.2)."""


ADAPTORS = {
    "oracle": Adaptor(source=False),
    "joint": Adaptor(),
    "ga": Adaptor(global_=True),
    "fcsa": Adaptor(semantic="fcsa"),
    "csa": Adaptor(semantic="csa"),
    "ga+fcsa": Adaptor(global_=True, semantic="fcsa"),
    "ga+csa": Adaptor(global_=True, semantic="csa"),
}

"""How the C library treats freed memory: giving it back costs as much as copying what was in it."""

from __future__ import annotations

import ctypes
import ctypes.util

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Numbers of options in glibc's malloc.h."""


def keep_freed_memory() -> None:
    """Have glibc keep large blocks for the next ones, where it is the C library.

    Else it gives some back to the system and gets them anew page by page, which depends on what ran before and would
    be measured with whatever comes next: up to 20 ms for the images of an iteration at the paper's size.
    """
    library = ctypes.CDLL(ctypes.util.find_library("c"))
    if hasattr(library, "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, 2**30)
        library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)

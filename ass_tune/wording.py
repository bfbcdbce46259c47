"""Hyperparameters, times and sizes as people read them."""

from __future__ import annotations

from rich.filesize import decimal

from trainables.words import format_value

WIDTH_OF_FILES = 160
"""Columns of output that goes to a file or a pipe."""


def short(value: object) -> str:
    """A hyperparameter: whole numbers in full up to a million, other numbers to three significant digits."""
    if not isinstance(value, float):
        return format_value(value)  # type: ignore[arg-type]
    if abs(value) < 1e6 and (value.is_integer() or abs(value) >= 1000):
        return f"{value:z.0f}"
    return f"{value:.3g}"


def format_seconds(seconds: float) -> str:
    """E.g. `45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def format_bytes(size: float) -> str:
    """E.g. `1.4 GB`."""
    return decimal(round(size))

"""Numbers as people read them."""

from __future__ import annotations

from rich.filesize import decimal


def short(value: object) -> str:
    """A hyperparameter in three significant digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def format_seconds(seconds: float) -> str:
    """E.g. `45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def format_bytes(size: float) -> str:
    """E.g. `1.4 GB`."""
    return decimal(round(size))

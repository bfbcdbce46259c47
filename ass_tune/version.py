"""The version of the project, from the metadata of its installation."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """E.g. `0.1.0`; `unknown` where the project runs without being installed."""
    try:
        return metadata.version("ass-tune")
    except metadata.PackageNotFoundError:
        return "unknown"

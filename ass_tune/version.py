"""Versions of the project and of libraries, from the metadata of their installations."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata


def version() -> str:
    """E.g. `0.1.0`; `unknown` where the project runs without being installed."""
    try:
        return metadata.version("ass-tune")
    except metadata.PackageNotFoundError:
        return "unknown"


def library_versions(libraries: Iterable[str]) -> dict[str, str]:
    """Versions of those libraries that are installed; nothing is imported."""
    installed = {}
    for library in libraries:
        try:
            installed[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return installed

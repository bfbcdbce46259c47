"""Where a driver and the processes of its trials leave words for each other: in Ray's own key-value store."""

from __future__ import annotations

NAMESPACE = b"ass_tune"


def place(kind: str, key: str = "") -> bytes:
    """The key of a word in the store; another for each driver: one that was killed may have left its own."""
    import ray

    return f"{kind}/{ray.get_runtime_context().get_job_id()}/{key}".encode()

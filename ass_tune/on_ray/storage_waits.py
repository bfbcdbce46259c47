"""Trials whose processes wait for a storage that is away, readable by the driver, as `preparation.py` does it."""

from __future__ import annotations

import time
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict

from ass_tune.on_ray.key_value import NAMESPACE, place


class StorageWait(BaseModel):
    """What the process of a trial waits for."""

    model_config = ConfigDict(frozen=True)

    since: float
    """Seconds since the epoch."""
    why: str


def told_to_driver(key: Callable[[], str]) -> Callable[[str | None], None]:
    """What a process tells of its waits, for `trainables.patience.telling`, goes to the driver; outside Ray nowhere.

    `key` is that of the trial that the process runs.
    """
    since: float | None = None

    def tell(why: str | None) -> None:
        nonlocal since
        import ray
        from ray.experimental.internal_kv import _internal_kv_del, _internal_kv_put

        if not ray.is_initialized():
            return
        if why is None:
            since = None
            _internal_kv_del(place("storage", key()), namespace=NAMESPACE)
            return
        since = since or time.time()
        wait = StorageWait(since=since, why=why).model_dump_json().encode()
        _internal_kv_put(place("storage", key()), wait, overwrite=True, namespace=NAMESPACE)

    return tell


def storage_waits() -> dict[str, StorageWait]:
    """The trials that wait now, by their keys; seldom any."""
    import ray
    from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_list

    found: dict[str, StorageWait] = {}
    if not ray.is_initialized():
        return found
    for word in _internal_kv_list(place("storage"), namespace=NAMESPACE):
        if (content := _internal_kv_get(word, namespace=NAMESPACE)) is not None:
            found[word.decode().rpartition("/")[2]] = StorageWait.model_validate_json(content)
    return found


def forget_storage_wait(key: str) -> None:
    """Take back what a process that died while it waited has left."""
    import ray
    from ray.experimental.internal_kv import _internal_kv_del

    if not ray.is_initialized():
        return
    _internal_kv_del(place("storage", key), namespace=NAMESPACE)

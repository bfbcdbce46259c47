"""The token of a cluster: `ray start` asks for one where its machine has one, and Ray's drivers give none unasked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from trainables.mistakes import UserMistake


def give_token(address: str) -> None:
    """Use the token of this machine where the cluster asks for one and nobody has set `RAY_AUTH_MODE`.

    Raises UserMistake where the cluster refuses what this machine has: Ray itself would try for a minute.

    Args:
        address: HOST:PORT of a cluster that answers.
    """
    if not _refused(address):
        return
    from ray._private.authentication.authentication_token_setup import maybe_enable_token_auth_if_token_available

    if maybe_enable_token_auth_if_token_available(warn_if_disabled=False) and not _refused(address):
        return
    raise UserMistake(
        f"the Ray cluster at {address} asks for another token than this machine gives: set RAY_AUTH_MODE=token, and "
        "RAY_AUTH_TOKEN to what `ray get-auth-token` shows on the cluster's head node"
    )


def _refused(address: str) -> bool:
    from ray._raylet import GcsClient  # pyright: ignore[reportAttributeAccessIssue]  # compiled
    from ray.exceptions import AuthenticationError

    try:
        with _without_rays_lines():
            GcsClient(address=address)
    except AuthenticationError:
        return True
    return False


@contextmanager
def _without_rays_lines() -> Iterator[None]:
    """Drop what Ray's C++ writes to standard error, since an exception says the same."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

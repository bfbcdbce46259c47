"""A storage that is away is waited for: which errors pass, how long to pause, and how people hear of it."""

from __future__ import annotations

import errno
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TypeVar

from trainables.credentials import without_credentials
from trainables.mistakes import CannotRecord

Answer = TypeVar("Answer")
Told = Callable[[str | None], None]
"""Is told why the calling thread waits, and None when it goes on."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
"""Seconds; each pause is twice as long as the one before it."""

_NETWORK = frozenset(
    {
        *(errno.ESTALE, errno.ETIMEDOUT, errno.EREMOTEIO, errno.ENOTCONN),
        *(errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH),
    }
)
"""Errors of a network file system whose server is away."""
_REFUSED = re.compile(
    r"NO_SUCH_BUCKET|ACCESS_DENIED|INVALID_ACCESS_KEY|SIGNATURE_DOES_NOT_MATCH|SIGNATURE|AUTHENTICATION|CREDENTIAL"
    r"|UNRECOGNIZED_CLIENT|INVALID_CLIENT_TOKEN|EXPIRED_TOKEN|ExpiredToken|InvalidToken|REQUEST_EXPIRED|TOO_SKEWED"
    r"|OPT_IN_REQUIRED|ACCOUNT_PROBLEM|VALIDATION|INVALID_PARAMETER|INVALID_REQUEST|HTTP status (?:3|4(?!08|29))\d\d"
    r"|PERMISSION_DENIED|UNAUTHENTICATED|INVALID_ARGUMENT|AuthenticationFailed|AuthorizationFailure|ContainerNotFound"
)
"""What pyarrow says where an object store answers and will never agree."""

_told: list[Told] = []


class StorageRefuses(CannotRecord):
    """An object store answers, and will never do what it is asked, e.g. because its bucket is gone."""


@contextmanager
def telling(told: Told) -> Iterator[None]:
    """Tell somebody whenever a thread of this process waits for a storage, while the block runs."""
    _told.append(told)
    try:
        yield
    finally:
        _told.remove(told)


def comes_back(error: OSError, *, remote: bool) -> bool:
    """Whether a storage may answer otherwise later. pyarrow gives no number to what an object store says."""
    if error.errno is not None:
        return error.errno in _NETWORK
    return remote and _REFUSED.search(str(error)) is None


def patiently(call: Callable[[], Answer], place: Callable[[], str], *, remote: bool) -> Answer:
    """What a call returns; it is made again and again while its storage is away, and whoever listens is told.

    Raises StorageRefuses for an object store that answers and refuses, and every error of another storage.

    Args:
        call: reads or writes; one that is made twice must do no more than once.
        place: names the storage, as people read it.
        remote: whether it is behind a network as far as pyarrow knows.
    """
    for attempt in count():
        try:
            answer = call()
        except OSError as error:
            if not comes_back(error, remote=remote):
                _all_well(attempt)
                if error.errno is None and remote:
                    raise StorageRefuses(f"{place()} refuses: {first_line(error)}") from error
                raise
            _tell(f"{place()} does not answer: {first_line(error)}")
            _pause(attempt)
        else:
            _all_well(attempt)
            return answer
    raise AssertionError("counts without end")


def _pause(attempt: int) -> None:
    try:
        time.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt, 8)))  # a float would not hold every power
    except BaseException:  # Ctrl-C
        _tell(None)
        raise


def first_line(error: BaseException) -> str:
    """What an error says, in one line and without credentials."""
    text = without_credentials(str(error)).strip()
    return " ".join(text.partition("\n")[0].split())


def _all_well(attempt: int) -> None:
    if attempt:
        _tell(None)


def _tell(why: str | None) -> None:
    for told in tuple(_told):
        told(why)

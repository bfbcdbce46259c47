"""A storage that is away is waited for, aloud; one that refuses is not."""

from __future__ import annotations

import errno

import pytest

from trainables.patience import comes_back, patiently, telling

AWAY = "When reading information for key 'a' in bucket 'b': AWS Error NETWORK_CONNECTION during HeadObject operation"
DENIED = "When reading information for key 'a' in bucket 'b': AWS Error ACCESS_DENIED during HeadObject operation"


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("trainables.patience.time.sleep", found.append)
    return found


def away_for(tries: int, error: OSError) -> list[int]:
    """A call that raises so many times, as an iterator's end."""
    left = [tries]

    def call() -> list[int]:
        if left[0]:
            left[0] -= 1
            raise error
        return [tries]

    return patiently(call, lambda: "s3://bucket/studies", remote=True)


def test_what_comes_back_is_asked_again_with_growing_pauses_and_everybody_hears_of_it(pauses: list[float]) -> None:
    heard: list[str | None] = []
    with telling(heard.append):
        assert away_for(7, OSError(AWAY)) == [7]
    assert pauses == [0.5, 1, 2, 4, 8, 15, 15]
    assert heard == [f"s3://bucket/studies does not answer: {AWAY}"] * 7 + [None]


def test_nobody_hears_of_what_is_well(pauses: list[float]) -> None:
    heard: list[str | None] = []
    with telling(heard.append):
        away_for(0, OSError(AWAY))
    away_for(1, OSError(AWAY))
    assert heard == []


def test_a_refusal_after_a_wait_ends_the_wait() -> None:
    errors = [OSError(AWAY), OSError(DENIED)]
    heard: list[str | None] = []

    def call() -> None:
        raise errors.pop(0)

    with telling(heard.append), pytest.raises(OSError, match="ACCESS_DENIED"):
        patiently(call, lambda: "s3://bucket/studies", remote=True)
    assert heard[-1] is None


@pytest.mark.parametrize(
    ("error", "remote", "passes"),
    [
        (OSError(AWAY), True, True),
        (OSError("AWS Error SLOW_DOWN during PutObject operation"), True, True),
        (OSError("AWS Error UNKNOWN (HTTP status 503) during PutObject operation"), True, True),
        (OSError("AWS Error UNKNOWN (HTTP status 429) during PutObject operation"), True, True),
        (OSError("AWS Error UNKNOWN (HTTP status 400) during HeadObject operation"), True, False),
        (OSError("AWS Error NO_SUCH_BUCKET during CreateMultipartUpload operation"), True, False),
        (OSError(DENIED), True, False),
        (OSError("AWS Error SIGNATURE_DOES_NOT_MATCH during PutObject operation"), True, False),
        (OSError(AWAY), False, False),
        (OSError(errno.ESTALE, "Stale file handle"), False, True),
        (OSError(errno.ETIMEDOUT, "Connection timed out"), False, True),
        (OSError(errno.ENOSPC, "No space left on device"), False, False),
        (FileNotFoundError(errno.ENOENT, "No such file"), True, False),
    ],
)
def test_what_comes_back_and_what_never_does(error: OSError, remote: bool, passes: bool) -> None:
    assert comes_back(error, remote=remote) is passes
